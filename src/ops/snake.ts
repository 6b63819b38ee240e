// Snake, a periodic activation.
import { expectShape, type Graph, rowsCols } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { VECTOR } from './layouts.ts';
import { spread } from './spread.ts';

/** Snake: y = x + gain · sin²(αx) for each channel (Ziyin et al. 2020 with gain 1/α). x, y [..., C], alpha, gain [C]. Throws `shape`. */
export function snake(g: Graph, x: Tensor, alpha: WeightRef, gain: WeightRef): Tensor {
  const [rows, cols] = rowsCols(x);
  expectShape('snake', alpha.name, alpha, [cols]);
  expectShape('snake', gain.name, gain, [cols]);
  const n = rows * cols;
  const y = g.temp(x.shape, 'f32', 'snake');
  g.dispatch(K.snake, {
    in: { x, alpha: g.weight(alpha, VECTOR), gain: g.weight(gain, VECTOR) },
    out: { y },
    params: { n, cols },
    ...spread(g.caps, n),
    label: alpha.name,
    flops: 24 * n,
  });
  return y;
}
