// A model at an address: what is told while it comes, and what an abort stops.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { type LoadOptions, MeLoDy } from '../../src/pipeline/melody.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';

const tiny = new URL('../../weights/melody-tiny/', import.meta.url);
const files = new Map(['config.json', 'model.safetensors', 'tokenizer.json'].map((name) => [name, readFileSync(new URL(name, tiny))]));
const clip = { prompt: 'piano', durationSeconds: 0.4, steps: 1, seed: 1 };
let server: TestServer;
let requests: number;
let answers: number; // that the server gives; then it gives none
let cache: string;
beforeAll(async () => {
  // The driver, which lives as long as the process, keeps its shaders in the cache folder of the environment that it finds when it starts: not in
  // that of the first test, which goes.
  const adapter = await (await platform.openGpu()).requestAdapter();
  (await adapter?.requestDevice())?.destroy();
});
beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'melody-download-'));
  requests = 0;
  answers = Infinity;
  server = await serve((request, response) => {
    requests += 1;
    const file = files.get(basename(request.url ?? ''));
    if (answers-- <= 0) return;
    if (file) sendRange(file, request, response);
    else response.writeHead(404).end();
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  rmSync(cache, { recursive: true });
});

it('`download` events: each file from nothing to all of it, in rising bytes; what is kept already says nothing', async () => {
  vi.stubEnv('XDG_CACHE_HOME', cache);
  const load = async () => {
    const heard = new Map<string, number[]>();
    const onEvent: LoadOptions['onEvent'] = (event) => {
      if (event.type !== 'download') return;
      const { file, received, total } = event;
      expect(total).toBe(files.get(file)?.length);
      heard.set(file, [...(heard.get(file) ?? []), received]);
    };
    (await MeLoDy.load(`${server.origin}/melody-tiny/`, { ...TEST_GPU, onEvent })).dispose();
    return heard;
  };
  const heard = await load();
  expect([...heard.keys()].sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  for (const [file, received] of heard) {
    expect(received[0]).toBe(0);
    expect(received.at(-1)).toBe(files.get(file)?.length);
    expect(received).toEqual([...received].sort((a, b) => a - b));
  }
  expect((await load()).size).toBe(0);
});

it.each([0, 1])('an abort while weights come waits for no server, after %i answers', { timeout: 15_000 }, async (count) => {
  const melody = await MeLoDy.load(`${server.origin}/melody-tiny/`, { ...TEST_GPU, cache: false });
  const stop = new AbortController();
  answers = count;
  const before = requests;
  const job = melody.generate({ ...clip, signal: stop.signal });
  job.catch(() => {});
  await vi.waitFor(() => expect(requests).toBeGreaterThan(before + count), 5000);
  stop.abort();
  await expect(job).rejects.toMatchObject({ code: 'aborted' }); // though one was never answered
  answers = Infinity;
  expect((await melody.generate(clip)).channels[0].length).toBe(9600);
  melody.dispose();
});
