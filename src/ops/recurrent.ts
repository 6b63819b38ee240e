// Simple recurrent units (Lei et al. 2018): products batched over time, only an element-wise scan is serial. docs/system.md §5.
import { expectShape, type Graph, grid1d, rowsCols } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { gemm } from './gemm.ts';
import { inputMajorLayout, packedCols, VECTOR } from './layouts.ts';

/** Where an SRU layer finds its weights by name. */
export interface Lookup {
  get(name: string, shape: readonly number[]): WeightRef;
}

/**
 * One bidirectional SRU layer: u = x·W, then the scan. x [R, T, in] → [R, T, 2·hidden], the forward half first.
 * Weights: `weight` [in, G·2·hidden] in column blocks (group, direction, hidden), `v` and `b` [2, 2·hidden] with rows f and r;
 * G = 3 groups when in = 2·hidden (the skip is √3·x), else 4. Throws `shape`.
 */
export function sruLayer(g: Graph, weights: Lookup, x: Tensor, hidden: number): Tensor {
  const [rows, inner] = rowsCols(x);
  const width = 2 * hidden;
  const cols = (inner === width ? 3 : 4) * width;
  const w = weights.get('weight', [inner, cols]);
  expectShape('sru', w.name, w, [inner, cols]);
  const u = gemm(g, {
    label: w.name,
    x,
    w: g.weight(w, inputMajorLayout(w)),
    y: g.temp([...x.shape.slice(0, -1), cols], 'f32', 'sru_products'),
    rows,
    cols,
    inner,
    rowStep: inner,
    xLimit: rows * inner,
    wK: packedCols(cols),
    yRow: cols,
    yLimit: rows * cols,
  });
  const skip = inner === width ? x : undefined;
  return sruScan(g, u, { v: weights.get('v', [2, width]), b: weights.get('b', [2, width]), directions: 2, skip });
}

/**
 * The scan alone: f = σ(u₁ + b_f + v_f⊙c₋₁), r = σ(u₂ + b_r + v_r⊙c₋₁), c = u₀ + (c₋₁ − u₀)⊙f, y = x' + (c − x')⊙r.
 * u [R, T, G·W] in blocks u₀, u₁, u₂ (, u₃) of W = directions·hidden lanes, the second direction backward in time;
 * v, b [2, W]. x' = √3·skip [R, T, W] when skip is given (G = 3), else u₃ (G = 4). y [R, T, W]. Throws `shape`.
 */
export function sruScan(
  g: Graph,
  u: Tensor,
  options: { v: WeightRef; b: WeightRef; directions: 1 | 2; skip?: Tensor | undefined },
): Tensor {
  const { v, b, directions, skip } = options;
  const width = v.shape[1];
  const groups = skip ? 3 : 4;
  expectShape('sru_scan', 'u', u, [null, null, groups * width]);
  const [rows, steps] = u.shape;
  expectShape('sru_scan', v.name, v, [2, width]);
  expectShape('sru_scan', b.name, b, [2, width]);
  if (skip) expectShape('sru_scan', 'skip', skip, [rows, steps, width]);
  const y = g.temp([rows, steps, width], 'f32', 'sru_scan');
  g.dispatch(K.sru_scan, {
    in: { u, x: skip ?? u, v: g.weight(v, VECTOR), b: g.weight(b, VECTOR) },
    out: { y },
    params: { rows, steps, width, hidden: width / directions },
    meaning: { GROUPS: groups },
    grid: grid1d(g.caps, rows * width, 64),
    label: v.name,
    flops: 22 * rows * steps * width,
  });
  return y;
}
