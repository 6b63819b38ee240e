// The tuning of given audio is heard and kept; noise has none.
import { describe, expect, it } from 'vitest';
import { resolve } from '../../src/pipeline/recipe.ts';
import { tuningOfGiven } from '../../src/pipeline/tuning.ts';
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
  const { config } = await runningModel();
  const of = (a4: number, sampleRate: number) => ({ channels: [chords(a4, sampleRate)], sampleRate });

  it.each([
    [432, 24000],
    [443, 44100],
    [448, 48000],
  ])('of chords at A4 = %s Hz, %s samples a second', (a4, sampleRate) => {
    for (const name of ['continueFrom', 'initAudio', 'promptAudio'] as const) {
      const heard = tuningOfGiven({ [name]: of(a4, sampleRate) }, config);
      expect(Math.abs(1200 * Math.log2((heard as number) / a4))).toBeLessThan(4);
    }
  });

  it('enters the recipe, which makes the same again; what is asked for goes first', async () => {
    const model = await runningModel();
    const heard = resolve({ continueFrom: of(432, 24000), durationSeconds: 1 }, model, 'generate');
    expect(heard.tuning).toBeCloseTo(432, 0);
    expect(resolve({ ...heard, continueFrom: of(445, 24000) }, model, 'generate').tuning).toBe(heard.tuning);
    expect(resolve({ continueFrom: of(432, 24000), tuning: 442 }, model, 'stream').tuning).toBe(442);
    expect(resolve({ prompt: 'piano' }, model, 'generate').tuning).toBeUndefined();
    expect(() => resolve({ prompt: 'piano', tuning: 400 }, model, 'generate')).toThrow(
      'tuning must be a number of Hz from 415 to 466; got 400',
    );
  });

  it('is not said where it is the own one, where there is none, and to decoders without pitches', async () => {
    expect(tuningOfGiven({ continueFrom: of(440, 24000) }, config)).toBeUndefined();
    const next = seeded(1);
    const noise = { channels: [Float32Array.from({ length: 96000 }, () => next() - 0.5)], sampleRate: 24000 };
    expect(tuningOfGiven({ continueFrom: noise }, config)).toBeUndefined();
    expect(tuningOfGiven({ continueFrom: { channels: [new Float32Array(24000)], sampleRate: 24000 } }, config)).toBeUndefined();
    expect(tuningOfGiven({ prompt: 'piano' }, config)).toBeUndefined();
    const { vae_decoder, ...rest } = (await plainModel()).config;
    const older = { ...rest, vae_decoder: { ...vae_decoder, kind: 'istft_convnext' } } as typeof config;
    expect(tuningOfGiven({ continueFrom: of(432, 24000) }, older)).toBeUndefined();
  });

  it('is heard at the end of what is gone on from', () => {
    const [low, high] = [chords(432, 8000, 25), chords(446, 8000, 25)];
    const both = { channels: [Float32Array.from([...low, ...high])], sampleRate: 8000 };
    const near = (a: number | undefined, b: number) => expect(Math.abs((a as number) - b)).toBeLessThan(1);
    near(tuningOfGiven({ continueFrom: both }, config), 446);
    near(tuningOfGiven({ initAudio: both }, config), 432);
  });
});
