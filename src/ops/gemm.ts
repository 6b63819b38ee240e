// The one matrix product behind linear, matmul, conv1d and convTranspose1d: chooses a kernel form by shape and adapter.

import { MelodyError } from '../errors.ts';
import type { Caps } from '../gpu/caps.ts';
import { type Graph, grid1d } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { ACT, type Act } from './act.ts';
import { VECTOR } from './layouts.ts';
import { rmsNorm } from './norm.ts';
import { powerOfTwo } from './spread.ts';

/**
 * Kernel forms. `vector`: few rows, k split over the workgroup. `vector_broadcast`, `broadcast`: software adapters with subgroups of 8.
 * `tile`, `small_tile`: GPUs, through workgroup memory. `register`: software adapters without such subgroups, and sizes the others cannot
 * take. Tests may force one.
 */
export const FORMS = ['vector', 'vector_broadcast', 'broadcast', 'tile', 'small_tile', 'register'] as const;
export type Form = (typeof FORMS)[number];

/** Rows up to which the vector form is the faster one. */
export const VECTOR_ROWS = 8;
const LARGE_TILES = 96; // tiles of 64 × 64 that fill a GPU; with fewer, tiles of 32 × 32 keep more of it busy

/** Can this form compute this product on this adapter? */
function possible(form: Form, caps: Caps, s: Gemm): boolean {
  const { taps = 1, groups = 1 } = s;
  const subgroupsOf8 = caps.subgroupMin === 8 && caps.subgroupMax === 8;
  const vector = s.rows <= VECTOR_ROWS && taps === 1 && groups === 1 && loadsByFour(s) && storesByFour(s);
  if (form === 'vector') return vector;
  if (form === 'vector_broadcast') return vector && subgroupsOf8;
  if (s.gate) return false;
  return form === 'broadcast' ? subgroupsOf8 && loadsByFour(s) : true;
}

function choose(caps: Caps, s: Gemm): Form {
  if (caps.executor !== 'gpu' && possible('vector_broadcast', caps, s)) return 'vector_broadcast';
  if (possible('vector', caps, s)) return 'vector';
  const large = Math.ceil(s.rows / 64) * Math.ceil(s.cols / 64) * (s.batch ?? 1) * (s.groups ?? 1);
  if (caps.executor === 'gpu') return large >= LARGE_TILES ? 'tile' : 'small_tile';
  return possible('broadcast', caps, s) ? 'broadcast' : 'register';
}

/**
 * How f16 weights are read: as vec4h where shader-f16 is there, which halves what the tile keeps in workgroup memory; else as pairs in
 * words. Same bits either way. Not on software adapters: llvmpipe turns a vec4h into four 16-bit loads, 7 to 25 % slower than two words.
 */
export const halfVariant = (caps: Caps): 'half' | 'f16' => (caps.f16 && caps.executor === 'gpu' ? 'half' : 'f16');

/** Do all loads of x and w fall on whole groups of four? */
function loadsByFour(s: Gemm): boolean {
  const { tapStep = 0, origin = 0, wN = 1, step: { x = 0, w = 0, xGroup = 0, wGroup = 0 } = {} } = s;
  return wN === 1 && [s.inner, s.rowStep, tapStep, origin, s.xLimit, s.wK, x, w, xGroup, wGroup].every((n) => n % 4 === 0);
}

/** Do all stores? */
function storesByFour(s: Gemm): boolean {
  const { crop = 0, step: { y = 0, yGroup = 0 } = {} } = s;
  return [s.cols, s.yRow, crop, s.yLimit, y, yGroup].every((n) => n % 4 === 0);
}

/** RMSNorm of every row: x · rsqrt(mean(x²) + eps) · w. */
export interface RowNorm {
  readonly w: WeightRef;
  readonly eps: number;
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
  /** The product is of RMSNorm(x); the vector forms of GPUs do it, elsewhere it is a dispatch before. */
  readonly norm?: RowNorm | undefined;
  readonly w: Tensor;
  readonly bias?: Tensor | undefined;
  /** Shaped as y, or one row. */
  readonly scale?: Tensor | undefined;
  /** SwiGLU: the result is multiplied by silu(A·gate); packed as w. Only the vector forms can. */
  readonly gate?: Tensor | undefined;
  readonly residual?: Tensor | undefined; // shaped as y
  readonly y: Tensor;
  readonly rows: number;
  readonly cols: number;
  readonly inner: number;
  readonly taps?: number | undefined;
  readonly rowStep: number;
  readonly tapStep?: number | undefined;
  readonly origin?: number | undefined;
  readonly xLimit: number;
  readonly wK: number;
  readonly wN?: number | undefined;
  readonly yRow: number;
  readonly crop?: number | undefined;
  readonly yLimit: number;
  readonly batch?: number | undefined;
  readonly groups?: number | undefined;
  /** Steps of one batch item in x, w and y, and of one group in x, w and columns of y. */
  readonly step?: {
    readonly x?: number | undefined;
    readonly w?: number | undefined;
    readonly y?: number | undefined;
    readonly xGroup?: number | undefined;
    readonly wGroup?: number | undefined;
    readonly yGroup?: number | undefined;
  };
  readonly alpha?: number | undefined;
  readonly act?: Act | undefined;
  readonly preAct?: Act | undefined;
  readonly form?: Form | undefined;
}

