// Rotary positions of a part of each head.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { headWidth } from './attention.ts';
import { spread } from './spread.ts';

/**
 * Rotary positions of the first columns of every head: columns i and i + W/2 turn by angle i of their row, those from W on stay.
 * x, y [B, T, H·Dh], turns [T, W] of cosines, then sines; W even, at most Dh. Throws `shape`.
 */
export function partialRope(g: Graph, x: Tensor, turns: Tensor, options: { heads: number }): Tensor {
  const [, len, row] = x.shape;
  expectShape('partial_rope', 'x', x, [null, null, null]);
  const dh = headWidth('partial_rope', row, options.heads);
  expectShape('partial_rope', 'turns', turns, [len, null]);
  const [, width] = turns.shape;
  if (width % 2 !== 0 || width > dh)
    throw new MelodyError(
      'shape',
      `partial_rope: got angles of ${width} columns in heads of ${dh}, expected an even number of at most those`,
    );
  const y = g.temp(x.shape, 'f32', 'partial_rope');
  const n = elementsOf(x.shape);
  g.dispatch(K.partial_rope, {
    in: { x, turns },
    out: { y },
    params: { n, row, len, dh, half: width / 2 },
    ...spread(g.caps, n),
    flops: (3 * n * width) / dh,
  });
  return y;
}
