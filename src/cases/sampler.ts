// Cases of the samplers of published diffusion models.
import { elementsOf } from '../graph/tensor.ts';
import { copy } from '../ops/elementwise.ts';
import { concatRows } from '../ops/gather.ts';
import { samplerStep } from '../ops/sampler.ts';
import { type Case, list, type Measured, measured } from './case.ts';

const NUMBERS = { skip: 0.2, out: -0.9, a: 0.7, b: 0.6, c: -0.25, d: 0.4 };
const GUIDANCE = 7;

/** x' = a x + b clean + c before + d noise and clean = skip x + out v, one after the other. */
export const samplerStepCase = (name: string, shape: readonly [number, number], rows: 1 | 2, first = false): Case => ({
  name,
  record({ g, x }) {
    const [[z, zs], [old, olds], [noise, noises], [v, vs]] = [x(shape), x(shape), x(shape), x([rows, ...shape])];
    const n = elementsOf(shape);
    const [y, before] = [copy(g, z), copy(g, old)]; // the step works in place, and no dispatch may write an input
    const numbers = { ...NUMBERS, ...(first && { c: 0 }) };
    samplerStep(g, y, before, v, noise, { ...numbers, guidance: GUIDANCE });
    const velocity = (i: number) => (rows === 2 ? vs[n + i] + GUIDANCE * (vs[i] - vs[n + i]) : vs[i]);
    const clean = (i: number) => numbers.skip * zs[i] + numbers.out * velocity(i);
    const next = (i: number) => numbers.a * zs[i] + numbers.b * clean(i) + numbers.c * olds[i] + numbers.d * noises[i];
    return [concatRows(g, [y, before]), () => list(2 * n, (i) => (i < n ? next(i) : clean(i - n)))];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [
  samplerStepCase('sampler step, guided', [37, 9], 2),
  samplerStepCase('sampler step, first', [5, 3], 1, true),
];

export const paper = (): Measured[] => [measured(samplerStepCase('stable_audio_step', [1024, 64], 2), 14 * 1024 * 64, 7 * 1024 * 64)];
