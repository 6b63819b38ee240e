// Padding that mirrors, as codecs of the SEANet kind have it.
import { MelodyError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { spread } from './spread.ts';

/**
 * Rows mirrored around the first and the last: y[t] = x[|t − left|], from the end alike. Where x is not longer than the padding, it counts as
 * followed by zeros, one row more than the padding (EnCodec does so). x [B?, L, C], y [B?, left + L + right, C]. Throws `shape`.
 */
export function padReflect(g: Graph, x: Tensor, left: number, right: number): Tensor {
  const { shape } = x;
  const whole = (n: number) => Number.isInteger(n) && n >= 0;
  if ((shape.length !== 2 && shape.length !== 3) || !whole(left) || !whole(right))
    throw new MelodyError(
      'shape',
      `pad_reflect: got [${shape}] padded by ${left} and ${right}, expected [B?, L, C] and whole numbers from 0`,
    );
  const [len, cols] = shape.slice(-2);
  const out = left + len + right;
  const y = g.temp([...shape.slice(0, -2), out, cols], 'f32', 'pad_reflect');
  const n = elementsOf(y.shape);
  g.dispatch(K.pad_reflect, {
    in: { x },
    out: { y },
    params: { n, cols, len, whole: Math.max(len, Math.max(left, right) + 1), out, left },
    ...spread(g.caps, n),
  });
  return y;
}