export function gemm(g: Graph, s: Gemm): Tensor {
  const { batch = 1, groups = 1, taps = 1, step = {} } = s;
  const params = {
    rows: s.rows,
    cols: s.cols,
    inner: s.inner,
    taps,
    row_step: s.rowStep,
    tap_step: s.tapStep ?? 0,
    origin: s.origin ?? 0,
    x_limit: s.xLimit,
    x_batch: step.x ?? 0,
    x_group: step.xGroup ?? 0,
    w_k: s.wK,
    w_n: s.wN ?? 1,
    w_batch: step.w ?? 0,
    w_group: step.wGroup ?? 0,
    y_row: s.yRow,
    y_group: step.yGroup ?? 0,
    y_batch: step.y ?? 0,
    crop: s.crop ?? 0,
    y_limit: s.yLimit,
    groups,
    bias: s.bias ? 1 : 0,
    alpha: s.alpha ?? 1,
    batch,
    eps: s.norm?.eps ?? 0,
  };
  const form = s.form ?? choose(g.caps, s);
  if (!possible(form, g.caps, s))
    throw new MelodyError('limit', `${s.label}: the form "${form}" cannot run this product on ${g.caps.name}`);
  const slices = batch * groups;
  const inside = s.norm !== undefined && form.startsWith('vector') && g.caps.executor !== 'cpu';
  const x = s.norm && !inside ? rmsNorm(g, s.x, s.norm.w, s.norm) : s.x;
  const meaning = {
    ACT: ACT[s.act ?? 'none'],
    PRE: ACT[s.preAct ?? 'none'],
    RESIDUAL: s.residual ? 1 : 0,
    SCALE: !s.scale ? 0 : elementsOf(s.scale.shape) === elementsOf(s.y.shape) ? 1 : 2,
  };
  const common = {
    in: { x, w: s.w, bias: s.bias ?? x, scale: s.scale ?? x, residual: s.residual ?? x },
    out: { y: s.y },
    params,
    meaning,
    variant: s.w.dtype === 'f16' ? halfVariant(g.caps) : undefined,
    label: s.label,
    flops: 2 * slices * s.rows * s.cols * taps * s.inner * (s.gate ? 2 : 1),
  };
  const grid = (rows: number, cols: number) =>
    [...grid1d(g.caps, Math.ceil(s.rows / rows) * Math.ceil(s.cols / cols), 1), slices] as [number, number, number];
  const ROWS = powerOfTwo(s.rows);
  const gated = {
    in: { ...common.in, gate: s.gate ?? s.w, norm: s.norm && inside ? g.weight(s.norm.w, VECTOR) : x },
    meaning: { ...meaning, GATED: s.gate ? 1 : 0, NORM: inside ? 1 : 0 },
  };
  const across = (QUADS: number) => [Math.ceil(s.cols / (32 * QUADS)), 1, slices] as [number, number, number];
  if (form === 'vector_broadcast') {
    // more columns a lane share the rows; sums that no longer fit the registers cost more than they save
    const QUADS = s.gate ? (ROWS > 1 || s.w.dtype === 'f32' ? 1 : 2) : ROWS > 4 && s.w.dtype === 'f32' ? 1 : 2;
    g.dispatch(K.matvec_broadcast, { ...common, ...gated, tuning: { ROWS, QUADS }, grid: across(QUADS) });
  } else if (form === 'vector') {
    // GPUs hide latency with threads: more slices of k for one row; eight rows fill the workgroup memory with 64 threads
    // where a load is what costs, more columns a thread share the loads of x
    const QUADS = g.caps.executor === 'gpu' || ROWS > 4 ? 1 : ROWS > 1 || s.gate || s.cols < 1024 || s.w.dtype === 'f32' ? 2 : 4;
    const WG = g.caps.executor !== 'gpu' || ROWS > 2 || s.inner < 256 ? 64 : 256;
    g.dispatch(K.matvec, { ...common, ...gated, tuning: { ROWS, QUADS, WG }, grid: across(QUADS) });
  } else if (form === 'tile' || form === 'small_tile') {
    const T = form === 'tile' ? 8 : 4;
    g.dispatch(K.matmul_tile, { ...common, tuning: { TM: T, TN: T }, grid: grid(8 * T, 8 * T) });
  } else if (form === 'broadcast') {
    g.dispatch(K.matmul_broadcast, { ...common, grid: grid(16, 32) });
  } else {
    g.dispatch(K.matmul_register, { ...common, grid: grid(8, 32) });
  }
  return s.y;
}
