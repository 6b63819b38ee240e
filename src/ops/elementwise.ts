// One thread per element.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, type ParamValue, rowsCols } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { ACT, type Act } from './act.ts';
import { spread, spreadRows } from './spread.ts';

interface Into {
  /** Write here (a state, say) instead of to a new tensor; the same shape as the result, and not an input of the same op. */
  into?: Tensor | undefined;
}

/** The tensor an element-wise op writes. */
function target(g: Graph, op: string, shape: readonly number[], into: Tensor | undefined): Tensor {
  if (into) expectShape(op, 'into', into, shape);
  return into ?? g.temp(shape, 'f32', op);
}

/** Elements of b, which must be a's trailing dimensions. */
function trailing(op: string, a: Tensor, b: Tensor): number {
  const tail = a.shape.slice(Math.max(0, a.shape.length - b.shape.length));
  if (tail.length !== b.shape.length || tail.some((d, i) => d !== b.shape[i]))
    throw new MelodyError('shape', `${op}: got [${a.shape}] and [${b.shape}], expected the second to be the first's trailing dimensions`);
  return elementsOf(b.shape);
}

/**
 * y = alpha · a + beta · b; `b` of fewer elements is repeated over a's leading dimensions.
 * a, y [..., n], b [..., n] or a's trailing dimensions. Throws `shape`.
 */
export function add(g: Graph, a: Tensor, b: Tensor, options: { alpha?: ParamValue; beta?: ParamValue } & Into = {}): Tensor {
  const n = elementsOf(a.shape);
  const period = trailing('add', a, b);
  const y = target(g, 'add', a.shape, options.into);
  g.dispatch(K.add, {
    in: { a, b },
    out: { y },
    params: { n, period, alpha: options.alpha ?? 1, beta: options.beta ?? 1 },
    meaning: { REPEAT: period < n ? 1 : 0 },
    ...spread(g.caps, n),
    flops: 3 * n,
  });
  return y;
}

/** y = a ⊙ b, `b` repeated over a's leading dimensions. a, y [..., n], b [..., n] or a's trailing dimensions. Throws `shape`. */
export function mul(g: Graph, a: Tensor, b: Tensor, options: Into = {}): Tensor {
  const n = elementsOf(a.shape);
  const period = trailing('mul', a, b);
  const y = target(g, 'mul', a.shape, options.into);
  const meaning = { REPEAT: period < n ? 1 : 0 };
  g.dispatch(K.mul, { in: { a, b }, out: { y }, params: { n, period }, meaning, ...spread(g.caps, n), flops: n });
  return y;
}

/** y = act(x). Most activations need no dispatch of their own: linear and conv1d take `act`. */
export function activation(g: Graph, x: Tensor, act: Act, options: Into = {}): Tensor {
  const n = elementsOf(x.shape);
  const y = target(g, 'activation', x.shape, options.into);
  g.dispatch(K.activation, {
    in: { x },
    out: { y },
    params: { n },
    meaning: { ACT: ACT[act] },
    ...spread(g.caps, n),
    label: act,
    flops: 10 * n,
  });
  return y;
}

/** y = min(max(x, low), high). */
export function clamp(g: Graph, x: Tensor, low: ParamValue, high: ParamValue, options: Into = {}): Tensor {
  const n = elementsOf(x.shape);
  const y = target(g, 'clamp', x.shape, options.into);
  g.dispatch(K.clamp, { in: { x }, out: { y }, params: { n, low, high }, ...spread(g.caps, n), flops: 2 * n });
  return y;
}

/** The same bits in another tensor; any dtype of four bytes. */
export function copy(g: Graph, x: Tensor, options: Into = {}): Tensor {
  const n = elementsOf(x.shape);
  if (options.into) expectShape('copy', 'into', options.into, x.shape);
  const y = options.into ?? g.temp(x.shape, x.dtype, 'copy');
  g.dispatch(K.copy, {
    in: { x },
    out: { y },
    params: { n, cols: n, pitch: n, to: 0, start: 0, last: 0 },
    ...spread(g.caps, n),
  });
  return y;
}

/**
 * Feature-wise linear modulation (Perez et al. 2018): y = x ⊙ scale + shift, where row r of x uses row r / (R / R') of scale and shift.
 * x, y [..., D] of R rows, scale, shift [..., D] of R' rows, R a multiple of R'. Throws `shape`.
 */
export function film(g: Graph, x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  const [rows, dim] = rowsCols(x);
  const [conditions, width] = rowsCols(scale);
  expectShape('film', 'shift', shift, scale.shape);
  if (width !== dim || rows % conditions !== 0)
    throw new MelodyError(
      'shape',
      `film: got scale [${scale.shape}] beside x [${x.shape}], expected the same last dimension and a number of rows that divides ${rows}`,
    );
  const y = target(g, 'film', x.shape, undefined);
  g.dispatch(K.film, {
    in: { x, scale, shift },
    out: { y },
    params: { rows, dim, times: rows / conditions },
    ...spreadRows(g.caps, rows, dim),
    flops: 2 * rows * dim,
  });
  return y;
}
