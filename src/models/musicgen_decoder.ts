// Language model of MusicGen (Copet et al. 2023, arXiv 2306.05284) over the codes of EnCodec; tensor names are those of transformers.
//
//   ids [K] ─Σ embed_k + sinusoid─ x ─ { x += self-attention(LN x);  x += cross-attention(LN x, text);  x += fc2·act(fc1)(LN x) } ─LN─ K heads
//
// One column of the delay pattern a call, K codes in and the logits of K codes out, with the keys and values of all columns before in a cache
// and those of the text made once. With guidance the batch has two rows, the condition and none. None has no text to attend to: what
// cross-attention gives is multiplied by zero there, which is exact and reads no weight twice. MusicGen Melody has no cross-attention: a tune and
// the text stand before the codes (musicgenPrefix), in both rows.
import { cosTurns, exp, log, sinTurns } from '../elementary.ts';
import { type Graph, type ParamValue, plus } from '../graph/graph.ts';
import { elementsOf, reshape, state, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { activationOf } from '../ops/act_names.ts';
import { attention, kvAppend } from '../ops/attention.ts';
import { rvqDecode } from '../ops/codes.ts';
import { constant, sharedConstant } from '../ops/constant.ts';
import { add } from '../ops/elementwise.ts';
import { concatRows, embedding, slice } from '../ops/gather.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm } from '../ops/norm.ts';
import { type NormWeights, normLinear, normQueryKeyValue, queryKeyValue } from '../ops/norm_linear.ts';
import { reshaped, stack } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

const EPS = 1e-5;

/** Fields of transformers' MusicgenDecoderConfig that count here. */
export interface MusicgenDecoderConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly ffn_dim: number;
  readonly num_attention_heads: number;
  readonly num_codebooks: number;
  readonly audio_channels: 1 | 2;
  readonly activation_function: string;
}

/** Keys and values of every layer; they live across runs. */
export interface KeysAndValues {
  readonly capacity: number;
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
}

/** Room for `capacity` places of `batch` sequences. */
export function keysAndValues(name: string, c: MusicgenDecoderConfig, batch: number, capacity: number): KeysAndValues {
  const make = (part: string, i: number) => state(`${name}.${part}.${i}`, [batch, capacity, c.hidden_size]);
  return { capacity, layers: Array.from({ length: c.num_hidden_layers }, (_, i) => ({ k: make('k', i), v: make('v', i) })) };
}

/**
 * Text states [S, text width] → keys and values of every layer's cross-attention, into the first S places of `text`. `projection` is the scope of
 * enc_to_dec_proj, which models whose widths are equal lack.
 */
export function musicgenText(
  g: Graph,
  w: Scope,
  projection: Scope | undefined,
  states: Tensor,
  c: MusicgenDecoderConfig,
  text: KeysAndValues,
): void {
  const { hidden_size: dim } = c;
  const [length] = states.shape;
  const x = projected(g, projection, states, dim);
  for (const [i, { k, v }] of text.layers.entries())
    g.scope(`layer ${i}`, () => {
      const own = w.at(`model.decoder.layers.${i}.encoder_attn`);
      for (const [name, cache] of [
        ['k_proj', k],
        ['v_proj', v],
      ] as const)
        kvAppend(g, cache, reshape(linear(g, x, own.get(`${name}.weight`, [dim, dim])), [1, length, dim]), 0);
    });
}

/** Positions as transformers has them: cosines, then sines of t · 10000^(−i / (dim/2 − 1)), in f32. */
export function sinusoids(length: number, dim: number): Float32Array {
  const half = Math.floor(dim / 2);
  const step = Math.fround(-log(10_000) / (half - 1));
  const table = new Float32Array(length * dim);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(exp(Math.fround(i * step)));
    for (let t = 0; t < length; t++) {
      const turns = Math.fround(t * frequency) / (2 * Math.PI);
      table[t * dim + i] = cosTurns(turns);
      table[t * dim + half + i] = sinTurns(turns);
    }
  }
  return table;
}

export interface MusicgenStep {
  readonly cache: KeysAndValues;
  /** Of the text; MusicGen Melody has read it before. */
  readonly text?: KeysAndValues | undefined;
  /** Places of `text` that count. */
  readonly textLength?: ParamValue;
  /** Column of the pattern, from 0; of MusicGen Melody its place behind what was read before. */
  readonly column: ParamValue;
  /** 2: the condition, and none. */
  readonly batch: 1 | 2;
}

/** Scopes of what brings text states and pitch classes to the width of the decoder, where theirs is another. */
export interface Projections {
  readonly text: Scope | undefined;
  readonly tune: Scope | undefined;
}

/**
 * What MusicGen Melody's decoder reads before the codes: pitch classes of a tune, then a text, into the first chroma_length + S places of `cache`.
 * tune f32 [batch · chroma_length, num_chroma], the rows of none after those of the condition, whose text is zeros; states [S, text width].
 */
