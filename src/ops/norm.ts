// Normalisations of rows: everything but the last dimension, [rows, cols].
import { MelodyError } from '../errors.ts';
import type { Caps } from '../gpu/caps.ts';
import { expectShape, type Graph, grid1d, rowsCols } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { VECTOR } from './layouts.ts';

/** Threads that share `count` elements: a power of two, about four elements each; software adapters like one SIMD group. */
export function workgroupOf(caps: Caps, count: number): number {
  if (caps.executor !== 'gpu') return 8;
  let threads = 32;
  while (threads < 256 && threads * 4 < count) threads *= 2;
  return threads;
}

/**
 * How the rows of x go to threads: a workgroup each or, on software adapters, where barriers are dear, a thread each.
 * Decided by one item's rows, so that a batch computes what its items alone would, bit for bit.
 */
export function rowForm(caps: Caps, x: Tensor): { thread: boolean; WG: number; grid: [number, number] } {
  const [rows, cols] = rowsCols(x);
  if (caps.executor !== 'gpu' && (x.shape[x.shape.length - 2] ?? 1) >= 8) return { thread: true, WG: 8, grid: grid1d(caps, rows, 8) };
  return { thread: false, WG: workgroupOf(caps, cols), grid: grid1d(caps, rows, 1) };
}

/**
 * RMSNorm (Zhang & Sennrich 2019): y = v · rsqrt(mean(v²) + eps) · w with v = x + residual.
 * x, residual, y [..., cols], w [cols]. Throws `shape`.
 */
export function rmsNorm(g: Graph, x: Tensor, w: WeightRef, options: { eps?: number; residual?: Tensor } = {}): Tensor {
  if (options.residual) expectShape('rms_norm', 'residual', options.residual, x.shape);
  return recordRmsNorm(g, x, w, options.eps, options.residual, { ADD: options.residual ? 1 : 0, columns: 1, repeat: 1, segments: 1 });
}

/**
 * RMSNorm(h + Repeat(c)), where the dual-path block joins its coarse path (docs/system.md §5): rmsNorm with the residual Repeat(c)[b, s, k] =
 * c[b, ⌊k W / K⌋, s].
 * h, y [B, S, K, D], c [B, W, S, D] with K a multiple of W, w [D]. Throws `shape`.
 */
export function rmsNormRepeat(g: Graph, h: Tensor, c: Tensor, w: WeightRef, options: { eps?: number } = {}): Tensor {
  expectShape('rms_norm', 'h', h, [null, null, null, null]);
  const [batch, segments, columns, dim] = h.shape;
  expectShape('rms_norm', 'c', c, [batch, null, segments, dim]);
  const repeat = columns / c.shape[1];
  if (!Number.isInteger(repeat))
    throw new MelodyError('shape', `rms_norm: got c [${c.shape}] beside h [${h.shape}], expected a width that divides ${columns}`);
  return recordRmsNorm(g, h, w, options.eps, c, { ADD: 2, columns, repeat, segments });
}

function recordRmsNorm(
  g: Graph,
  x: Tensor,
  w: WeightRef,
  eps: number | undefined,
  residual: Tensor | undefined,
  how: { ADD: number; columns: number; repeat: number; segments: number },
): Tensor {
  const [rows, cols] = rowsCols(x);
  expectShape('rms_norm', w.name, w, [cols]);
  const { ADD, ...columns } = how;
  const y = g.temp(x.shape, 'f32', 'rms_norm');
  const { thread, WG, grid } = rowForm(g.caps, x);
  g.dispatch(thread ? K.rms_norm_thread : K.rms_norm, {
    in: { x, residual: residual ?? x, w: g.weight(w, VECTOR) },
    out: { y },
    params: { cols, rows, eps: eps ?? 1e-6, ...columns },
    meaning: { ADD },
    tuning: { WG },
    grid,
    label: w.name,
    flops: 4 * rows * cols,
  });
  return y;
}

/**
 * LayerNorm (Ba et al. 2016): y = (v − mean(v)) · rsqrt(var(v) + eps) · w + b with v = x + residual, var the mean squared deviation.
 * x, residual, y [..., cols], w, b [cols]. Throws `shape`.
 */
export function layerNorm(g: Graph, x: Tensor, w: WeightRef, b?: WeightRef, options: { eps?: number; residual?: Tensor } = {}): Tensor {
  const [rows, cols] = rowsCols(x);
  expectShape('layer_norm', w.name, w, [cols]);
  if (b) expectShape('layer_norm', b.name, b, [cols]);
  if (options.residual) expectShape('layer_norm', 'residual', options.residual, x.shape);
  const y = g.temp(x.shape, 'f32', 'layer_norm');
  const { thread, WG, grid } = rowForm(g.caps, x);
  g.dispatch(thread ? K.layer_norm_thread : K.layer_norm, {
    in: { x, residual: options.residual ?? x, w: g.weight(w, VECTOR), b: g.weight(b ?? w, VECTOR) },
    out: { y },
    params: { cols, rows, eps: options.eps ?? 1e-6 },
    meaning: { ADD: options.residual ? 1 : 0, BIAS: b ? 1 : 0 },
    tuning: { WG },
    grid,
    label: w.name,
    flops: 8 * rows * cols,
  });
  return y;
}
