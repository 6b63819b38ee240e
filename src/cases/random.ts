// Cases of random numbers, which are the same bits everywhere.
import { normalNoise, normalNoiseReference, seedWords } from '../ops/random.ts';
import { type Case, type Measured, measured } from './case.ts';

const noiseCase = (name: string, n: number): Case => ({
  name,
  record: ({ g }) => [normalNoise(g, [n], { seed: seedWords(42), stream: 0 }), () => normalNoiseReference(n, 42, 0)],
});

export const quick = (): Case[] => [noiseCase('noise', 403)];
export const odd = (): Case[] => [noiseCase('noise', 1003)];
export const paper = (): Measured[] => [measured(noiseCase('noise_40k', 40_000), 0, 40_000)];
