// Encoder of T5 (Raffel et al. 2020, arXiv 1910.10683), the text encoder of MusicGen and Stable Audio; tensor names are those of transformers.
//
//   ids [T] ─shared─ x ─ { x += o·attention(q, k, v, bias)(RMSNorm x);  x += wo·act(wi)(RMSNorm x) } ─RMSNorm─ states [T, d_model]
//
// Scores have no scale; their bias, by distance, is that of the first layer in every layer. The gated form has wo·(act(wi_0) ⊙ wi_1). A prompt
// is encoded as long as it is: padding that is masked would change nothing.
import { log } from '../elementary.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { activationOf } from '../ops/act_names.ts';
import { biasedAttention, relativeBias } from '../ops/biased_attention.ts';
import { sharedConstant } from '../ops/constant.ts';
import { embedding } from '../ops/gather.ts';
import { linear } from '../ops/matmul.ts';
import { rmsNorm } from '../ops/norm.ts';
import type { Scope } from '../weights/weights.ts';

/** Fields of transformers' T5Config that count here. */
export interface T5EncoderConfig {
  readonly vocab_size: number;
  readonly d_model: number;
  readonly d_kv: number;
  readonly d_ff: number;
  readonly num_layers: number;
  readonly num_heads: number;
  readonly relative_attention_num_buckets: number;
  readonly relative_attention_max_distance: number;
  readonly layer_norm_epsilon: number;
  /** "relu", or "gated-gelu", whose gelu is the tanh form. */
  readonly feed_forward_proj: string;
}

/**
 * Bucket of every distance key − query from 1 − T to T − 1: half of them for keys behind the query; up to half of those one a distance, the rest
 * by its logarithm.
 */
function distanceBuckets(length: number, buckets: number, farthest: number): Uint32Array {
  const side = buckets / 2;
  const exact = Math.floor(side / 2);
  return Uint32Array.from({ length: 2 * length - 1 }, (_, i) => {
    const distance = i - (length - 1);
    const far = Math.abs(distance);
    // as PyTorch has it, in f32: at the border of two buckets the last bit decides
    const share = Math.fround(Math.fround(log(Math.fround(far / exact))) / Math.fround(log(farthest / exact)));
    const wide = exact + Math.trunc(Math.fround(share * (side - exact)));
    return (distance > 0 ? side : 0) + (far < exact ? far : Math.min(wide, side - 1));
  });
}

/** ids u32 [T] → states [T, d_model]. */
export function t5Encoder(g: Graph, w: Scope, ids: Tensor, c: T5EncoderConfig): Tensor {
  const [length] = ids.shape;
  const { d_model: dim, relative_attention_num_buckets: buckets, relative_attention_max_distance: farthest } = c;
  return g.scope('t5', () => {
    const table = w.get(w.has('shared.weight') ? 'shared.weight' : 'encoder.embed_tokens.weight', [c.vocab_size, dim]);
    const bucket = sharedConstant(
      `t5 buckets ${length} ${buckets} ${farthest}`,
      [2 * length - 1],
      () => distanceBuckets(length, buckets, farthest),
      'u32',
    );
    const biasName = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';
    const bias = relativeBias(g, w.get(biasName, [buckets, c.num_heads]), bucket);
    let x = embedding(g, table, ids);
    for (let i = 0; i < c.num_layers; i++) x = g.scope(`block ${i}`, () => block(g, w.at(`encoder.block.${i}`), x, bias, c));
    return norm(g, w, 'encoder.final_layer_norm', x, c);
  });
}

const norm = (g: Graph, w: Scope, name: string, x: Tensor, c: T5EncoderConfig): Tensor =>
  rmsNorm(g, x, w.get(`${name}.weight`, [c.d_model]), { eps: c.layer_norm_epsilon });

function block(g: Graph, w: Scope, x: Tensor, bias: Tensor, c: T5EncoderConfig): Tensor {
  const { d_model: dim, d_ff: ffn } = c;
  const width = c.num_heads * c.d_kv;
  const own = w.at('layer.0.SelfAttention');
  const y = norm(g, w, 'layer.0.layer_norm', x, c);
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(g, y, own.get(`${name}.weight`, [width, dim])));
  const h = linear(g, biasedAttention(g, q, k, v, bias, { scale: 1 }), own.get('o.weight', [dim, width]), { residual: x });
  const z = norm(g, w, 'layer.1.layer_norm', h, c);
  const dense = w.at('layer.1.DenseReluDense');
  const gated = c.feed_forward_proj.startsWith('gated-');
  const name = gated ? c.feed_forward_proj.slice('gated-'.length) : c.feed_forward_proj;
  const act = activationOf(gated && name === 'gelu' ? 'gelu_new' : name);
  const inner = gated
    ? linear(g, z, dense.get('wi_1.weight', [ffn, dim]), { scale: linear(g, z, dense.get('wi_0.weight', [ffn, dim]), { act }) })
    : linear(g, z, dense.get('wi.weight', [ffn, dim]), { act });
  return linear(g, inner, dense.get('wo.weight', [dim, ffn]), { residual: h });
}
