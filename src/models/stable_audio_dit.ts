// Diffusion Transformer of Stable Audio (Evans et al. 2024, arXiv 2407.14358); tensor names are those of diffusers.
//
//   tokens [S, C] ─SiLU MLP─ context ─ keys and values of every layer, made once
//   times, durations ─Fourier features, MLPs─ one global token a step, made once
//   x [L, C] ─x + conv₁─linear─ (global token before it) ─ { x += attention(LN x);  x += attention(LN x, context);  x += W₂(value ⊙ SiLU gate)(LN x) } ─linear─x + conv₁─ v
//
// With guidance two sequences run, the condition and none. Without tokens to attend to cross-attention gives nothing, since no projection has a
// bias: the second sequence then goes without it, exactly.
import { cosTurns, exp, log, sinTurns } from '../elementary.ts';
import type { Graph } from '../graph/graph.ts';
import { reshape, state, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { attention } from '../ops/attention.ts';
import { constant, sharedConstant } from '../ops/constant.ts';
import { add, copy } from '../ops/elementwise.ts';
import { concatRows, gatherRows, slice } from '../ops/gather.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm } from '../ops/norm.ts';
import { partialRope } from '../ops/partial_rope.ts';
import { reshaped, rowsOf } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

/** Fields of diffusers' StableAudioDiTModel that count here, and two of stable-audio-tools that diffusers has no word for. */
export interface StableAudioDitConfig {
  readonly in_channels: number;
  readonly num_layers: number;
  readonly attention_head_dim: number;
  readonly num_attention_heads: number;
  /** Of cross-attention: fewer heads of keys and values, each for several of queries. */
  readonly num_key_value_attention_heads: number;
  readonly cross_attention_dim: number;
  readonly cross_attention_input_dim: number;
  readonly global_states_input_dim: number;
  readonly time_proj_dim: number;
  /** First columns of a head that turn with the position: half of it in diffusers. */
  readonly rotary_dim: number;
  /** LayerNorm of the queries and keys of every head. */
  readonly qk_norm: boolean;
}

/** Keys and values of every layer's cross-attention [rows, S, heads · head width]; they live across runs. */
export interface Context {
  /** 1, or 2 with a negative prompt. */
  readonly rows: 1 | 2;
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
}

export const widthOf = (c: StableAudioDitConfig): number => c.num_attention_heads * c.attention_head_dim;

/** Room for the context of `length` tokens. */
export function contextStates(c: StableAudioDitConfig, rows: 1 | 2, length: number): Context {
  const make = (part: string, i: number) => state(`context.${part}.${i}`, [rows, length, widthOf(c)]);
  return { rows, layers: Array.from({ length: c.num_layers }, (_, i) => ({ k: make('k', i), v: make('v', i) })) };
}

/** Tokens [rows, S, cross_attention_input_dim] → keys and values of every layer, into `context`. */
export function readContext(g: Graph, w: Scope, tokens: Tensor, c: StableAudioDitConfig, context: Context): void {
  const { cross_attention_dim: dim, attention_head_dim: dh, num_key_value_attention_heads: own } = c;
  const x = mlp(g, w, 'cross_attention_proj', tokens, dim, false);
  for (const [i, { k, v }] of context.layers.entries())
    g.scope(`layer ${i}`, () => {
      const layer = w.at(`transformer_blocks.${i}.attn2`);
      const project = (name: string) =>
        reshape(linear(g, x, layer.get(`${name}.weight`, [own * dh, dim])), [...x.shape.slice(0, 2), own * dh]);
      copy(g, everyHead(g, normHeads(g, layer, 'norm_k', project('to_k'), own, c), c), { into: k });
      copy(g, everyHead(g, project('to_v'), c), { into: v });
    });
}

/** Keys or values of fewer heads, each repeated for the queries that read it. x [rows, S, own · head width]. */
function everyHead(
  g: Graph,
  x: Tensor,
  { num_attention_heads: heads, num_key_value_attention_heads: own, attention_head_dim: dh }: StableAudioDitConfig,
): Tensor {
  if (own === heads) return x;
  const [rows, length] = x.shape;
  const count = rows * length * heads;
  const index = sharedConstant(
    `heads ${own} ${heads} ${rows * length}`,
    [count],
    () => Uint32Array.from({ length: count }, (_, i) => Math.floor(i / heads) * own + Math.floor(((i % heads) * own) / heads)),
    'u32',
  );
  return reshape(gatherRows(g, reshape(x, [rows * length * own, dh]), constant(g, index)), [rows, length, heads * dh]);
}

/** Features of the times [steps, time_proj_dim] and of the durations [1, global_states_input_dim] → the global token of every step [steps, width]. */
export function globalTokens(g: Graph, w: Scope, times: Tensor, durations: Tensor, c: StableAudioDitConfig): Tensor {
  const dim = widthOf(c);
  const duration = mlp(g, w, 'global_proj', durations, dim, false);
  return add(g, mlp(g, w, 'timestep_proj', times, dim, true), reshape(duration, [dim]));
}

/** W₂ · SiLU(W₁ x), with biases or without. */
function mlp(g: Graph, w: Scope, name: string, x: Tensor, dim: number, biased: boolean): Tensor {
  const bias = (i: number) => (biased ? { bias: w.get(`${name}.${i}.bias`, [dim]) } : {});
  const h = linear(g, x, w.get(`${name}.0.weight`, [dim, x.shape[x.shape.length - 1]]), { act: 'silu', ...bias(0) });
  return linear(g, h, w.get(`${name}.2.weight`, [dim, dim]), bias(2));
}

/** Cosines, then sines of position · 10000^(−2i/width), in f32 as PyTorch has them. [length, width]. */
function rotaryTable(length: number, width: number): Float32Array {
  const half = width / 2;
  const table = new Float32Array(length * width);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(1 / Math.fround(exp(Math.fround(i / half) * log(10_000))));
    for (let t = 0; t < length; t++) {
      const turns = Math.fround(t * frequency) / (2 * Math.PI);
      table[t * width + i] = cosTurns(turns);
      table[t * width + half + i] = sinTurns(turns);
    }
  }
  return table;
}

