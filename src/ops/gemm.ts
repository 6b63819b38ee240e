// The one matrix product behind linear, matmul, conv1d and convTranspose1d: chooses a kernel form by shape and adapter.
import type { Caps } from '../gpu/device.ts';
import { type Graph, grid1d } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { ACT, type Act } from './act.ts';

/** Kernel forms. Ops choose; tests and benchmarks may force one. */
export type Form = 'register';

/** The forms an adapter can run for a product of so many rows. */
export function formsOf(_caps: Caps, _rows: number): Form[] {
  return ['register'];
}

/**
 * y = act(alpha · A·W + bias) · scale + residual for every batch item and group.
 * Row r of A is x[r·rowStep + tap·tapStep − origin + c], tap < taps, c < inner, and 0 outside [0, xLimit).
 * Row k of W is w[k·wK + n·wN]. Element (r, n) lands at y[r·yRow + n − crop] if that is within [0, yLimit).
 * All steps count elements; defaults are those of one plain product.
 */
export interface Gemm {
  readonly label: string;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias?: Tensor;
  readonly scale?: Tensor; // shaped as y
  readonly residual?: Tensor; // shaped as y
  readonly y: Tensor;
  readonly rows: number;
  readonly cols: number;
  readonly inner: number;
  readonly taps?: number;
  readonly rowStep: number;
  readonly tapStep?: number;
  readonly origin?: number;
  readonly xLimit: number;
  readonly wK: number;
  readonly wN?: number;
  readonly yRow: number;
  readonly crop?: number;
  readonly yLimit: number;
  readonly batch?: number;
  readonly groups?: number;
  /** Steps of one batch item in x, w and y, and of one group in x, w and columns of y. */
  readonly step?: { readonly x?: number; readonly w?: number; readonly y?: number; readonly xGroup?: number; readonly wGroup?: number; readonly yGroup?: number };
  readonly alpha?: number;
  readonly act?: Act;
  readonly preAct?: Act;
  readonly form?: Form;
}

export function gemm(g: Graph, s: Gemm): Tensor {
  const { batch = 1, groups = 1, taps = 1, step = {} } = s;
  const params = {
    rows: s.rows, cols: s.cols, inner: s.inner, taps,
    row_step: s.rowStep, tap_step: s.tapStep ?? 0, origin: s.origin ?? 0, x_limit: s.xLimit,
    x_batch: step.x ?? 0, x_group: step.xGroup ?? 0, w_k: s.wK, w_n: s.wN ?? 1,
    w_batch: step.w ?? 0, w_group: step.wGroup ?? 0, y_row: s.yRow, y_group: step.yGroup ?? 0,
    y_batch: step.y ?? 0, crop: s.crop ?? 0, y_limit: s.yLimit, groups,
    bias: s.bias ? 1 : 0, alpha: s.alpha ?? 1,
  };
  const tiles = Math.ceil(s.rows / 8) * Math.ceil(s.cols / 32);
  const [gx, gy] = grid1d(g.caps, tiles, 1);
  g.dispatch(K.matmul_register, {
    in: { x: s.x, w: s.w, bias: s.bias ?? s.x, scale: s.scale ?? s.x, residual: s.residual ?? s.x },
    out: { y: s.y },
    params,
    variant: s.w.dtype === 'f16' ? 'f16' : undefined,
    overrides: { ACT: ACT[s.act ?? 'none'], PRE: ACT[s.preAct ?? 'none'], SCALE: s.scale ? 1 : 0, RESIDUAL: s.residual ? 1 : 0 },
    grid: [gx, gy, batch * groups],
    label: s.label,
    flops: 2 * batch * groups * s.rows * s.cols * taps * s.inner,
  });
  return s.y;
}
