// When the next chunk of a stream will be there, by a clock that the test holds: it stands still but for a second a report of progress.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';

vi.setConfig({ testTimeout: 300_000 });

const THREADS = { device: 'cpu', threads: 2 } as const;

let melody: MeLoDy;
let now = 0; // seconds
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), THREADS);
});
afterAll(() => melody.dispose());
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => now * 1000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const options = { prompt: 'calm piano', seed: 3, steps: 1, durationSeconds: 7.4, firstWindowSeconds: 1.6 };

/** Of each chunk, seconds that its window took and what it says of the next. A report takes a second, or `later` from the second window on. */
async function play(later = 1, onChunk = () => {}): Promise<{ took: number; next: number }[]> {
  const chunks: { took: number; next: number }[] = [];
  let last = 0;
  const onEvent = ({ type, stage }: { type: string; stage?: string }) => {
    if (type !== 'progress') return;
    if (stage === 'style') last = now + 1; // before the first window
    now += chunks.length > 0 ? later : 1;
  };
  for await (const { nextSeconds } of melody.stream({ ...options, onEvent })) {
    chunks.push({ took: now - last, next: nextSeconds as number });
    last = now;
    onChunk();
  }
  return chunks;
}

it('it is told from the length of the next window and from the speed of the last one', async () => {
  await play(); // plans are compiled
  const chunks = await play();
  // windows of 1.6 s, twice of 2.4 behind the 1.6 of before, and of the last second behind 1.6
  const lengths = [1.6, 4, 4, 2.6];
  expect(chunks).toHaveLength(lengths.length);
  for (const [i, { took, next }] of chunks.entries()) {
    expect(took).toBeGreaterThan(0);
    expect(next).toBeCloseTo((took / lengths[i]) * (lengths[i + 1] ?? 0), 9);
  }
});

it('what compiling takes is not expected once more', async () => {
  const [warm] = await play();
  melody.dispose();
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), THREADS);
  const [cold] = await play();
  expect(cold.took).toBe(warm.took);
  expect(cold.next).toBeCloseTo(warm.next / 2, 9);
});

it('nor is what takes longer because threads rest', async () => {
  const chunks = await play();
  const other = await play(3, () => melody.engine.restThreads(1));
  melody.engine.restThreads(0);
  expect(other[1].took).toBeGreaterThan(2 * chunks[1].took);
  expect(other.slice(0, 2).map(({ next }) => next)).toEqual([chunks[0].next, chunks[0].next]); // the same speed, the same length
});
