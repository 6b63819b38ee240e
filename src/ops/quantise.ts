// Nearest codes and residual vector quantisation (docs/system.md §2).
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d } from '../graph/graph.ts';
import { reshape, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { flat } from './layouts.ts';

/** Index of the nearest code in Euclidean distance, the lowest of equals. x [T, D], codebook [V, D] → u32 [T]. Throws `shape`. */
export function nearestCode(g: Graph, x: Tensor, codebook: WeightRef): Tensor {
  const [count, dim] = x.shape;
  expectShape('nearest_code', 'x', x, [null, null]);
  expectShape('nearest_code', codebook.name, codebook, [null, dim]);
  return reshape(recordEncode(g, x, codebook, 1, codebook.shape[0]), [count]);
}

/** Residual vector quantiser: level q codes what levels 0 … q − 1 left over. x [B, D], codebooks [Q, V, D] → u32 [B, Q]. Throws `shape`. */
export function rvqEncode(g: Graph, x: Tensor, codebooks: WeightRef): Tensor {
  expectShape('rvq_encode', 'x', x, [null, null]);
  expectShape('rvq_encode', codebooks.name, codebooks, [null, null, x.shape[1]]);
  return recordEncode(g, x, codebooks, codebooks.shape[0], codebooks.shape[1]);
}

function recordEncode(g: Graph, x: Tensor, books: WeightRef, levels: number, entries: number): Tensor {
  const [items, dim] = x.shape;
  const WG = g.caps.executor !== 'gpu' ? 8 : 64;
  const room = Math.floor(g.caps.workgroupMemory / 4) - 2 * WG;
  if (dim > room)
    throw new MelodyError(
      'limit',
      `rvq_encode: got vectors of ${dim}, expected at most ${room} on ${g.caps.name}: they must fit in workgroup memory`,
    );
  const code = g.temp([items, levels], 'u32', 'rvq_encode');
  g.dispatch(K.rvq_encode, {
    in: { x, books: g.weight(books, flat(books)) },
    out: { code },
    params: { items, levels, entries, dim },
    tuning: { WG, DIM: dim },
    variant: books.dtype === 'f16' ? 'f16' : undefined,
    grid: grid1d(g.caps, items, 1),
    label: books.name,
    flops: 3 * items * levels * entries * dim,
  });
  return code;
}
