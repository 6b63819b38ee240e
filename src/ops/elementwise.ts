// One thread per element.
import { MelodyError } from '../errors.ts';
import { type Graph, grid1d, type ParamValue } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';

/**
 * y = alpha · a + beta · b; `b` of fewer elements is repeated over a's leading dimensions. Writes to `into` when given.
 * a, y [..., n], b [..., n] or a's trailing dimensions. Throws `shape`.
 */
export function add(g: Graph, a: Tensor, b: Tensor, options: { alpha?: ParamValue; beta?: ParamValue; into?: Tensor } = {}): Tensor {
  const n = elementsOf(a.shape);
  const period = elementsOf(b.shape);
  const trailing = a.shape.slice(a.shape.length - b.shape.length);
  if (n % period !== 0 || trailing.some((d, i) => d !== b.shape[i]))
    throw new MelodyError('shape', `add: got [${a.shape}] and [${b.shape}], expected the second to be the first's trailing dimensions`);
  const y = options.into ?? g.temp(a.shape, 'f32', 'add');
  g.dispatch(K.add, {
    in: { a, b }, out: { y },
    params: { n, period, alpha: options.alpha ?? 1, beta: options.beta ?? 1 },
    grid: grid1d(g.caps, n, 64),
    flops: 3 * n,
  });
  return y;
}
