// Style heads: what a style leaves open, guessed from its embedding. One linear layer over the joint embedding; there is one wherever the
// semantic language model has controls.
//
//   e [1, E] unit ─Linear─ × 8 ─ logits [1, tempo bins | 24 keys | metres]
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add } from '../ops/elementwise.ts';
import { linear } from '../ops/matmul.ts';
import type { Scope } from '../weights/weights.ts';

/** Unit embeddings are small: their logits are multiplied by this. */
const SHARPNESS = 8;

/** Unit embedding [1, E] → logits [1, sum of sizes], the heads side by side. */
export function styleHeads(g: Graph, w: Scope, embedding: Tensor, sizes: readonly number[]): Tensor {
  const rows = sizes.reduce((n, size) => n + size, 0);
  const y = linear(g, embedding, w.get('weight', [rows, embedding.shape[1]]), { bias: w.get('bias', [rows]) });
  return add(g, y, y, { alpha: SHARPNESS, beta: 0 });
}
