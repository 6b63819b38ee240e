// Cases of normalisations.
import { mergeColumns } from '../ops/diffusion.ts';
import { layerNorm, rmsNorm, rmsNormRepeat } from '../ops/norm.ts';
import { type Case, type FloatStorage, list, type Measured, measured, type Values } from './case.ts';
import { type Columns, merged } from './diffusion.ts';

/** Rows divided by their root mean square, or with `centre` by their deviation from the mean; then w, and b where there is one. */
export function normReference(x: Values, w: Values, b: Values | undefined, eps: number, centre: boolean): Float64Array {
  const cols = w.length;
  const y = new Float64Array(x.length);
  for (let from = 0; from < x.length; from += cols) {
    const row = list(cols, (c) => x[from + c]);
    const mean = centre ? row.reduce((a, v) => a + v) / cols : 0;
    const square = row.reduce((a, v) => a + (v - mean) ** 2, 0) / cols;
    row.forEach((v, c) => {
      y[from + c] = ((v - mean) / Math.sqrt(square + eps)) * w[c] + (b?.[c] ?? 0);
    });
  }
  return y;
}

export interface NormSize {
  readonly rows: number;
  readonly cols: number;
  readonly eps?: number;
  readonly storage?: FloatStorage;
}

/** RMSNorm, or with `centre` LayerNorm. */
export const normCase = (name: string, { rows, cols, eps = 1e-6, storage }: NormSize, centre: boolean): Case => ({
  name,
  storage,
  record({ g, x, w }) {
    const [[a, as], [m, ms], [b, bs]] = [x([rows, cols], 3), w([cols], 1, storage), w([cols], 1, storage)];
    const y = centre ? layerNorm(g, a, m, b, { eps }) : rmsNorm(g, a, m, { eps });
    return [y, () => normReference(as, ms, centre ? bs : undefined, eps, centre)];
  },
});

/** The same, without bias, of rows that stand `shift` from zero and to which a residual is added first. */
const addedNormCase = (name: string, { rows, cols, eps = 1e-6 }: NormSize, centre: boolean, shift = 0): Case => ({
  name,
  record({ g, x, w }) {
    const [[a, as], [residual, rs], [m, ms]] = [x([rows, cols], 3), x([rows, cols]), w([cols])];
    as.forEach((v, i) => {
      as[i] = v + shift;
    });
    const y = centre ? layerNorm(g, a, m, undefined, { eps, residual }) : rmsNorm(g, a, m, { eps, residual });
    return [
      y,
      () =>
        normReference(
          as.map((v, i) => v + rs[i]),
          ms,
          undefined,
          eps,
          centre,
        ),
    ]; // the sum rounds to f32 in both
  },
});

/** RMSNorm(h + Repeat(Merge(h))): how the block joins its coarse path. */
const columnsNormCase = (name: string, c: Columns): Case => ({
  name,
  record({ g, x, w }) {
    const [[h, hs], [m, ms]] = [x([1, c.segments, c.columns, c.dim]), w([c.dim])];
    const y = rmsNormRepeat(g, h, mergeColumns(g, h, c), m, { eps: 1e-6 });
    const joined = () => {
      const means = merged(hs, c);
      const back = (s: number, column: number, d: number) => means[(Math.floor((2 * column) / c.window) * c.segments + s) * c.dim + d];
      return hs.map((v, i) => v + back(Math.floor(i / c.dim / c.columns), Math.floor(i / c.dim) % c.columns, i % c.dim));
    };
    return [y, () => normReference(joined(), ms, undefined, 1e-6, false)];
  },
});

export const quick = (): Case[] => [
  normCase('layer norm', { rows: 5, cols: 68 }, true),
  normCase('RMS norm', { rows: 5, cols: 68 }, false),
];

export const odd = (): Case[] => [
  normCase('layer norm', { rows: 13, cols: 67, eps: 1e-5 }, true),
  normCase('layer norm, few rows', { rows: 5, cols: 67, eps: 1e-5 }, true),
  addedNormCase('layer norm, added to', { rows: 13, cols: 67 }, true, 2),
  normCase('RMS norm', { rows: 13, cols: 67 }, false),
  normCase('RMS norm, few rows', { rows: 5, cols: 67 }, false),
  addedNormCase('RMS norm, added to', { rows: 13, cols: 67 }, false),
  columnsNormCase('RMS norm of repeated columns', { segments: 5, columns: 8, dim: 19, window: 4 }),
];

export const paper = (): Measured[] => [
  measured(normCase('layer_norm_1024x512', { rows: 1024, cols: 512, eps: 1e-5 }, true), 8 * 1024 * 512, 2 * 1024 * 512 + 2 * 512),
  measured(normCase('lm_norm', { rows: 262, cols: 1024 }, false), 4 * 262 * 1024, 2 * 262 * 1024 + 1024),
  measured(normCase('dpd_norm', { rows: 80 * 64, cols: 768 }, false), 4 * 80 * 64 * 768, 2 * 80 * 64 * 768 + 768),
  measured(
    columnsNormCase('dpd_columns_norm', { segments: 80, columns: 64, dim: 768, window: 16 }),
    6 * 80 * 64 * 768,
    (2 + 4 / 16) * 80 * 64 * 768,
  ),
];
