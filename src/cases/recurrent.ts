// Cases of simple recurrent units.
import { sruLayer, sruScan } from '../ops/recurrent.ts';
import { type Case, type FloatStorage, list, type Measured, measured, sigmoid, type Values } from './case.ts';
import { product } from './matmul.ts';

export interface ScanSize {
  readonly rows: number;
  readonly steps: number;
  /** Lanes: directions · hidden. */
  readonly width: number;
  readonly directions?: 1 | 2;
}

/**
 * The scan lane by lane, step by step. u [R, T, G·W] in blocks u₀, u₁, u₂ (, u₃), v, b [2, W], the rows f and r. With skip [R, T, W] there
 * are three blocks and √3 · skip stands for u₃. The second direction runs backward in time.
 */
export function scanReference(s: ScanSize, u: Values, v: Values, b: Values, skip?: Values): Float64Array {
  const { rows, steps, width, directions = 2 } = s;
  const groups = skip ? 3 : 4;
  const y = new Float64Array(rows * steps * width);
  for (let row = 0; row < rows; row++)
    for (let l = 0; l < width; l++) {
      let c = 0;
      for (let n = 0; n < steps; n++) {
        const t = row * steps + (l < width / directions ? n : steps - 1 - n);
        const lane = (group: number) => u[(t * groups + group) * width + l];
        const gate = (row: number) => sigmoid(lane(row + 1) + b[row * width + l] + v[row * width + l] * c);
        const [f, r, x] = [gate(0), gate(1), skip ? Math.sqrt(3) * skip[t * width + l] : lane(3)];
        c = lane(0) + (c - lane(0)) * f;
        y[t * width + l] = x + (c - x) * r;
      }
    }
  return y;
}

export const scanCase = (name: string, s: ScanSize & { readonly skip?: boolean; readonly spread?: number }): Case => ({
  name,
  record({ g, x, w }) {
    const { rows, steps, width, directions = 2, spread = 2 } = s;
    const [[u, us], [v, vs], [b, bs]] = [x([rows, steps, (s.skip ? 3 : 4) * width], spread), w([2, width]), w([2, width])];
    const [skip, skips] = s.skip ? x([rows, steps, width]) : [];
    return [sruScan(g, u, { v, b, directions, skip }), () => scanReference(s, us, vs, bs, skips)];
  },
});

/** A layer: one product for all steps, then the scan. Its skip is its input where that is as wide. */
export const sruLayerCase = (name: string, rows: number, steps: number, inner: number, hidden: number, storage?: FloatStorage): Case => {
  const width = 2 * hidden;
  const groups = inner === width ? 3 : 4;
  return {
    name,
    storage,
    record({ g, x, w }) {
      const [a, as] = x([rows, steps, inner]);
      const weights = {
        weight: w([inner, groups * width], Math.sqrt(3 / inner), storage),
        v: w([2, width], 1, storage),
        b: w([2, width], 1, storage),
      };
      const y = sruLayer(g, { get: (part) => weights[part as keyof typeof weights][0] }, a, hidden);
      const [, ws] = weights.weight;
      const cols = groups * width;
      const turned = () => list(cols * inner, (i) => ws[(i % inner) * cols + Math.floor(i / inner)]);
      const u = () => product(as, turned(), rows * steps, inner, cols);
      return [y, () => scanReference({ rows, steps, width }, u(), weights.v[1], weights.b[1], groups === 3 ? as : undefined)];
    },
  };
};

export const quick = (): Case[] => [scanCase('recurrent scan', { rows: 1, steps: 9, width: 4 })];

export const odd = (): Case[] => [
  scanCase('recurrent scan', { rows: 3, steps: 9, width: 34 }),
  scanCase('recurrent scan with a skip', { rows: 3, steps: 9, width: 34, skip: true }),
  sruLayerCase('recurrent layer', 2, 5, 7, 3),
];

export const paper = (): Measured[] => [
  measured(scanCase('dpd_sru_scan', { rows: 80, steps: 64, width: 256 }), 22 * 80 * 64 * 256, 5 * 80 * 64 * 256),
];
