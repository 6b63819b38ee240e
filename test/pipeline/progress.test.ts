// Times of a job by a clock that the test holds: seconds of each stage, speed, the estimate of the rest.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Machine } from '../../src/engine/engine.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { Progress } from '../../src/pipeline/progress.ts';

let now = 0; // seconds
beforeEach(() => {
  now = 100;
  vi.spyOn(performance, 'now').mockImplementation(() => now * 1000);
});
afterEach(() => vi.restoreAllMocks());
const wait = (seconds: number) => async () => {
  now += seconds;
};

it('stages add up, speed is music a second, and what lies between stages counts in the whole', async () => {
  const progress = new Progress(undefined, undefined, { recoveries: 0 } as Machine);
  await progress.during('style', wait(0.25));
  await progress.during('tokens', wait(1));
  await progress.during('diffusion', wait(2));
  await progress.during('diffusion', wait(3));
  await wait(0.5)();
  await progress.during('decoding', wait(1.25));
  expect(progress.finish(16, 7)).toEqual({ style: 0.25, tokens: 1, diffusion: 5, decoding: 1.25, total: 8, speed: 2, peakBytes: 7 });
});

it('a stage that fails is timed too', async () => {
  const progress = new Progress(undefined, undefined, { recoveries: 0 } as Machine);
  const failing = progress.during('tokens', async () => {
    now += 2;
    throw new Error('broken');
  });
  await expect(failing).rejects.toThrow('broken');
  expect(progress.finish(1, 0)).toMatchObject({ tokens: 2, total: 2, speed: 0.5 });
});

it('the rest is estimated from what is done, and the fraction never falls', async () => {
  const events: Extract<MelodyEvent, { type: 'progress' }>[] = [];
  const hear = (event: MelodyEvent) => event.type === 'progress' && events.push(event);
  const progress = new Progress(hear, undefined, { recoveries: 0 } as Machine);
  progress.report('style', 0);
  await wait(3)();
  progress.report('diffusion', 0.5); // 54 % of the whole
  progress.report('tokens', 1);
  await wait(2)();
  progress.finish(1, 0);
  expect(events.map((e) => e.fraction)).toEqual([0, 0.54, 0.54, 1]);
  expect(events[0].etaSeconds).toBeNaN();
  expect(events[1].etaSeconds).toBeCloseTo((3 * 0.46) / 0.54, 9);
  expect(events[3].etaSeconds).toBe(0);
});

it('an abort ends the events, and no stage starts', async () => {
  const stop = new AbortController();
  let heard = 0;
  const progress = new Progress(() => heard++, stop.signal, { recoveries: 0 } as Machine);
  progress.report('style', 1);
  stop.abort();
  progress.report('tokens', 1);
  await expect(progress.during('tokens', wait(1))).rejects.toMatchObject({ code: 'aborted' });
  expect([heard, now]).toEqual([1, 100]);
});
