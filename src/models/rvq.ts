// Residual vector quantiser of the joint embedding (docs/system.md §2): level q quantises what the levels before it left over.
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { rvqEncode } from '../ops/quantise.ts';
import type { Scope } from '../weights/weights.ts';

export interface RvqConfig {
  readonly levels: number;
  readonly entries: number;
}

/** Unit embeddings [B, E] → style codes u32 [B, levels]; the nearest entry, the first on ties. */
export function styleCodes(g: Graph, w: Scope, embedding: Tensor, c: RvqConfig): Tensor {
  return rvqEncode(g, embedding, w.get('codebooks', [c.levels, c.entries, embedding.shape[1]]));
}
