// Text tower: token ids → unit embedding (docs/system.md §2; MuLan's BERT place).
//
//   ids [T] ─embed─ x [T, dim] ─Encoder─ e [1, E]
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { embedding } from '../ops/gather.ts';
import type { Scope } from '../weights/weights.ts';
import { type EncoderConfig, encoder } from './layers.ts';

export interface TextTowerConfig extends EncoderConfig {
  readonly vocab: number;
  readonly max_tokens: number;
}

/** ids u32 [T], 1 ≤ T ≤ max_tokens, no padding → unit embedding [1, embedding_dim]. */
export function textTower(g: Graph, w: Scope, ids: Tensor, c: TextTowerConfig): Tensor {
  return g.scope('text_tower', () => encoder(g, w.at('encoder'), embedding(g, w.get('embed.weight', [c.vocab, c.dim]), ids), c));
}
