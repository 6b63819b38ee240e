// Long work on samples goes to a thread of its own in Node, and is done in place where that cannot be.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { measureClip } from '../../src/audio/measure.ts';
import { SOUND } from '../../src/audio/simd_module.gen.ts';
import { levelled } from '../../src/audio/sound_work.ts';
import { bundleForPages } from '../../tools/web.mjs';

const folder = mkdtempSync(join(tmpdir(), 'melody-aside-'));
const file = pathToFileURL(join(folder, 'sound-thread.js'));
const RATE = 8000;
const tone = () => Float32Array.from({ length: 2 * RATE }, (_, n) => 0.2 * Math.sin(n / 5) * Math.sin(n / 900));

let runAside: typeof import('../../src/platform/node_aside.ts').runAside;
let expectAside: typeof import('../../src/platform/node_aside.ts').expectAside;

beforeAll(() => bundleForPages({ 'sound-thread': '#sound-thread' }, { outdir: folder }));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  vi.resetModules();
  const aside = await import('../../src/platform/node_aside.ts');
  ({ runAside, expectAside } = aside);
  aside.bringAside(new Uint8Array(inflateSync(Buffer.from(SOUND, 'base64'))));
});

test('a clip is levelled and measured in the thread as it is here', async () => {
  const clip = [tone(), tone()];
  const report = await runAside(file, 'measureClip', [clip, RATE, { periods: [80] }]);
  expect(report?.value).toEqual(measureClip(clip, RATE, { periods: [80] }));
  const louder = (await runAside(file, 'levelled', [clip, RATE, { target: -14 }]))?.value as ReturnType<typeof levelled>;
  const here = levelled(clip, RATE, { target: -14 });
  expect(louder.short).toBe(here.short);
  const differs = (channels: Float32Array[]) => channels.map((channel, c) => channel.findIndex((value, n) => value !== here.audio[c][n]));
  expect(differs(louder.audio)).toEqual([-1, -1]);
  expect(clip).toEqual([tone(), tone()]); // still the caller's
  const both = (await runAside(file, 'levelled', [clip, RATE, { target: -14 }, { periods: [80] }]))?.value as ReturnType<typeof levelled>;
  expect(differs(both.audio)).toEqual([-1, -1]);
  expect(both.report).toEqual(measureClip(here.audio, RATE, { periods: [80] }));
});

test('tasks that are asked for together are answered each to its own', async () => {
  const lengths = [100, 200, 300];
  const answers = await Promise.all(lengths.map((n) => runAside(file, 'measureClip', [[tone().slice(0, n)], RATE])));
  expect(answers).toMatchObject(lengths.map((n) => ({ value: { duration: n / RATE } })));
});

test('an abort is heard before the thread is done, and the thread does the next task', async () => {
  const stop = new AbortController();
  const asked = runAside(file, 'measureClip', [[tone()], RATE], stop.signal);
  stop.abort();
  await expect(asked).rejects.toMatchObject({ code: 'aborted' });
  await expect(runAside(file, 'measureClip', [[tone()], RATE], stop.signal)).rejects.toMatchObject({ code: 'aborted' });
  expect(await runAside(file, 'measureClip', [[tone()], RATE])).toBeDefined();
});

test('work that fails in the thread is left to whoever asked, whose error is the right one', async () => {
  expect(await runAside(file, 'measureClip', [[], RATE])).toBeUndefined();
  expect(await runAside(file, 'measureClip', [[tone()], RATE])).toBeDefined();
});

test('a thread that is expected has started once a task comes, and ends when none does', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const made: unknown[] = [];
    process.on('worker', (worker) => made.push(worker));
    expectAside(file);
    expectAside(file); // it is there
    await new Promise((go) => setImmediate(go)); // Node tells of a new thread a turn later
    expect(made).toHaveLength(1);
    expect((await runAside(file, 'measureClip', [[tone()], RATE]))?.value).toEqual(measureClip([tone()], RATE));
    expect(made).toHaveLength(1);
    vi.advanceTimersByTime(60_000);
    expectAside(file);
    await new Promise((go) => setImmediate(go));
    expect(made).toHaveLength(2);
  } finally {
    vi.useRealTimers();
    process.removeAllListeners('worker');
  }
});

test('where the file of the thread is missing, work is done in place from then on', async () => {
  const missing = pathToFileURL(join(folder, 'no-such-file.js'));
  expect(await runAside(missing, 'measureClip', [[tone()], RATE])).toBeUndefined();
  expect(await runAside(file, 'measureClip', [[tone()], RATE])).toBeUndefined();
});
