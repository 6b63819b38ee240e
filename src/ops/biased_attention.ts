// Attention with a bias a head and a pair of places, as T5 has it. For encoders that read a prompt once: three products and a softmax.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, rowsCols } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { type Constant, constant } from './constant.ts';
import { gemm } from './gemm.ts';
import { VECTOR } from './layouts.ts';
import { rowForm } from './norm.ts';
import { spread } from './spread.ts';

/**
 * The bias of every head for every pair of places, by how far they are apart: y[h, i, j] = table[bucket[j − i + T − 1], h].
 * table [V, H], bucket u32 [2T − 1], y [H, T, T]. Throws `shape`.
 */
export function relativeBias(g: Graph, table: WeightRef, bucket: Constant<Uint32Array>): Tensor {
  const [words, heads] = table.shape;
  const [places] = bucket.shape;
  expectShape('relative_bias', table.name, table, [null, null]);
  if (bucket.shape.length !== 1 || places % 2 === 0)
    throw new MelodyError('shape', `relative_bias: got buckets [${bucket.shape}], expected [2T − 1]`);
  const len = (places + 1) / 2;
  const y = g.temp([heads, len, len], 'f32', 'relative_bias');
  const n = elementsOf(y.shape);
  g.dispatch(K.relative_bias, {
    in: { table: g.weight(table, VECTOR), bucket: constant(g, bucket) },
    out: { y },
    params: { n, len, heads, last: words - 1 },
    ...spread(g.caps, n),
    label: table.name,
  });
  return y;
}

/** Softmax over the last dimension: y = exp(x − max(x)) / Σ exp(x − max(x)). x, y [..., cols]. */
export function softmax(g: Graph, x: Tensor): Tensor {
  const [rows, cols] = rowsCols(x);
  const y = g.temp(x.shape, 'f32', 'softmax');
  const { thread, WG, grid } = rowForm(g.caps, x);
  g.dispatch(thread ? K.softmax_thread : K.softmax, {
    in: { x },
    out: { y },
    params: { cols, rows },
    tuning: { WG },
    grid,
    flops: 5 * rows * cols,
  });
  return y;
}

/** softmax(scale · q kᵀ + bias) v for every head. q, y [T, H·Dh], k, v [S, H·Dh], bias [H, T, S]. Throws `shape`. */
export function biasedAttention(g: Graph, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, options: { scale: number }): Tensor {
  const [heads, len, keys] = bias.shape;
  const row = q.shape[q.shape.length - 1];
  expectShape('biased_attention', 'bias', bias, [null, null, null]);
  expectShape('biased_attention', 'q', q, [len, row]);
  expectShape('biased_attention', 'k', k, [keys, row]);
  expectShape('biased_attention', 'v', v, [keys, row]);
  if (row % heads !== 0) throw new MelodyError('shape', `biased_attention: rows of ${row} do not split into ${heads} heads`);
  const dh = row / heads;
  // a head is an item of the batch, whose columns lie dh further on
  const scores = gemm(g, {
    label: 'scores',
    x: q,
    w: k,
    y: g.temp([heads, len, keys], 'f32', 'scores'),
    residual: bias,
    alpha: options.scale,
    rows: len,
    cols: keys,
    inner: dh,
    rowStep: row,
    xLimit: (len - 1) * row + dh,
    wK: 1,
    wN: row,
    yRow: keys,
    yLimit: len * keys,
    batch: heads,
    step: { x: dh, w: dh, y: len * keys },
  });
  return gemm(g, {
    label: 'values',
    x: softmax(g, scores),
    w: v,
    y: g.temp([len, row], 'f32', 'biased_attention'),
    rows: len,
    cols: dh,
    inner: keys,
    rowStep: keys,
    xLimit: len * keys,
    wK: row,
    yRow: row,
    yLimit: (len - 1) * row + dh,
    batch: heads,
    step: { x: len * keys, w: dh, y: dh },
  });
}
