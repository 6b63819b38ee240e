// Cases of LayerNorm with the products that follow it.
import { state } from '../graph/tensor.ts';
import type { Act } from '../ops/act.ts';
import { concatRows, slice } from '../ops/gather.ts';
import { type NormWeights, normLinear, normQueryKeyValue, queryKeyValue } from '../ops/norm_linear.ts';
import { activate } from './activate.ts';
import { type Case, type FloatStorage, type Kit, type Measured, measured, type Values } from './case.ts';
import { product } from './matmul.ts';
import { normReference } from './norm.ts';

export interface NormLinearSize {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  readonly act?: Act;
  readonly storage?: FloatStorage;
  /** Row of the cache that is written. */
  readonly at?: number;
}

const EPS = 1e-5;

/** Weights of a norm, and the rows that it makes. */
function normOf({ w }: Kit, inner: number): [norm: NormWeights, of: (x: Values) => Float64Array] {
  const [[weight, ws], [bias, bs]] = [w([inner]), w([inner])];
  return [{ weight, bias, eps: EPS }, (x) => normReference(x, ws, bs, EPS, true)];
}

/** y = act(LayerNorm(x) · wᵀ). */
export const normLinearCase = (name: string, s: NormLinearSize): Case => ({
  name,
  storage: s.storage,
  record(kit) {
    const { rows, inner, cols, act = 'none' } = s;
    const [[a, as], [norm, normed], [m, ms]] = [
      kit.x([rows, inner], 3),
      normOf(kit, inner),
      kit.w([cols, inner], inner ** -0.5, s.storage),
    ];
    const reference = () => product(normed(as), ms, rows, inner, cols).map((v) => activate(act, v));
    return [normLinear(kit.g, a, norm, m, { act }), reference];
  },
});

/** The same for three matrices; two of the results lie in a cache of three rows. y: queries, then both caches. */
export const queryKeyValueCase = (name: string, s: NormLinearSize): Case => ({
  name,
  storage: s.storage,
  record(kit) {
    const { g } = kit;
    const { rows, inner, cols, at = 1 } = s;
    const [[a, as], [norm, normed]] = [kit.x([rows, 1, inner], 3), normOf(kit, inner)];
    const [m, ms] = kit.w([3 * cols, inner], inner ** -0.5, s.storage);
    const capacity = 3;
    const [keys, values] = ['keys', 'values'].map((cache) => state(cache, [rows, capacity, cols]));
    const y = normQueryKeyValue(g, a, norm, m, { k: keys, v: values, at });
    const caches = [keys, values].map((cache) => slice(g, { ...cache, shape: [rows * capacity, 1, cols] }, 0, rows * capacity));
    const reference = () => {
      const x = normed(as);
      const all = [0, 1, 2].map((i) => product(x, ms.subarray(i * cols * inner), rows, inner, cols));
      const cached = (part: Float64Array) =>
        Float64Array.from({ length: rows * capacity * cols }, (_, i) => {
          const [row, place, col] = [Math.floor(i / (capacity * cols)), Math.floor(i / cols) % capacity, i % cols];
          return place === at ? part[row * cols + col] : 0;
        });
      return [...all[0], ...cached(all[1]), ...cached(all[2])];
    };
    return [concatRows(g, [y, ...caches]), reference];
  },
});

/** Queries, keys and values of many rows, one after another. */
const manyRowsCase = (name: string, s: NormLinearSize): Case => ({
  name,
  record({ g, x, w }) {
    const { rows, inner, cols } = s;
    const [[a, as], [m, ms]] = [x([rows, inner]), w([3 * cols, inner])];
    const reference = () => [0, 1, 2].flatMap((i) => [...product(as, ms.subarray(i * cols * inner), rows, inner, cols)]);
    return [concatRows(g, queryKeyValue(g, a, m)), reference];
  },
});

export const quick = (): Case[] => [];

/** Few pipelines: software drivers take seconds for each. */
export const odd = (): Case[] => [
  normLinearCase('norm and product', { rows: 5, inner: 68, cols: 44, act: 'gelu', storage: 'f16' }),
  normLinearCase('norm and product, odd', { rows: 3, inner: 19, cols: 45, act: 'gelu' }),
  queryKeyValueCase('queries, keys and values', { rows: 2, inner: 268, cols: 76 }),
  queryKeyValueCase('queries, keys and values, past the end of the cache', { rows: 2, inner: 20, cols: 12, at: 3 }),
  queryKeyValueCase('queries, keys and values, odd', { rows: 2, inner: 18, cols: 6 }),
  manyRowsCase('queries, keys and values, many rows', { rows: 5, inner: 7, cols: 3 }),
];

export const paper = (): Measured[] => [
  measured(
    queryKeyValueCase('musicgen_qkv', { rows: 2, inner: 1024, cols: 1024, storage: 'f16' }),
    12 * 1024 ** 2,
    3 * 1024 ** 2 + 10 * 1024,
  ),
];
