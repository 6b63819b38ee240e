// LayerNorm and the products that follow it, in one launch where rows are few: a decoder's step is made of launches.
import { expectShape, type Graph, type ParamValue, rowsCols, times, within } from '../graph/graph.ts';
import { reshape, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { ACT, type Act } from './act.ts';
import { kvAppend } from './attention.ts';
import { constant, sharedConstant } from './constant.ts';
import { gatherRows } from './gather.ts';
import { halfVariant, VECTOR_ROWS } from './gemm.ts';
import { linearLayout, VECTOR } from './layouts.ts';
import { linear } from './matmul.ts';
import { layerNorm } from './norm.ts';
import { powerOfTwo } from './spread.ts';

/** Weights of a LayerNorm, [K]. */
export interface NormWeights {
  readonly weight: WeightRef;
  readonly bias: WeightRef;
  readonly eps: number;
}

/** Where keys and values go: states [B, capacity, N], row `at`. */
export interface CacheRow {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly at: ParamValue;
}

/** y = act(LayerNorm(x) · wᵀ). x [..., K], w [N, K], y [..., N]. Throws `shape`. */
export function normLinear(g: Graph, x: Tensor, norm: NormWeights, w: WeightRef, options: { act?: Act } = {}): Tensor {
  return fused(g, x, norm, w, options) ?? linear(g, normed(g, x, norm), w, options);
}

/**
 * Queries, keys and values of one step of a decoder: q = LayerNorm(x) · wqᵀ, while keys and values become a row of their caches; rows past the end
 * of a cache are dropped. x [B, 1, K], w [3·N, K] (those of q, k and v one after another), q [B, 1, N]. Throws `shape`.
 */
export function normQueryKeyValue(g: Graph, x: Tensor, norm: NormWeights, w: WeightRef, cache: CacheRow): Tensor {
  const { k, v, at } = cache;
  const cols = k.shape[2];
  expectShape('norm_linear', 'x', x, [k.shape[0], 1, null]);
  expectShape('norm_linear', w.name, w, [3 * cols, null]);
  expectShape('norm_linear', 'values', v, k.shape);
  const one = fused(g, x, norm, w, { cache });
  if (one) return one;
  const parts = queryKeyValue(g, normed(g, x, norm), w);
  kvAppend(g, k, parts[1], at);
  kvAppend(g, v, parts[2], at);
  return parts[0];
}

/** Queries, keys and values of many rows. x [B, T, K], w [3·N, K] as in normQueryKeyValue; three of [B, T, N]. Throws `shape`. */
export function queryKeyValue(g: Graph, x: Tensor, w: WeightRef): [q: Tensor, k: Tensor, v: Tensor] {
  const [rows] = rowsCols(x);
  const cols = w.shape[0] / 3;
  const all = reshape(linear(g, x, w), [3 * rows, cols]);
  const part = (i: number) => {
    const index = sharedConstant(
      `every third of ${rows} from ${i}`,
      [rows],
      () => Uint32Array.from({ length: rows }, (_, r) => 3 * r + i),
      'u32',
    );
    return reshape(gatherRows(g, all, constant(g, index)), [...x.shape.slice(0, -1), cols]);
  };
  return [part(0), part(1), part(2)];
}

const normed = (g: Graph, x: Tensor, { weight, bias, eps }: NormWeights): Tensor => layerNorm(g, x, weight, bias, { eps });

/** One launch, or nothing where the sizes do not allow it. */
function fused(
  g: Graph,
  x: Tensor,
  { weight, bias, eps }: NormWeights,
  w: WeightRef,
  { act = 'none', cache }: { act?: Act; cache?: CacheRow },
): Tensor | undefined {
  const [rows, inner] = rowsCols(x);
  const [all] = w.shape;
  const cols = cache ? all / 3 : all;
  expectShape('norm_linear', w.name, w, [null, inner]);
  for (const ref of [weight, bias]) expectShape('norm_linear', ref.name, ref, [inner]);
  if (rows > VECTOR_ROWS || inner % 4 !== 0 || cols % 4 !== 0) return undefined;
  const y = g.temp([...x.shape.slice(0, -1), cols], 'f32', 'norm_linear');
  const none = () => g.temp([4], 'f32', 'unused'); // a binding wants a buffer
  const end = cache ? cache.k.shape[1] * cols : 0;
  const ROWS = powerOfTwo(rows);
  const QUADS = g.caps.executor === 'gpu' || ROWS > 4 ? 1 : 2;
  // a GPU hides latency with threads; on a processor barriers are dear
  const SHARED = g.caps.executor === 'gpu' ? 1 : 0;
  const WG = SHARED ? (ROWS > 2 || inner < 256 ? 64 : 128) : 8 * ROWS * QUADS;
  g.dispatch(K.matvec_norm, {
    in: { x, scale: g.weight(weight, VECTOR), bias: g.weight(bias, VECTOR), w: g.weight(w, linearLayout(w)) },
    out: { y0: y, y1: cache?.k ?? none(), y2: cache?.v ?? none() },
    params: { rows, inner, all, cols, step: end, at: within(times(cache?.at ?? 0, cols), 0, 2 ** 32 - 1), end, eps },
    meaning: { ACT: ACT[act] },
    tuning: { ROWS, QUADS, WG, SHARED },
    variant: w.dtype === 'f16' ? halfVariant(g.caps) : undefined,
    grid: [Math.ceil(all / (32 * QUADS))],
    label: w.name,
    flops: 2 * rows * inner * all,
  });
  return y;
}
