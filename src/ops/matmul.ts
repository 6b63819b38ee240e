// Products of activations with weights, and with each other.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, rowsCols } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import type { Act } from './act.ts';
import { type Form, gemm, type RowNorm, VECTOR_ROWS } from './gemm.ts';
import { linearLayout, packedCols, paddedVector, VECTOR } from './layouts.ts';
import { rmsNorm } from './norm.ts';

export interface LinearOptions {
  bias?: WeightRef | undefined; // [N]
  act?: Act | undefined;
  /** Multiplies the activated result: an activation [..., N], or a weight [N] (layer scale). */
  scale?: Tensor | WeightRef | undefined;
  /** Added last. [..., N] */
  residual?: Tensor | undefined;
  /** Where the result goes, e.g. a state. [..., N] */
  into?: Tensor | undefined;
  /** Round N up to a multiple of four: the kernels are faster there. The columns after N hold act(0). */
  padded?: boolean | undefined;
  /** The product is of RMSNorm(x): as one dispatch where there are few rows. */
  norm?: RowNorm | undefined;
  /** Forces a kernel form; for tests and benchmarks. */
  form?: Form | undefined;
}

/**
 * y = act(x · wᵀ + bias) ⊙ scale + residual.
 * x [..., K], w [N, K] (PyTorch's nn.Linear, f32 or f16), y [..., N]. Throws `shape`.
 */
export function linear(g: Graph, x: Tensor, w: WeightRef, options: LinearOptions = {}): Tensor {
  const [rows, inner] = rowsCols(x);
  expectShape('linear', w.name, w, [null, inner]);
  const cols = options.padded ? packedCols(w.shape[0]) : w.shape[0];
  const shape = [...x.shape.slice(0, -1), cols];
  if (options.bias) expectShape('linear', options.bias.name, options.bias, [w.shape[0]]);
  const { scale, residual, into } = options;
  if (scale) expectShape('linear', 'storage' in scale ? 'scale' : scale.name, scale, 'storage' in scale ? shape : [cols]);
  if (residual) expectShape('linear', 'residual', residual, shape);
  if (into) expectShape('linear', 'into', into, shape);
  return gemm(g, {
    label: w.name,
    x,
    w: g.weight(w, linearLayout(w)),
    y: into ?? g.temp(shape, 'f32', 'linear'),
    bias: options.bias && g.weight(options.bias, options.padded ? paddedVector(cols) : VECTOR),
    scale: scale && ('storage' in scale ? scale : g.weight(scale, VECTOR)),
    residual,
    act: options.act,
    norm: options.norm,
    form: options.form,
    rows,
    cols,
    inner,
    rowStep: inner,
    xLimit: rows * inner,
    wK: packedCols(cols),
    yRow: cols,
    yLimit: rows * cols,
  });
}

/**
 * SwiGLU's gate (Shazeer 2020): silu(x · gateᵀ) ⊙ (x · upᵀ), of RMSNorm(x) with `norm`; one dispatch for few rows.
 * x [..., K], gate, up [F, K] of one dtype, y [..., F]. Throws `shape`.
 */
export function swiglu(
  g: Graph,
  x: Tensor,
  gate: WeightRef,
  up: WeightRef,
  options: { norm?: RowNorm | undefined; form?: Form | undefined } = {},
): Tensor {
  const { norm, form } = options;
  const [rows, inner] = rowsCols(x);
  expectShape('swiglu', gate.name, gate, [null, inner]);
  expectShape('swiglu', up.name, up, gate.shape);
  const cols = gate.shape[0];
  const fused =
    gate.dtype === up.dtype && rows <= VECTOR_ROWS && inner % 4 === 0 && cols % 4 === 0 && (form ?? 'vector').startsWith('vector');
  if (!fused) {
    const y = norm ? rmsNorm(g, x, norm.w, norm) : x;
    return linear(g, y, up, { scale: linear(g, y, gate, { act: 'silu', form }), form });
  }
  return gemm(g, {
    label: up.name,
    x,
    w: g.weight(up, linearLayout(up)),
    gate: g.weight(gate, linearLayout(gate)),
    y: g.temp([...x.shape.slice(0, -1), cols], 'f32', 'swiglu'),
    norm,
    form,
    rows,
    cols,
    inner,
    rowStep: inner,
    xLimit: rows * inner,
    wK: packedCols(cols),
    yRow: cols,
    yLimit: rows * cols,
  });
}

/**
 * y = alpha · a · b for two activations.
 * a [B?, M, K], b [B?, K, N] or, with transposeB, [B?, N, K]; y [B?, M, N]. An unbatched b serves every batch item. Throws `shape`.
 */
export function matmul(
  g: Graph,
  a: Tensor,
  b: Tensor,
  options: { transposeB?: boolean; alpha?: number; form?: Form | undefined } = {},
): Tensor {
  const { transposeB = false, alpha, form } = options;
  const inner = a.shape[a.shape.length - 1];
  const [bK, bN] = transposeB ? [b.shape.length - 1, b.shape.length - 2] : [b.shape.length - 2, b.shape.length - 1];
  const batched = b.shape.length === 3;
  if (
    a.shape.length < 2 ||
    a.shape.length > 3 ||
    b.shape.length < 2 ||
    b.shape[bK] !== inner ||
    (batched && b.shape[0] !== a.shape[0]) ||
    (batched && a.shape.length !== 3)
  )
    throw new MelodyError(
      'shape',
      `matmul: got [${a.shape}] and [${b.shape}]${transposeB ? ' transposed' : ''}, expected [B?, M, K] and [B?, ${transposeB ? 'N, K' : 'K, N'}]`,
    );
  const cols = b.shape[bN];
  const shape = [...a.shape.slice(0, -1), cols];
  const rows = batched ? a.shape[1] : elementsOf(a.shape) / inner;
  return gemm(g, {
    label: 'matmul',
    x: a,
    w: b,
    y: g.temp(shape, 'f32', 'matmul'),
    rows,
    cols,
    inner,
    alpha,
    form,
    rowStep: inner,
    xLimit: rows * inner,
    wK: transposeB ? 1 : cols,
    wN: transposeB ? inner : 1,
    yRow: cols,
    yLimit: rows * cols,
    batch: batched ? a.shape[0] : 1,
    step: { x: rows * inner, w: inner * cols, y: rows * cols },
  });
}
