// Cases of one thread an element.
import { ACT, type Act } from '../ops/act.ts';
import { activation, add, clamp, copy, film, mul } from '../ops/elementwise.ts';
import { activate } from './activate.ts';
import { at, type Case, list, type Measured, measured } from './case.ts';

/** x ⊙ scale + shift, a row of these for each of the first `conditions` equal parts of x. */
const filmCase = (name: string, rows: number, dim: number, conditions = rows): Case => ({
  name,
  record({ g, x }) {
    const [[a, as], [scale, scales], [shift, shifts]] = [x([rows, dim]), x([conditions, dim]), x([conditions, dim])];
    const of = (r: number, d: number) => Math.floor(r / (rows / conditions)) * dim + d;
    return [film(g, a, scale, shift), () => list(rows * dim, (i) => as[i] * scales[of(...at(i, dim))] + shifts[of(...at(i, dim))])];
  },
});

export const activationCase = (name: string, act: Act, n: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([n], 4);
    return [activation(g, a, act), () => list(n, (i) => activate(act, as[i]))];
  },
});

/** Every activation by itself: beside exp an error of the others would be nothing. */
const activations = (name: string, n: number) => (Object.keys(ACT) as Act[]).map((act) => activationCase(`${name}${act}`, act, n));

/** clamp(x ⊙ x) + x in three launches: nothing here fuses. */
const elementwiseCase = (name: string, n: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([n], 2);
    const y = add(g, clamp(g, mul(g, a, a), 0.25, 2), a);
    return [y, () => list(n, (i) => Math.min(Math.max(as[i] ** 2, 0.25), 2) + as[i])];
  },
});

export const copyCase = (name: string, n: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([n]);
    return [copy(g, a), () => as];
  },
});

export const quick = (): Case[] => [filmCase('modulation', 5, 68)];

export const odd = (): Case[] => [
  filmCase('FiLM', 5, 67),
  filmCase('FiLM, two conditions', 6, 67, 2),
  ...activations('activation ', 67),
  elementwiseCase('products, sums and limits', 131),
  copyCase('copy', 131),
];

export const paper = (): Measured[] => [
  measured(filmCase('dpd_film', 80 * 64, 768), 2 * 80 * 64 * 768, 4 * 80 * 64 * 768),
  ...activations('act_64k_', 65_536).map((c) => measured(c, 10 * 65_536, 2 * 65_536)),
  measured(elementwiseCase('elementwise_64k', 65_536), 4 * 65_536, 7 * 65_536),
];
