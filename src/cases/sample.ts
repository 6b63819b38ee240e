// Cases of choosing tokens, which is integer arithmetic: the same everywhere.
import { seedWords } from '../ops/random.ts';
import { sampleToken, sampleTokenReference, samplingParams } from '../ops/sample.ts';
import { type Case, type Measured, measured } from './case.ts';

export const sampleCase = (name: string, vocab: number): Case => ({
  name,
  record({ g, x }) {
    const sampling = { temperature: 0.9, topK: Math.ceil(vocab / 2), topP: 0.9 };
    const [logits, values] = x([vocab], 4);
    const into = g.temp([1], 'u32', 'token');
    sampleToken(g, logits, { ...samplingParams(sampling), seed: seedWords(42), position: 5, into });
    return [into, () => [sampleTokenReference(values, sampling, 42, 5)]];
  },
});

export const quick = (): Case[] => [sampleCase('token sampling', 300)];
export const odd = (): Case[] => [sampleCase('token sampling', 300)];
export const paper = (): Measured[] => [measured(sampleCase('lm_sample', 1024), 0, 1024)];
