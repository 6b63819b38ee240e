// Normalisations over the last dimension of [rows, cols].
import * as K from '../kernels.gen.ts';
import { expectShape, type Graph, grid1d, rowsCols } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import { VECTOR } from './layouts.ts';

/**
 * RMSNorm (Zhang & Sennrich 2019): y = (x + residual) · rsqrt(mean(·²) + eps) · w.
 * x, residual, y [..., cols], w [cols]. Throws `shape`.
 */
export function rmsNorm(g: Graph, x: Tensor, w: WeightRef, options: { eps?: number; residual?: Tensor } = {}): Tensor {
  const [rows, cols] = rowsCols(x);
  expectShape('rms_norm', w.name, w, [cols]);
  if (options.residual) expectShape('rms_norm', 'residual', options.residual, x.shape);
  const y = g.temp(x.shape, 'f32', 'rms_norm');
  g.dispatch(K.rms_norm, {
    in: { x, residual: options.residual ?? x, w: g.weight(w, VECTOR) },
    out: { y },
    params: { cols, rows, eps: options.eps ?? 1e-6 },
    overrides: { ADD: options.residual ? 1 : 0 },
    grid: grid1d(g.caps, rows, 1),
    label: w.name,
    flops: 4 * rows * cols,
  });
  return y;
}