export function musicgenPrefix(
  g: Graph,
  w: Scope,
  projections: Projections,
  tune: Tensor,
  states: Tensor,
  c: MusicgenDecoderConfig,
  cache: KeysAndValues,
  batch: 1 | 2,
): void {
  const { hidden_size: dim } = c;
  const length = tune.shape[0] / batch + states.shape[0];
  g.scope('musicgen prefix', () => {
    const chroma = projected(g, projections.tune, tune, dim);
    const words = projected(g, projections.text, states, dim);
    const frames = tune.shape[0] / batch;
    const none = () => slice(g, constant(g, noText(words.shape[0], dim)), 0, words.shape[0]);
    const parts = batch === 1 ? [chroma, words] : [slice(g, chroma, 0, frames), words, slice(g, chroma, frames, frames), none()];
    const places = sharedConstant(
      `musicgen places ${batch} ${length}`,
      [batch, length],
      () => Uint32Array.from({ length: batch * length }, (_, i) => i % length),
      'u32',
    );
    const positions = embedding(g, positionsOf(cache.capacity, dim), constant(g, places));
    let x = add(g, reshape(concatRows(g, parts), [batch, length, dim]), positions);
    for (const [i, { k, v }] of cache.layers.entries())
      x = g.scope(`layer ${i}`, () => {
        const own = w.at(`model.decoder.layers.${i}`);
        const [q, keys, values] = queryKeyValue(g, norm(g, own, 'self_attn_layer_norm', x, c), ofThree(own, dim));
        kvAppend(g, k, keys, 0);
        kvAppend(g, v, values, 0);
        if (i === c.num_hidden_layers - 1) return x; // nothing of what follows is read
        const a = attention(g, q, keys, values, { heads: c.num_attention_heads, causal: true });
        const h = linear(g, a, own.get('self_attn.out_proj.weight', [dim, dim]), { residual: x });
        return feedForward(g, own, h, c);
      });
  });
}

/** Zeros for at least so many words; few sizes for all texts. */
function noText(words: number, dim: number) {
  const shape = [64 * Math.ceil(words / 64), dim];
  return sharedConstant(`musicgen no text ${shape}`, shape, () => new Float32Array(elementsOf(shape)));
}

const projected = (g: Graph, w: Scope | undefined, x: Tensor, dim: number): Tensor =>
  w ? linear(g, x, w.get('weight', [dim, x.shape[1]]), { bias: w.get('bias', [dim]) }) : x;

const positionsOf = (capacity: number, dim: number) =>
  sharedConstant(`musicgen positions ${capacity} ${dim}`, [capacity, dim], () => sinusoids(capacity, dim));

/** ids u32 [1, K] of one column → logits [batch, K · vocab] of the next. */
export function musicgenStep(g: Graph, w: Scope, ids: Tensor, c: MusicgenDecoderConfig, s: MusicgenStep): Tensor {
  const { hidden_size: dim, num_codebooks: k, vocab_size: vocab } = c;
  const { cache, column, batch } = s;
  const model = w.at('model.decoder');
  return g.scope('musicgen', () => {
    const table = positionsOf(cache.capacity, dim);
    const zero = constant(
      g,
      sharedConstant(`musicgen rows ${batch}`, [batch], () => new Uint32Array(batch), 'u32'),
    );
    const embedded = reshape(rvqDecode(g, ids, codebooksOf(model, c)), [dim]);
    let x = reshape(add(g, embedding(g, table, zero, { offset: column }), embedded), [batch, 1, dim]);
    for (let i = 0; i < c.num_hidden_layers; i++) x = g.scope(`layer ${i}`, () => layer(g, model.at(`layers.${i}`), x, i, c, s));
    const y = norm(g, model, 'layer_norm', x, c);
    const heads = stackOf(k, (q) => w.get(`lm_heads.${q}.weight`, [vocab, dim]));
    return linear(g, reshape(y, [batch, dim]), reshaped(heads, [k * vocab, dim]));
  });
}

/**
 * Columns whose codes are known, several a call: their keys and values into `cache`, from place `column` on, and nothing else. ids u32 [T, K].
 */
