// Several jobs on one set of weights: turns in the order in which they were asked for, each piece as if it were alone.
import { channel } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { GenerateOptions } from '../../src/pipeline/options.ts';
import { Turns } from '../../src/pipeline/turns.ts';

vi.setConfig({ testTimeout: 120_000 });
const folder = new URL('../../weights/melody-tiny/', import.meta.url);
const options = { prompt: 'calm piano', durationSeconds: 0.4, steps: 2, seed: 5 } satisfies GenerateOptions;
const sameSamples = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((v, i) => v === b[i]);

describe('turns', () => {
  it('go in the order of asking, and nobody comes between', async () => {
    const turns = new Turns(3);
    const order: string[] = [];
    const ahead: number[] = [];
    const first = await turns.take({});
    const waits = ['a', 'b', 'c'].map((name) =>
      turns.take({ onAhead: (n) => name === 'c' && ahead.push(n) }).then((leave) => {
        order.push(name);
        return leave;
      }),
    );
    await expect(turns.take({})).rejects.toMatchObject({
      code: 'busy',
      message: 'this Melody is making music, and its queue is full: 3 jobs wait',
    });
    first();
    first(); // a second time is nothing
    const late = turns.take({ begun: true }).then((leave) => {
      order.push('late');
      return leave;
    });
    for (const wait of waits) (await wait)();
    (await late)();
    expect(order).toEqual(['a', 'b', 'c', 'late']);
    expect(ahead).toEqual([3, 2, 1]);
    expect(turns).toMatchObject({ running: false, waiting: 0 });
  });

  it('who leaves is taken out, and makes room', async () => {
    const turns = new Turns(1);
    const first = await turns.take({});
    const stop = new AbortController();
    const leaves = turns.take({ signal: stop.signal });
    stop.abort();
    await expect(leaves).rejects.toMatchObject({ code: 'aborted' });
    await expect(turns.take({ signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' }); // gone before it came
    const next = turns.take({});
    first();
    (await next)();
    expect(turns).toMatchObject({ running: false, waiting: 0 });
  });
});

describe('a Melody with a queue', () => {
  let melody: MeLoDy;
  let plain: Float32Array;
  beforeAll(async () => {
    melody = await MeLoDy.load(folder, { device: 'cpu', threads: 1, queue: 2 });
    [plain] = (await melody.generate(options)).channels;
  }, 60_000);
  afterAll(() => melody.dispose());

  it.each([-1, 1.5, 10_001, Number.NaN])('is refused with queue %s before anything is opened', async (queue) => {
    await expect(MeLoDy.load('/nowhere', { queue })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('queue'),
    });
  });

  it('makes what it is asked for one after another; one too many is `busy`; no weight is loaded twice', async () => {
    const { bytes } = melody.engine.device.memory;
    const order: number[] = [];
    const events: unknown[] = [];
    const ask = (seed: number) =>
      melody
        .generate({ ...options, seed, onEvent: (event) => event.type === 'queued' && events.push([seed, event.ahead]) })
        .then((clip) => {
          order.push(seed);
          return clip.channels[0];
        });
    const jobs = [ask(5), ask(6), ask(7)];
    expect(melody.waiting).toBe(2);
    await expect(ask(8)).rejects.toMatchObject({ code: 'busy' });
    const [first] = await Promise.all(jobs);
    expect(sameSamples(first, plain)).toBe(true);
    expect(order).toEqual([5, 6, 7]);
    expect(events).toEqual([
      [6, 1],
      [7, 2],
      [7, 1],
    ]);
    expect(melody.engine.device.memory.bytes).toBe(bytes);
    expect(melody.waiting).toBe(0);
  });

  it('who leaves while waiting is not made; the others are', async () => {
    const stop = new AbortController();
    const first = melody.generate(options);
    const leaves = melody.generate({ ...options, signal: stop.signal });
    const last = melody.generate(options);
    stop.abort();
    await expect(leaves).rejects.toMatchObject({ code: 'aborted' });
    expect(sameSamples((await first).channels[0], plain)).toBe(true);
    expect(sameSamples((await last).channels[0], plain)).toBe(true);
  });

  it('two streams and a clip play in turns, each as it would alone', async () => {
    const order: string[] = [];
    const listen = async (seed: number, seconds: number) => {
      const heard: number[] = [];
      for await (const { channels } of melody.stream({ prompt: 'techno', seed, steps: 1, durationSeconds: seconds })) {
        heard.push(...channels[0]);
        order.push(`stream ${seed}`);
      }
      return Float32Array.from(heard);
    };
    const seconds = melody.model.config.window_seconds * 1.5;
    const alone = [await listen(1, seconds), await listen(2, seconds)];
    order.length = 0;
    const both = [listen(1, seconds), listen(2, seconds)];
    const clip = await melody.generate(options);
    order.push('clip');
    expect(sameSamples(clip.channels[0], plain)).toBe(true);
    for (const [i, stream] of both.entries()) expect(sameSamples(await stream, alone[i])).toBe(true);
    expect(order.indexOf('clip')).toBeLessThan(order.length / 2);
    expect(order.slice(0, 2).sort()).toEqual(['stream 1', 'stream 2']); // neither waits for the end of the other
  });

  it('tells what jobs took, and how the queue moves, through diagnostics_channel', async () => {
    const seen: Record<string, unknown>[] = [];
    const names = ['melody:job', 'melody:chunk', 'melody:queue'];
    const on = (message: unknown, name: string | symbol) => void seen.push({ name, ...(message as object) });
    for (const name of names) channel(name).subscribe(on);
    await Promise.all([melody.generate(options), melody.generate({ ...options, seed: 9 })]);
    for await (const _ of melody.stream({ prompt: 'piano', seed: 1, steps: 1 })) break;
    await expect(melody.generate({ ...options, signal: AbortSignal.abort() })).rejects.toThrow();
    for (const name of names) channel(name).unsubscribe(on);
    const jobs = seen.filter(({ name }) => name === 'melody:job');
    expect(jobs).toMatchObject([
      { kind: 'clip', model: 'melody-tiny', seed: 5, audioSeconds: 0.4 },
      { kind: 'clip', seed: 9, audioSeconds: 0.4 },
      { kind: 'stream', seed: 1 },
      { kind: 'clip', error: 'aborted', audioSeconds: 0 },
    ]);
    const [first, second] = jobs as { totalSeconds: number; waitingSeconds: number; stages: Record<string, number> }[];
    expect(first.totalSeconds).toBeGreaterThan(first.stages.diffusion);
    expect(second.waitingSeconds).toBeGreaterThan(first.totalSeconds / 2);
    expect(seen.filter(({ name }) => name === 'melody:chunk')).toHaveLength(1);
    expect(seen.some(({ name, waiting }) => name === 'melody:queue' && waiting === 1)).toBe(true);
    expect(seen.filter(({ name }) => name === 'melody:queue').at(-1)).toMatchObject({ running: false, waiting: 0 });
  });

  it('ends all waiting when it is disposed', async () => {
    const other = await MeLoDy.load(folder, { device: 'cpu', threads: 1, queue: 4 });
    const jobs = [1, 2, 3].map((seed) => other.generate({ ...options, seed }));
    const ends = Promise.allSettled(jobs);
    other.dispose();
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    await expect(other.generate(options)).rejects.toMatchObject({ code: 'aborted' });
  });
});
