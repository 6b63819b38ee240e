// Cases of normalisations.
import { mergeColumns } from '../ops/diffusion.ts';
import { groupNorm, layerNorm, rmsNorm, rmsNormRepeat, softmax } from '../ops/norm.ts';
import { type Case, type FloatStorage, list, type Measured, measured, type Values } from './case.ts';
import { type Columns, mergedBack } from './diffusion.ts';

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
export const addedNormCase = (name: string, { rows, cols, eps = 1e-6 }: NormSize, centre: boolean, shift = 0): Case => ({
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
export const columnsNormCase = (name: string, c: Columns): Case => ({
  name,
  record({ g, x, w }) {
    const [[h, hs], [m, ms]] = [x([1, c.segments, c.columns, c.dim]), w([c.dim])];
    const y = rmsNormRepeat(g, h, mergeColumns(g, h, c), m, { eps: 1e-6 });
    const joined = () => mergedBack(hs, c).map((v, i) => v + hs[i]);
    return [y, () => normReference(joined(), ms, undefined, 1e-6, false)];
  },
});

export interface GroupNormSize {
  readonly batch?: number;
  readonly length: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps?: number;
}

/** Each run of channels / groups channels of an item normalised over its channels and the whole length. x [B, L, C]. */
export function groupNormReference(s: GroupNormSize, x: Values, w: Values, b: Values): Float64Array {
  const { batch = 1, length, channels, groups, eps = 1e-5 } = s;
  const width = channels / groups;
  const y = new Float64Array(x.length);
  for (let group = 0; group < batch * groups; group++) {
    const first = Math.floor(group / groups) * length * channels + (group % groups) * width;
    const place = list(length * width, (i) => first + Math.floor(i / width) * channels + (i % width));
    const mean = place.reduce((total, i) => total + x[i], 0) / place.length;
    const variance = place.reduce((total, i) => total + (x[i] - mean) ** 2, 0) / place.length;
    for (const i of place) y[i] = ((x[i] - mean) / Math.sqrt(variance + eps)) * w[i % channels] + b[i % channels];
  }
  return y;
}

export const groupNormCase = (name: string, s: GroupNormSize): Case => ({
  name,
  record({ g, x, w }) {
    const { batch = 1, length, channels, groups, eps = 1e-5 } = s;
    const [[a, as], [m, ms], [b, bs]] = [x([batch, length, channels], 3), w([channels]), w([channels])];
    return [groupNorm(g, a, m, b, { groups, eps }), () => groupNormReference(s, as, ms, bs)];
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

export const quick = (): Case[] => [
  normCase('layer norm', { rows: 5, cols: 68 }, true),
  normCase('RMS norm', { rows: 5, cols: 68 }, false),
];

export const odd = (): Case[] => [
  softmaxCase('softmax', 13, 67),
  softmaxCase('softmax, few rows', 5, 67),
  normCase('layer norm', { rows: 13, cols: 67, eps: 1e-5 }, true),
  normCase('layer norm, few rows', { rows: 5, cols: 67, eps: 1e-5 }, true),
  addedNormCase('layer norm, added to', { rows: 13, cols: 67 }, true, 2),
  normCase('RMS norm', { rows: 13, cols: 67 }, false),
  normCase('RMS norm, few rows', { rows: 5, cols: 67 }, false),
  addedNormCase('RMS norm, added to', { rows: 13, cols: 67 }, false),
  columnsNormCase('RMS norm of repeated columns', { segments: 5, columns: 8, dim: 19, window: 4 }),
  groupNormCase('group norm', { length: 13, channels: 12, groups: 3 }),
];

export const paper = (): Measured[] => [
  measured(softmaxCase('softmax_1024', 1024, 1024), 5 * 1024 ** 2, 2 * 1024 ** 2),
  measured(normCase('layer_norm_1024x512', { rows: 1024, cols: 512, eps: 1e-5 }, true), 8 * 1024 * 512, 2 * 1024 * 512 + 2 * 512),
  measured(normCase('lm_norm', { rows: 262, cols: 1024 }, false), 4 * 262 * 1024, 2 * 262 * 1024 + 1024),
  measured(normCase('dpd_norm', { rows: 80 * 64, cols: 768 }, false), 4 * 80 * 64 * 768, 2 * 80 * 64 * 768 + 768),
  measured(
    columnsNormCase('dpd_columns_norm', { segments: 80, columns: 64, dim: 768, window: 16 }),
    6 * 80 * 64 * 768,
    (2 + 4 / 16) * 80 * 64 * 768,
  ),
  measured(groupNormCase('vae_group_norm', { length: 1000, channels: 256, groups: 8 }), 8 * 1000 * 256, 2 * 1000 * 256),
];
