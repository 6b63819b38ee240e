// How pieces end, with melody-tiny.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { loudnessOf } from '../../src/audio/leveller.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

const RATE = 24_000;
const piece = { prompt: 'dark trance, 138 bpm', seed: 3, steps: 1, durationSeconds: 4 };
let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
});
afterAll(() => melody.dispose());

const made = async (options: Parameters<MeLoDy['generate']>[0]) => (await melody.generate(options)).channels[0];
async function played(options: Parameters<MeLoDy['stream']>[0]) {
  const stream = melody.stream(options);
  const parts: number[] = [];
  for await (const { channels } of stream) {
    parts.push(...channels[0]);
    if (!options.durationSeconds) break;
  }
  return { samples: Float32Array.from(parts), recipe: stream.recipe };
}
/** What becomes of a cut piece: its last `seconds` fall to 0. */
const faded = (cut: Float32Array, seconds: number) =>
  cut.map((x, i) => {
    const t = Math.min(1, (cut.length - 1 - i) / (seconds * RATE));
    return x * t * t * (3 - 2 * t);
  });

it('a clip ends at 0 within 5 ms, and is what it was before that; 0 cuts it', async () => {
  const cut = await made({ ...piece, loudness: null, fadeOutSeconds: 0 });
  expect(Math.abs(cut.at(-1) as number)).toBeGreaterThan(0.001);
  const clip = await melody.generate({ ...piece, loudness: null });
  expect(clip.recipe.fadeOutSeconds).toBe(0.005);
  expect(clip.channels[0]).toEqual(faded(cut, 0.005));
  expect(clip.channels[0].at(-1)).toBeCloseTo(0, 12);
  expect(await made({ ...piece, loudness: null, fadeOutSeconds: 60 })).toEqual(faded(cut, 4));
});

it('a clip that fades for long is as loud as asked, and its report is of what is heard', async () => {
  const { channels, report } = await melody.generate({ ...piece, fadeOutSeconds: 3 });
  expect(loudnessOf([channels[0]], RATE)).toBeCloseTo(-16, 0);
  expect(report.loudness.integrated).toBeCloseTo(loudnessOf([channels[0]], RATE), 3);
});

it('a stream that has an end fades out too, over several chunks; made again from its recipe it is the same', async () => {
  const cut = await played({ ...piece, durationSeconds: 6, loudness: null, fadeOutSeconds: 0 });
  expect((await played({ ...piece, durationSeconds: 6, loudness: null, fadeOutSeconds: 4 })).samples).toEqual(faded(cut.samples, 4));
  const { samples, recipe } = await played({ ...piece, durationSeconds: 6, fadeOutSeconds: 2 });
  expect(recipe.fadeOutSeconds).toBe(2);
  expect(await made(recipeOptions(JSON.parse(JSON.stringify(recipe))))).toEqual(samples);
});

it('nothing without an end of its own fades: loops, endless streams, what was cut out of one; nor do recipes that do not say so', async () => {
  const { fadeOutSeconds: _, ...older } = (await melody.generate({ ...piece, loudness: null })).recipe;
  const cut = await made({ ...piece, loudness: null, fadeOutSeconds: 0 });
  expect(await made(older)).toEqual(cut);
  expect(await made(recipeOptions(older))).toEqual(cut);
  expect((await melody.generate({ ...piece, loop: true, fadeOutSeconds: 1 })).recipe).not.toHaveProperty('fadeOutSeconds');
  const endless = await played({ ...piece, durationSeconds: undefined, fadeOutSeconds: 1 });
  expect(endless.recipe).not.toHaveProperty('fadeOutSeconds');
  const again = { ...endless.recipe, durationSeconds: endless.samples.length / RATE, wholeWindows: true };
  expect(await made(again)).toEqual(endless.samples);
  await expect(melody.generate({ ...piece, fadeOutSeconds: -1 })).rejects.toThrow('fadeOutSeconds');
});
