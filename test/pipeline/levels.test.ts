// How loud clips, streams, loops, continuations and inpainted regions come out, with melody-tiny.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as levels from '../../src/audio/leveller.ts';
import { truePeak } from '../../src/audio/loudness.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

const RATE = 24_000;
const prompts = [
  'quiet lullaby, music box',
  'fast rock drums',
  'dark trance, 138 bpm',
  'slow piano ballad',
  'ambient pad',
  'jazz with upright bass',
];
let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
});
afterAll(() => melody.dispose());

const loudnessOf = (x: Float32Array, rate: number) => levels.loudnessOf([x], rate);
const spread = (values: number[]) => Math.max(...values) - Math.min(...values);
const dB = (x: Float32Array) => 20 * Math.log10(truePeak(x));
const tone = (seconds: number, amplitude: number) => Float32Array.from({ length: seconds * RATE }, (_, i) => amplitude * Math.sin(i / 9));
const wav = (samples: Float32Array) => ({ channels: [samples], sampleRate: RATE });

it('six prompts that are made far apart come out within 2 LU of −16 LUFS, under −1 dBTP', async () => {
  const [raw, levelled]: number[][] = [[], []];
  for (const prompt of prompts) {
    const options = { prompt, seed: 3, steps: 2, durationSeconds: 4 };
    raw.push(loudnessOf((await melody.generate({ ...options, loudness: null })).channels[0], RATE));
    const { channels, report } = await melody.generate(options);
    levelled.push(report.loudness.integrated);
    expect(dB(channels[0])).toBeLessThanOrEqual(-1);
  }
  process.stderr.write(`LUFS as made ${raw.map((v) => v.toFixed(1))}; levelled ${levelled.map((v) => v.toFixed(1))}\n`);
  expect(spread(raw)).toBeGreaterThan(3);
  for (const value of levelled) expect(Math.abs(value + 16)).toBeLessThan(2);
  expect(spread(levelled)).toBeLessThan(spread(raw) / 2);
});

it('a stream is near −16 LUFS, and made again from its recipe it is the same to the byte', async () => {
  const play = async (options: Parameters<MeLoDy['stream']>[0]) => {
    const stream = melody.stream(options);
    const parts: Float32Array[] = [];
    for await (const { channels } of stream) parts.push(channels[0]);
    return { samples: Float32Array.from(parts.flatMap((part) => [...part])), recipe: stream.recipe };
  };
  const { samples, recipe } = await play({ prompt: prompts[0], seed: 3, steps: 1, durationSeconds: 6 });
  expect(recipe).toMatchObject({ loudness: -16, runningLevel: true });
  expect(Math.abs(loudnessOf(samples, RATE) + 16)).toBeLessThan(3);
  expect(dB(samples)).toBeLessThanOrEqual(-1);
  expect((await play(recipeOptions(recipe))).samples).toEqual(samples);
  expect((await melody.generate(recipeOptions(JSON.parse(JSON.stringify(recipe))))).channels[0]).toEqual(samples);
});

it('a recipe of a time without levels makes its music as loud as it was', async () => {
  const options = { prompt: prompts[1], seed: 3, steps: 1, durationSeconds: 1 };
  const raw = await melody.generate({ ...options, loudness: null });
  expect(raw.recipe.loudness).toBeNull();
  const { loudness: _, ...old } = raw.recipe;
  expect((await melody.generate(recipeOptions(old))).channels[0]).toEqual(raw.channels[0]);
  expect((await melody.generate(recipeOptions(raw.recipe))).channels[0]).toEqual(raw.channels[0]);
  expect(() => recipeOptions({ ...old, loudness: 'loud' })).toThrow('recipe: loudness must be');
  await expect(melody.generate({ ...options, loudness: 3 })).rejects.toThrow(/loudness must be a number of LUFS from -40 to -8; got 3/);
});

it('a loop is levelled as a circle', async () => {
  const options = { prompt: prompts[2], seed: 3, steps: 1, durationSeconds: 3.2, loop: true };
  const { channels, report } = await melody.generate(options);
  expect(Math.abs(report.loudness.integrated + 16)).toBeLessThan(2);
  expect(dB(Float32Array.from([...channels[0], ...channels[0]]))).toBeLessThanOrEqual(-1);
});

it('what goes on behind given audio, or within it, is as loud as that; its own samples stay', async () => {
  for (const amplitude of [0.05, 0.2]) {
    const given = tone(4, amplitude);
    const wanted = loudnessOf(given, RATE);
    const raw = { prompt: prompts[1], seed: 3, steps: 1, loudness: null };
    const options = { prompt: prompts[1], seed: 3, steps: 1 };
    const off = async (how: object) => {
      const [made, before] = [await melody.generate({ ...options, ...how }), await melody.generate({ ...raw, ...how })];
      return { made: made.channels[0], before: before.channels[0] };
    };
    const onwards = await off({ continueFrom: wav(given), durationSeconds: 2 });
    // No nearer than 12 dB bring it.
    const allowed = (before: Float32Array) => Math.max(1, Math.abs(loudnessOf(before, RATE) - wanted) - 12 + 1);
    expect(Math.abs(loudnessOf(onwards.made, RATE) - wanted)).toBeLessThan(allowed(onwards.before));
    const within = await off({ initAudio: wav(given), inpaint: [{ start: 1, end: 3 }] });
    expect(within.made.slice(0, RATE)).toEqual(given.slice(0, RATE));
    expect(within.made.slice(3 * RATE)).toEqual(given.slice(3 * RATE));
    const part = (x: Float32Array) => x.slice(1.1 * RATE, 2.9 * RATE);
    expect(Math.abs(loudnessOf(part(within.made), RATE) - wanted)).toBeLessThan(allowed(part(within.before)) + 1);
  }
});
