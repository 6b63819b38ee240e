// Cases of the residual vector quantiser.
import { nearestCode, rvqEncode } from '../ops/quantise.ts';
import { type Case, list, type Measured, measured, sum, type Values } from './case.ts';

export interface Codebooks {
  readonly items: number;
  readonly levels: number;
  readonly entries: number;
  readonly dim: number;
}

/** The nearest code of every level, each coding what the levels before left over. x [items, dim], books [levels, entries, dim]. */
export function rvqReference({ items, levels, entries, dim }: Codebooks, x: Values, books: Values): Float64Array {
  const codes = new Float64Array(items * levels);
  for (let item = 0; item < items; item++) {
    const rest = list(dim, (d) => x[item * dim + d]);
    for (let level = 0; level < levels; level++) {
      const code = (entry: number, d: number) => books[(level * entries + entry) * dim + d];
      const distances = list(entries, (entry) => sum(dim, (d) => (rest[d] - code(entry, d)) ** 2));
      const best = distances.indexOf(distances.reduce((a, b) => Math.min(a, b)));
      for (let d = 0; d < dim; d++) rest[d] -= code(best, d);
      codes[item * levels + level] = best;
    }
  }
  return codes;
}

const rvqEncodeCase = (name: string, s: Codebooks): Case => ({
  name,
  record({ g, x, w }) {
    const [[a, as], [books, codes]] = [x([s.items, s.dim], 2), w([s.levels, s.entries, s.dim])];
    return [rvqEncode(g, a, books), () => rvqReference(s, as, codes)];
  },
});

const nearestCodeCase = (name: string, items: number, entries: number, dim: number): Case => ({
  name,
  record({ g, x, w }) {
    const [[a, as], [book, codes]] = [x([items, dim], 2), w([entries, dim])];
    return [nearestCode(g, a, book), () => rvqReference({ items, levels: 1, entries, dim }, as, codes)];
  },
});

export const quick = (): Case[] => [rvqEncodeCase('vector quantiser', { items: 3, levels: 3, entries: 16, dim: 8 })];

export const odd = (): Case[] => [
  rvqEncodeCase('vector quantiser', { items: 3, levels: 4, entries: 37, dim: 19 }),
  nearestCodeCase('nearest code', 5, 37, 19),
];

const PAPER = { items: 4, levels: 12, entries: 1024, dim: 128 };

export const paper = (): Measured[] => [
  measured(rvqEncodeCase('rvq_12x1024', PAPER), 3 * 4 * 12 * 1024 * 128, 4 * (128 + 12) + 12 * 1024 * 128),
];
