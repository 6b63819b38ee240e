// Cases of choosing tokens, which is integer arithmetic: the same everywhere.
import { seedWords } from '../ops/random.ts';
import { sampleToken, sampleTokenReference, samplingParams } from '../ops/sample.ts';
import { type Case, type Measured, measured } from './case.ts';

/** One token; `guided`: of two rows of logits, the first away from the second. */
const sampleCase = (name: string, vocab: number, guided = false): Case => ({
  name,
  record({ g, x }) {
    const sampling = { temperature: 0.9, topK: Math.ceil(vocab / 2), topP: 0.9 };
    const [logits, values] = x(guided ? [2, vocab] : [vocab], 4);
    const into = g.temp([1], 'u32', 'token');
    sampleToken(g, logits, {
      ...samplingParams(sampling),
      seed: seedWords(42),
      position: 5,
      into,
      guidance: guided ? { of: 1.5, rest: -0.5 } : undefined,
    });
    const mixed = () => (guided ? values.subarray(0, vocab).map((v, i) => 1.5 * v - 0.5 * values[vocab + i]) : values);
    return [into, () => [sampleTokenReference(mixed(), sampling, 42, 5)]];
  },
});

export const quick = (): Case[] => [sampleCase('token sampling', 300)];
export const odd = (): Case[] => [sampleCase('token sampling', 300), sampleCase('token sampling, guided', 300, true)];
export const paper = (): Measured[] => [measured(sampleCase('lm_sample', 1024), 0, 1024)];
