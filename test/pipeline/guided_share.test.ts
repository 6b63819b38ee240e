// Guidance of the first steps alone: between guided and unguided, and exactly these at its ends.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { GenerateOptions } from '../../src/pipeline/options.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

const options = { prompt: 'calm piano', seed: 5, steps: 4, guidanceScale: 3, durationSeconds: 0.8 };
let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
});
afterAll(() => melody.dispose());
const make = async (extra: GenerateOptions = {}) => (await melody.generate({ ...options, ...extra })).channels[0];

it('1 is guidance at every step, 0 is none, and the middle is neither; its recipe makes it again', { timeout: 300_000 }, async () => {
  const [guided, plain] = [await make(), await make({ guidanceScale: 1 })];
  expect(guided).not.toEqual(plain);
  expect(await make({ guidedShare: 1 })).toEqual(guided);
  expect(await make({ guidedShare: 0 })).toEqual(plain);
  const { channels, recipe } = await melody.generate({ ...options, guidedShare: 0.5 });
  expect(channels[0]).not.toEqual(guided);
  expect(channels[0]).not.toEqual(plain);
  expect(recipe.guidedShare).toBe(0.5);
  expect(await make(recipeOptions(recipe))).toEqual(channels[0]);
});
