// Cases of rows picked, joined and averaged.
import { concatCols, concatRows, embedding, embedOne, gatherRows, meanRows, slice } from '../ops/gather.ts';
import { at, type Case, type FloatStorage, list, type Measured, measured, sum } from './case.ts';

const embeddingCase = (name: string, words: number, dim: number, count: number, storage?: FloatStorage): Case => ({
  name,
  storage,
  record({ g, w, ids }) {
    const [[table, values], [index, rows]] = [w([words, dim], 1, storage), ids([count], words)];
    return [embedding(g, table, index), () => list(count * dim, (i) => values[rows[at(i, dim)[0]] * dim + (i % dim)])];
  },
});

/** One id of many for all rows, each with a row of its own added: decoding. */
const embedOneCase = (name: string, words: number, dim: number, rows: number): Case => ({
  name,
  record({ g, w, x, ids }) {
    const [[table, values], [index, picked], [more, mores]] = [w([words, dim]), ids([7], words), x([3, rows, dim])];
    const y = embedOne(g, table, index, { rows, first: 4, more, at: 2 });
    return [y, () => list(rows * dim, (i) => values[picked[4] * dim + (i % dim)] + mores[2 * rows * dim + i])];
  },
});

const gatherRowsCase = (name: string, rows: number, cols: number, count: number): Case => ({
  name,
  record({ g, x, ids }) {
    const [[a, as], [index, picked]] = [x([rows, cols]), ids([count], rows)];
    return [gatherRows(g, a, index), () => list(count * cols, (i) => as[picked[at(i, cols)[0]] * cols + (i % cols)])];
  },
});

/** Two slices put together again, side by side and one after the other: [x₂; x₁] beside itself. */
const joinCase = (name: string, rows: number, cols: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([rows, cols]);
    const cut = rows >> 1;
    const turned = concatRows(g, [slice(g, a, cut, rows - cut), slice(g, a, 0, cut)]);
    const one = (r: number, c: number) => as[((r + cut) % rows) * cols + (c % cols)];
    return [concatCols(g, [turned, turned]), () => list(2 * rows * cols, (i) => one(...at(i, 2 * cols)))];
  },
});

const meanCase = (name: string, length: number, dim: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([length, dim]);
    return [meanRows(g, a), () => list(dim, (d) => sum(length, (t) => as[t * dim + d]) / length)];
  },
});

export const quick = (): Case[] => [embeddingCase('embedding', 50, 32, 21, 'f16')];

export const odd = (): Case[] => [
  embeddingCase('embedding', 50, 33, 21),
  embedOneCase('embedding of one token', 50, 33, 2),
  gatherRowsCase('rows by index', 50, 33, 21),
  joinCase('slices joined again', 13, 7),
  meanCase('mean over time', 37, 19),
];

export const paper = (): Measured[] => [
  measured(embeddingCase('lm_embedding', 1024, 1024, 262), 0, 2 * 262 * 1024),
  measured(meanCase('tower_mean', 250, 1024), 250 * 1024, 251 * 1024),
];
