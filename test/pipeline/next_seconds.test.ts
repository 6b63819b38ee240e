// When the next chunk of a stream will be there, by a clock that the test holds: it stands still but for a second a report of progress.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { decoderContext } from '../../src/models/vae_decoder.ts';
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

type Stage = 'tokens' | 'diffusion' | 'decoding';
interface Chunk {
  /** Seconds of its window, */
  readonly took: number;
  /** and of its parts. */
  readonly of: Record<Stage, number>;
  readonly next: number;
}

/** Of each chunk, seconds that its window took and what it says of the next. A report takes a second. */
async function play(): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  let last = 0;
  const none = () => ({ tokens: 0, diffusion: 0, decoding: 0 });
  let of = none();
  const onEvent = ({ type, stage }: { type: string; stage?: string }) => {
    if (type !== 'progress') return;
    if (stage === 'style') last = now + 1; // before the first window
    now += 1;
    if (stage && stage in of) of[stage as Stage] += 1;
  };
  for await (const { nextSeconds } of melody.stream({ ...options, onEvent })) {
    chunks.push({ took: now - last, of, next: nextSeconds as number });
    last = now;
    of = none();
  }
  return chunks;
}

/** What the windows of `options` have to do, of each part: 1.6 s, twice 2.4 behind the 1.6 of before, and the last second behind 1.6. */
function works(): Record<Stage, number[]> {
  const reach = decoderContext(melody.model.config.vae_decoder) / melody.model.config.frame_rate; // is not decoded until its neighbours are there
  return {
    // Contexts are read before them: 1.6 s before the second, 3.2 s before each chunk of 0.8 s later, which takes as long as to write one.
    tokens: [1.6, 2.4 + 0.8 / 2, 2.4 + 3 * 0.8, 1 + 2 * 0.8],
    diffusion: [1.6, 4, 4, 2.6],
    decoding: [1.6 - reach, 2.4, 2.4, 1 + reach],
  };
}
/** Seconds of window `next` at the speed of window `known`, which took so many. */
const secondsOf = (next: number, known: number, took: Chunk['of']) =>
  Object.entries(works()).reduce((sum, [stage, work]) => sum + ((work[next] ?? 0) * took[stage as Stage]) / (work[known] as number), 0);

it('it is told from what the next window has to do and from the speed of the last one, part by part', async () => {
  await play(); // plans are compiled
  const chunks = await play();
  expect(chunks).toHaveLength(4);
  for (const [i, { took, of, next }] of chunks.entries()) {
    expect(of.tokens + of.diffusion + of.decoding).toBe(took);
    expect(next).toBeCloseTo(secondsOf(i + 1, i, of), 9);
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
