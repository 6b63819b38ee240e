// Memory is predicted before a job starts, from the graphs it will run (docs/requirements.md §1.5).
import { describe, expect, it } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { GenerateOptions } from '../../src/pipeline/options.ts';
import { TEST_CPU, TEST_GPU } from '../helpers/gpu.ts';

const folder = new URL('../../weights/melody-tiny/', import.meta.url);
const load = (memoryLimit?: number, on = TEST_GPU) => MeLoDy.load(folder, { ...on, ...(memoryLimit !== undefined && { memoryLimit }) });
const tone = { channels: [Float32Array.from({ length: 72000 }, (_, i) => 0.3 * Math.sin(i / 20))] as const, sampleRate: 24000 };
const plain: GenerateOptions = { prompt: 'calm piano', durationSeconds: 0.8, steps: 1, seed: 5 };

describe.each([
  ['the GPU', TEST_GPU],
  ['the CPU, whose plans share a workspace', TEST_CPU],
])('predicted memory is the measured peak, byte for byte, on %s', (_executor, on) => {
  const jobs: [name: string, options: GenerateOptions][] = [
    ['a short clip', plain],
    ['a piece of several windows', { ...plain, durationSeconds: 8.3 }],
    [
      'language guidance, ancestral sampling, a negative prompt',
      { ...plain, lmGuidanceScale: 2, negativePrompt: 'drums', sampler: 'ddpm' },
    ],
    ['windows in parallel', { ...plain, durationSeconds: 12, parallelWindows: 3 }],
    ['style from music, continued', { ...plain, promptAudio: tone, continueFrom: tone }],
    ['a loop', { ...plain, loop: true, durationSeconds: 3.2 }],
    ['inpainting', { steps: 1, seed: 1, prompt: 'piano', initAudio: tone, inpaint: [{ start: 1, end: 2 }] }],
  ];
  it.each(jobs)('%s', async (_name, options) => {
    const rich = await load(undefined, on);
    const before = rich.engine.device.memory.buffers;
    const { peak, weights, buffers } = await rich.predictMemory(options);
    expect(rich.engine.device.memory.buffers).toBe(before); // nothing was uploaded
    expect(weights).toBeGreaterThan(1e5);
    expect(buffers).toBeGreaterThan(1e4);
    rich.dispose();
    // With less than twice as much the CPU compiles no plan ahead, which may come before what is read of an earlier one.
    const melody = await load(1.5 * peak, on);
    expect((await melody.generate(options)).timings.peakBytes).toBe(peak);
    melody.dispose();
  });

  it('one job after another, and more plans than are kept', async () => {
    const melody = await load(undefined, on);
    for (const durationSeconds of [0.4, 1.2, 2.4, 3.3, 5, 6.1, 7.2, 9.9]) {
      const options = { ...plain, durationSeconds, parallelWindows: 2 };
      const { peak } = await melody.predictMemory(options);
      expect((await melody.generate(options)).timings.peakBytes).toBe(peak);
    }
    melody.dispose();
  });

  it.each([
    ['an endless stream', undefined],
    ['a stream with an end', 9.1],
  ])('%s', async (_name, durationSeconds) => {
    const melody = await load(undefined, on);
    const stream = melody.stream({ prompt: 'piano', steps: 1, seed: 1, ...(durationSeconds && { durationSeconds }) });
    const { peak } = await stream.predictMemory();
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 14) break;
    expect(melody.engine.device.memory.peakBytes).toBe(peak);
    melody.dispose();
  });
});

describe('what cannot fit is refused before any work', () => {
  const refused = async (start: (m: MeLoDy) => Promise<unknown>, memoryLimit: number) => {
    const melody = await load(memoryLimit);
    await expect(start(melody)).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(
        /^this needs \d+ MB more (?:GPU )?memory \(weights \d+ MB, buffers \d+ MB, 0 MB in use\); got 2 MB free on /,
      ),
    });
    expect(melody.engine.device.memory).toMatchObject({ buffers: 0, peakBytes: 0 });
    melody.dispose();
  };

  it('a clip, with no progress event', async () => {
    let events = 0;
    await refused((m) => m.generate({ ...plain, onEvent: () => events++ }), 2e6);
    expect(events).toBe(0);
  });

  it('a stream', () => refused((m) => m.stream({ prompt: 'piano' })[Symbol.asyncIterator]().next(), 2e6));

  it('and where exactly what was predicted is free, nothing is said', async () => {
    const first = await load();
    const { peak } = await first.predictMemory(plain);
    const enough = await load(peak);
    const codes: string[] = [];
    const { channels } = await enough.generate({ ...plain, onEvent: (event) => event.type === 'warning' && codes.push(event.code) });
    expect(channels[0].length).toBe(19200);
    expect(codes).toEqual([]);
    for (const m of [first, enough]) m.dispose();
  });

  it('a byte less: smaller batches and pieces make the same music, within the limit', async () => {
    const long = { ...plain, durationSeconds: 12, parallelWindows: 3 };
    const first = await load();
    const { peak } = await first.predictMemory(long);
    const whole = await first.generate(long);
    const less = await load(peak - 1);
    const codes: string[] = [];
    const clip = await less.generate({ ...long, onEvent: (event) => event.type === 'warning' && codes.push(event.code) });
    expect(codes).toEqual(['low_memory']);
    expect(clip.timings.peakBytes).toBeLessThan(peak);
    const worst = clip.channels[0].reduce((most, v, i) => Math.max(most, Math.abs(v - whole.channels[0][i])), 0);
    expect(worst).toBeLessThanOrEqual(1e-4);
    for (const m of [first, less]) m.dispose();
  });

  it('a tensor over the adapter’s limit: `limit`, with its name, the size and the limit', async () => {
    const melody = await load();
    Object.assign(melody.engine.device.caps, { storageBinding: 100_000 });
    await expect(melody.generate(plain)).rejects.toMatchObject({
      code: 'limit',
      message: expect.stringMatching(/: \d+ bytes in one tensor \(\d+ × \w+\); expected at most 100000, /),
    });
    expect(melody.engine.device.memory.peakBytes).toBe(0);
    melody.dispose();
  });
});
