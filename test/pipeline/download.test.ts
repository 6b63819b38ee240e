// A model at an address: what is told while it comes, and what an abort stops.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Melody } from '../../src/pipeline/melody.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';

const tiny = new URL('../../weights/melody-tiny/', import.meta.url);
const files = new Map(['config.json', 'model.safetensors', 'tokenizer.json'].map((name) => [name, readFileSync(new URL(name, tiny))]));
let server: TestServer;
let requests: number;
let slow: number; // ms before each answer
let cache: string;
beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'melody-download-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  requests = 0;
  slow = 0;
  server = await serve((request, response) => {
    requests += 1;
    const file = files.get(basename(request.url ?? ''));
    setTimeout(() => (file ? sendRange(file, request, response) : response.writeHead(404).end()), slow);
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  rmSync(cache, { recursive: true });
});

it('`download` events: each file from nothing to all of it, in rising bytes; what is kept already says nothing', async () => {
  const load = async () => {
    const heard = new Map<string, number[]>();
    const onEvent = ({ file, received, total }: { file: string; received: number; total: number }) => {
      expect(total).toBe(files.get(file)?.length);
      heard.set(file, [...(heard.get(file) ?? []), received]);
    };
    (await Melody.load(`${server.origin}/melody-tiny/`, { ...TEST_GPU, onEvent })).dispose();
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

it('an abort while weights come stops asking for more', async () => {
  const melody = await Melody.load(`${server.origin}/melody-tiny/`, { ...TEST_GPU, cache: false });
  const stop = new AbortController();
  slow = 50;
  const before = requests;
  const job = melody.generate({ prompt: 'piano', durationSeconds: 0.4, steps: 1, seed: 1, signal: stop.signal });
  job.catch(() => {});
  await vi.waitFor(() => expect(requests).toBeGreaterThan(before));
  stop.abort();
  const then = requests;
  await expect(job).rejects.toMatchObject({ code: 'aborted' });
  expect(requests - then).toBeLessThanOrEqual(8); // those that were about to start
  slow = 0;
  expect((await melody.generate({ prompt: 'piano', durationSeconds: 0.4, steps: 1, seed: 1 })).channels[0].length).toBe(9600);
  melody.dispose();
});
