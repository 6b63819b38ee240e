// Cases of attention with a bias for every pair of places, and of its softmax.
import { biasedAttention, relativeBias, softmax } from '../ops/biased_attention.ts';
import { constantRef } from '../ops/constant.ts';
import { type Case, list, type Measured, measured, sum, type Values } from './case.ts';

export const relativeBiasCase = (name: string, words: number, heads: number, len: number): Case => ({
  name,
  record({ g, w }) {
    const [table, values] = w([words, heads]);
    const buckets = Uint32Array.from({ length: 2 * len - 1 }, (_, i) => (i * 7) % words);
    const bucket = constantRef('buckets', [buckets.length], 'u32', () => buckets);
    const one = (i: number) => values[buckets[(i % len) - (Math.floor(i / len) % len) + len - 1] * heads + Math.floor(i / len / len)];
    return [relativeBias(g, table, bucket), () => list(heads * len * len, one)];
  },
});

/** exp(x − max) / Σ exp(x − max), row by row. */
export function softmaxReference(x: Values, cols: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += cols) {
    const row = list(cols, (c) => x[from + c]);
    const top = row.reduce((a, v) => Math.max(a, v));
    const powers = row.map((v) => Math.exp(v - top));
    const total = powers.reduce((a, v) => a + v);
    y.set(
      powers.map((v) => v / total),
      from,
    );
  }
  return y;
}

export const softmaxCase = (name: string, rows: number, cols: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([rows, cols], 8);
    return [softmax(g, a), () => softmaxReference(as, cols)];
  },
});

export const biasedAttentionCase = (name: string, s: { len: number; keys: number; heads: number; dh: number; scale: number }): Case => ({
  name,
  record({ g, x }) {
    const { len, keys, heads, dh, scale } = s;
    const row = heads * dh;
    const [[q, qs], [k, ks], [v, vs], [b, bs]] = [x([len, row]), x([keys, row]), x([keys, row]), x([heads, len, keys], 2)];
    const one = (i: number) => {
      const [t, c] = [Math.floor(i / row), i % row];
      const h = Math.floor(c / dh);
      const score = (j: number) => scale * sum(dh, (d) => qs[t * row + h * dh + d] * ks[j * row + h * dh + d]);
      const weights = list(keys, (j) => Math.exp(score(j) + bs[(h * len + t) * keys + j]));
      return sum(keys, (j) => weights[j] * vs[j * row + c]) / sum(keys, (j) => weights[j]);
    };
    return [biasedAttention(g, q, k, v, b, { scale }), () => list(len * row, one)];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [
  softmaxCase('softmax', 13, 67),
  softmaxCase('softmax, few rows', 5, 67),
  relativeBiasCase('bias by distance', 8, 3, 11),
  biasedAttentionCase('attention with a bias', { len: 9, keys: 11, heads: 3, dh: 5, scale: 1 }),
];

export const paper = (): Measured[] => [
  measured(softmaxCase('softmax_1024', 1024, 1024), 5 * 1024 ** 2, 2 * 1024 ** 2),
  measured(relativeBiasCase('t5_bias', 32, 12, 64), 0, 12 * 64 * 64),
  measured(
    biasedAttentionCase('t5_attention', { len: 64, keys: 64, heads: 12, dh: 64, scale: 1 }),
    4 * 12 * 64 ** 3,
    4 * 12 * 64 ** 2 + 12 * 64 ** 2,
  ),
];