/** Features of numbers: cosines and sines of 2π · number · weight, in f32, in the order that `parts` names. → [numbers, n · weights]. */
export function fourierFeatures(
  numbers: readonly number[],
  weights: Float32Array,
  parts: readonly ('number' | 'sin' | 'cos')[],
): Float32Array {
  const one = (x: number) =>
    parts.flatMap((part) => {
      if (part === 'number') return [x];
      const of = part === 'sin' ? sinTurns : cosTurns;
      return Array.from(weights, (weight) => of(Math.fround(Math.fround(Math.fround(x * weight) * 2) * Math.PI) / (2 * Math.PI)));
    });
  return Float32Array.from(numbers.map((x) => Math.fround(x)).flatMap(one));
}

/**
 * x [L, in_channels] → velocities [batch, L, in_channels], the condition's first. token [1, width] is the global token of this step. Without a
 * second row in `context` a second sequence has nothing to attend to.
 */
export function stableAudioDit(
  g: Graph,
  w: Scope,
  x: Tensor,
  token: Tensor,
  context: Context,
  c: StableAudioDitConfig,
  batch: 1 | 2,
): Tensor {
  const [length, channels] = x.shape;
  const dim = widthOf(c);
  const square = (name: string) => reshaped(w.get(`${name}.weight`, [channels, channels, 1]), [channels, channels]);
  return g.scope('dit', () => {
    const y = linear(g, linear(g, x, square('preprocess_conv'), { residual: x }), w.get('proj_in.weight', [dim, channels]));
    const one = concatRows(g, [token, y]);
    let h = reshape(batch === 2 ? concatRows(g, [one, one]) : one, [batch, length + 1, dim]);
    for (let i = 0; i < c.num_layers; i++) h = g.scope(`layer ${i}`, () => layer(g, w.at(`transformer_blocks.${i}`), h, i, context, c));
    const out = linear(g, h, w.get('proj_out.weight', [channels, dim]));
    const rows = Array.from({ length: batch }, (_, b) =>
      slice(g, reshape(out, [batch * (length + 1), channels]), b * (length + 1) + 1, length),
    );
    const v = reshape(batch === 2 ? concatRows(g, rows) : rows[0], [batch, length, channels]);
    return linear(g, v, square('postprocess_conv'), { residual: v });
  });
}

