// LLaMA's language model (Touvron et al. 2023, arXiv 2302.13971); tensor names are those of transformers' LlamaForCausalLM.
//
//   ids ─embed─ x ─ { x += o·attention(RoPE(q), RoPE(k), v)(RMSNorm x);  x += down·(silu(gate) ⊙ up)(RMSNorm x) } ─RMSNorm─head─ logits
import { type Graph, type ParamValue, plus } from '../graph/graph.ts';
import { reshape, state, type Tensor } from '../graph/tensor.ts';
import { attention, kvAppend, rope } from '../ops/attention.ts';
import { embedding, slice } from '../ops/gather.ts';
import { linear, swiglu } from '../ops/matmul.ts';
import { rmsNorm } from '../ops/norm.ts';
import type { Scope } from '../weights/weights.ts';

/** Fields of transformers' LlamaConfig that count here. */
export interface LlamaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  /** The head is the embedding. */
  readonly tie_word_embeddings: boolean;
}

/** Keys and values of every layer, [1, capacity, hidden_size] each; they live across runs. */
export interface LlamaCache {
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
}

export function llamaCache(name: string, c: LlamaConfig, capacity: number): LlamaCache {
  const make = (part: string, i: number) => state(`${name}.${part}.${i}`, [1, capacity, c.hidden_size]);
  return { layers: Array.from({ length: c.num_hidden_layers }, (_, i) => ({ k: make('k', i), v: make('v', i) })) };
}

export interface LlamaPlace {
  readonly cache: LlamaCache;
  /** Position of the first id; those before it are in the cache. */
  readonly start: ParamValue;
  /** Added to every id. Default 0. */
  readonly offset?: ParamValue;
}

/** ids u32 [1, T] at positions start … start + T − 1 → logits [1, vocab_size] after the last of them. */
export function llama(g: Graph, w: Scope, ids: Tensor, c: LlamaConfig, { cache, start, offset = 0 }: LlamaPlace): Tensor {
  const { vocab_size: words, hidden_size: dim } = c;
  const rows = ids.shape[1];
  const model = w.at('model');
  return g.scope('llama', () => {
    const table = model.get('embed_tokens.weight', [words, dim]);
    let x = embedding(g, table, ids, { offset });
    for (let i = 0; i < c.num_hidden_layers; i++)
      x = g.scope(`layer ${i}`, () => layer(g, model.at(`layers.${i}`), x, c, cache.layers[i], start));
    const last = rows === 1 ? reshape(x, [1, dim]) : slice(g, reshape(x, [rows, dim]), rows - 1, 1);
    const y = rmsNorm(g, last, model.get('norm.weight', [dim]), { eps: c.rms_norm_eps });
    return linear(g, y, c.tie_word_embeddings ? table : w.get('lm_head.weight', [words, dim]));
  });
}

function layer(g: Graph, w: Scope, x: Tensor, c: LlamaConfig, cache: { k: Tensor; v: Tensor }, start: ParamValue): Tensor {
  const { hidden_size: dim, intermediate_size: inner, num_attention_heads: heads, rms_norm_eps: eps } = c;
  const rotary = { heads, theta: c.rope_theta, offset: start };
  const square = (part: string, y: Tensor, options: { residual?: Tensor } = {}) =>
    linear(g, y, w.get(`self_attn.${part}.weight`, [dim, dim]), options);
  const y = rmsNorm(g, x, w.get('input_layernorm.weight', [dim]), { eps });
  const q = rope(g, square('q_proj', y), rotary);
  kvAppend(g, cache.k, rope(g, square('k_proj', y), rotary), start);
  kvAppend(g, cache.v, square('v_proj', y), start);
  const a = attention(g, q, cache.k, cache.v, { heads, causal: true, keys: plus(start, x.shape[1]), queryOffset: start });
  const h = square('o_proj', a, { residual: x });
  const z = rmsNorm(g, h, w.get('post_attention_layernorm.weight', [dim]), { eps });
  const f = swiglu(g, z, w.get('mlp.gate_proj.weight', [inner, dim]), w.get('mlp.up_proj.weight', [inner, dim]));
  return linear(g, f, w.get('mlp.down_proj.weight', [dim, inner]), { residual: h });
}
