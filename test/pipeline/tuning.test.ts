// The tuning of given audio is heard and kept; noise has none.
import { describe, expect, it } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { Model } from '../../src/pipeline/model.ts';
import type { GenerateOptions } from '../../src/pipeline/options.ts';
import { resolve, tunedAsGiven } from '../../src/pipeline/recipe.ts';
import { plainModel } from '../helpers/controls.ts';
import { seeded } from '../helpers/data.ts';
import { runningModel } from '../helpers/running.ts';

/** Chords of six harmonics, a second each. */
function chords(a4: number, sampleRate: number, seconds = 5): Float32Array {
  const next = seeded(4);
  const audio = new Float32Array(seconds * sampleRate);
  for (let s = 0; s < seconds; s++) {
    const root = 48 + Math.floor(next() * 12);
    for (const note of [root, root + 4, root + 7, root + 12])
      for (let h = 1; h <= 6; h++) {
        const [step, start] = [(2 * Math.PI * h * a4 * 2 ** ((note - 69) / 12)) / sampleRate, next() * 6];
        for (let i = 0; i < sampleRate; i++) audio[s * sampleRate + i] += (0.05 / h) * Math.sin(step * i + start);
      }
  }
  return audio;
}

describe('the tuning of given audio', async () => {
  const model = await runningModel();
  const of = (a4: number, sampleRate: number) => ({ channels: [chords(a4, sampleRate)], sampleRate });
  const recipeOf = (options: GenerateOptions, on: Model = model) => {
    const whole = options.initAudio ? { ...options, inpaint: [{ start: 0, end: 1 }] } : { durationSeconds: 1, ...options };
    return tunedAsGiven(resolve(whole, on, 'generate'), whole, on);
  };
  const tuningOf = async (options: GenerateOptions, on?: Model) => (await recipeOf(options, on)).tuning;

  it.each([
    [432, 24000],
    [443, 44100],
    [448, 48000],
  ])('of chords at A4 = %s Hz, %s samples a second', async (a4, sampleRate) => {
    for (const name of ['continueFrom', 'initAudio', 'promptAudio'] as const) {
      const heard = await tuningOf({ [name]: of(a4, sampleRate) });
      expect(Math.abs(1200 * Math.log2((heard as number) / a4))).toBeLessThan(4);
    }
  });

  it('enters the recipe, which makes the same again; what is asked for goes first', async () => {
    const heard = await recipeOf({ continueFrom: of(432, 24000) });
    expect(heard.tuning).toBeCloseTo(432, 0);
    expect(await tuningOf({ ...heard, continueFrom: of(445, 24000) })).toBe(heard.tuning);
    expect(await tuningOf({ continueFrom: of(432, 24000), tuning: 442 })).toBe(442);
    expect(await tuningOf({ prompt: 'piano' })).toBeUndefined();
    expect(() => resolve({ prompt: 'piano', tuning: 400 }, model, 'generate')).toThrow(
      'tuning must be a number of Hz from 415 to 466; got 400',
    );
  });

  it('enters the recipes of clips and streams before their first sound', async () => {
    const melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), { device: 'cpu' });
    try {
      const options = { continueFrom: of(432, 24000), durationSeconds: 6, seed: 1, steps: 1, loudness: null };
      const { recipe } = await melody.generate({ ...options, durationSeconds: 1 });
      expect(recipe.tuning).toBeCloseTo(432, 0);
      const stream = melody.stream(options);
      for await (const _ of stream) break;
      expect(stream.recipe.tuning).toBe(recipe.tuning);
    } finally {
      melody.dispose();
    }
  });

  it('is not said where it is the own one, where there is none, and to decoders without pitches', async () => {
    expect(await tuningOf({ continueFrom: of(440, 24000) })).toBeUndefined();
    const next = seeded(1);
    const noise = { channels: [Float32Array.from({ length: 96000 }, () => next() - 0.5)], sampleRate: 24000 };
    expect(await tuningOf({ continueFrom: noise })).toBeUndefined();
    expect(await tuningOf({ continueFrom: { channels: [new Float32Array(24000)], sampleRate: 24000 } })).toBeUndefined();
    const { config, ...rest } = await plainModel();
    const older = { ...rest, config: { ...config, vae_decoder: { ...config.vae_decoder, kind: 'istft_convnext' } } } as Model;
    expect(await tuningOf({ continueFrom: of(432, 24000) }, older)).toBeUndefined();
  });

  it('is heard at the end of what is gone on from', async () => {
    const [low, high] = [chords(432, 8000, 25), chords(446, 8000, 25)];
    const both = { channels: [Float32Array.from([...low, ...high])], sampleRate: 8000 };
    const near = (a: number | undefined, b: number) => expect(Math.abs((a as number) - b)).toBeLessThan(1);
    near(await tuningOf({ continueFrom: both }), 446);
    near(await tuningOf({ initAudio: both }), 432);
  });
});