export function musicgenRead(g: Graph, w: Scope, ids: Tensor, c: MusicgenDecoderConfig, s: MusicgenStep): void {
  const { hidden_size: dim, num_attention_heads: heads } = c;
  const { cache, text, column, batch } = s;
  const [columns] = ids.shape;
  const model = w.at('model.decoder');
  g.scope('musicgen read', () => {
    const places = sharedConstant(
      `musicgen columns ${columns}`,
      [columns],
      () => Uint32Array.from({ length: columns }, (_, i) => i),
      'u32',
    );
    const positions = embedding(g, positionsOf(cache.capacity, dim), constant(g, places), { offset: column });
    const row = add(g, positions, rvqDecode(g, ids, codebooksOf(model, c)));
    let x = reshape(batch === 1 ? row : concatRows(g, [row, row]), [batch, columns, dim]);
    for (const [i, { k, v }] of cache.layers.entries())
      x = g.scope(`layer ${i}`, () => {
        const own = model.at(`layers.${i}`);
        const [q, keys, values] = queryKeyValue(g, norm(g, own, 'self_attn_layer_norm', x, c), ofThree(own, dim));
        kvAppend(g, k, keys, column);
        kvAppend(g, v, values, column);
        if (i === c.num_hidden_layers - 1) return x; // nothing of what follows is read
        const a = attention(g, q, k, v, { heads, causal: true, queryOffset: column, keys: plus(column, columns) });
        const h = linear(g, a, own.get('self_attn.out_proj.weight', [dim, dim]), { residual: x });
        return feedForward(g, own, text ? hearText(g, own, h, text.layers[i], c, s) : h, c);
      });
  });
}

const codebooksOf = (model: Scope, { num_codebooks: k, vocab_size: vocab, hidden_size: dim }: MusicgenDecoderConfig): WeightRef =>
  stackOf(k, (q) => model.get(`embed_tokens.${q}.weight`, [vocab + 1, dim]));

/** One matrix a codebook, as one tensor. */
const stackOf = (k: number, one: (q: number) => WeightRef): WeightRef =>
  stack([one(0), ...Array.from({ length: k - 1 }, (_, i) => one(i + 1))]);

const norm = (g: Graph, w: Scope, name: string, x: Tensor, { hidden_size: dim }: MusicgenDecoderConfig): Tensor =>
  layerNorm(g, x, w.get(`${name}.weight`, [dim]), w.get(`${name}.bias`, [dim]), { eps: EPS });

const normOf = (w: Scope, name: string, { hidden_size: dim }: MusicgenDecoderConfig): NormWeights => ({
  weight: w.get(`${name}.weight`, [dim]),
  bias: w.get(`${name}.bias`, [dim]),
  eps: EPS,
});

/** Matrices of queries, keys and values as one, [3 · dim, dim]. */
const ofThree = (w: Scope, dim: number): WeightRef => {
  const part = (name: string) => w.get(`self_attn.${name}.weight`, [dim, dim]);
  return reshaped(stack([part('q_proj'), part('k_proj'), part('v_proj')]), [3 * dim, dim]);
};

/** Eight launches where the sizes allow it, five without a text to attend to. */
function layer(g: Graph, w: Scope, x: Tensor, i: number, c: MusicgenDecoderConfig, s: MusicgenStep): Tensor {
  const { hidden_size: dim, num_attention_heads: heads } = c;
  const { cache, text, column } = s;
  const square = (part: string) => w.get(`${part}.weight`, [dim, dim]);
  const { k, v } = cache.layers[i];
  const q = normQueryKeyValue(g, x, normOf(w, 'self_attn_layer_norm', c), ofThree(w, dim), { k, v, at: column });
  const a = attention(g, q, k, v, { heads, keys: plus(column, 1) });
  const h = linear(g, a, square('self_attn.out_proj'), { residual: x });
  return feedForward(g, w, text ? hearText(g, w, h, text.layers[i], c, s) : h, c);
}

/** h and what cross-attention hears of the text. h [batch, T, dim]. */
function hearText(
  g: Graph,
  w: Scope,
  h: Tensor,
  words: KeysAndValues['layers'][number],
  c: MusicgenDecoderConfig,
  { textLength, batch }: MusicgenStep,
): Tensor {
  const { hidden_size: dim, num_attention_heads: heads } = c;
  const square = (part: string) => w.get(`encoder_attn.${part}.weight`, [dim, dim]);
  const q = normLinear(g, h, normOf(w, 'encoder_attn_layer_norm', c), square('q_proj'));
  const cross = attention(g, q, words.k, words.v, { heads, ...(textLength !== undefined && { keys: textLength }) });
  return linear(g, cross, square('out_proj'), { residual: h, ...(batch === 2 && { scale: firstRow(g, h.shape[1], dim) }) });
}

function feedForward(g: Graph, w: Scope, x: Tensor, c: MusicgenDecoderConfig): Tensor {
  const { hidden_size: dim, ffn_dim } = c;
  const act = activationOf(c.activation_function);
  const inner = normLinear(g, x, normOf(w, 'final_layer_norm', c), w.get('fc1.weight', [ffn_dim, dim]), { act });
  return linear(g, inner, w.get('fc2.weight', [dim, ffn_dim]), { residual: x });
}

/** Ones for the columns of the condition, zeros for those of none. */
function firstRow(g: Graph, columns: number, dim: number): Tensor {
  const size = columns * dim;
  const ones = sharedConstant(`musicgen condition ${columns} ${dim}`, [2, columns, dim], () => new Float32Array(2 * size).fill(1, 0, size));
  return constant(g, ones);
}