const norm = (g: Graph, w: Scope, name: string, x: Tensor): Tensor => {
  const dim = x.shape[x.shape.length - 1];
  return layerNorm(g, x, w.get(`${name}.weight`, [dim]), w.get(`${name}.bias`, [dim]), { eps: 1e-5 });
};

/** LayerNorm of every head by itself, where the model has it. */
function normHeads(
  g: Graph,
  w: Scope,
  name: string,
  x: Tensor,
  heads: number,
  { attention_head_dim: dh, qk_norm }: StableAudioDitConfig,
): Tensor {
  if (!qk_norm) return x;
  const [rows, length] = x.shape;
  const weights: [WeightRef, WeightRef] = [w.get(`${name}.weight`, [dh]), w.get(`${name}.bias`, [dh])];
  return reshape(layerNorm(g, reshape(x, [rows, length * heads, dh]), ...weights, { eps: QK_EPS }), x.shape);
}

/** As stable-audio-tools has it. */
const QK_EPS = 1e-6;

function layer(g: Graph, w: Scope, x: Tensor, i: number, context: Context, c: StableAudioDitConfig): Tensor {
  const { num_attention_heads: heads } = c;
  const [batch, length, dim] = x.shape;
  const project = (name: string, y: Tensor, residual?: Tensor) =>
    linear(g, y, w.get(`${name}.weight`, [dim, dim]), residual && { residual });
  const turns = constant(
    g,
    sharedConstant(`rotary ${length} ${c.rotary_dim}`, [length, c.rotary_dim], () => rotaryTable(length, c.rotary_dim)),
  );
  const y = norm(g, w, 'norm1', x);
  const [q, k] = ['q', 'k'].map((name) =>
    partialRope(g, normHeads(g, w.at('attn1'), `norm_${name}`, project(`attn1.to_${name}`, y), heads, c), turns, { heads }),
  );
  const h = project('attn1.to_out.0', attention(g, q, k, project('attn1.to_v', y), { heads }), x);

  const cross = (z: Tensor) => {
    const queries = normHeads(g, w.at('attn2'), 'norm_q', project('attn2.to_q', norm(g, w, 'norm2', z)), heads, c);
    return project('attn2.to_out.0', attention(g, queries, context.layers[i].k, context.layers[i].v, { heads }), z);
  };
  const alone = context.rows === 1 && batch === 2;
  const z = alone ? concatRows(g, [cross(slice(g, h, 0, 1)), slice(g, h, 1, 1)]) : cross(h);

  // one matrix holds the value's rows, then the gate's
  const inner = 4 * dim;
  const [both, biases] = [w.get('ff.net.0.proj.weight', [2 * inner, dim]), w.get('ff.net.0.proj.bias', [2 * inner])];
  const n = norm(g, w, 'norm3', z);
  const gate = linear(g, n, rowsOf(both, inner, inner), { bias: rowsOf(biases, inner, inner), act: 'silu' });
  const value = linear(g, n, rowsOf(both, 0, inner), { bias: rowsOf(biases, 0, inner), scale: gate });
  return linear(g, value, w.get('ff.net.2.weight', [dim, inner]), { bias: w.get('ff.net.2.bias', [dim]), residual: z });
}
