// Semantic language model, LLaMA type (docs/system.md §3): [BOS, style tokens, semantic tokens …] → logits over the semantic words.
//
//   ids [B, T] ─embed─ x ─ { x += o·attention(RoPE(q), RoPE(k), v)(RMSNorm x);  x += down·(silu(gate) ⊙ up)(RMSNorm x) } ─RMSNorm─head─ logits
//
// Ids: 0…words−1 semantic; words + entries·q + code for RVQ level q; then BOS. No biases, no EOS.
//
// With `controls` every position also gets what it is about to play: where in the bar that token lies, the key and the tempo.
//
//   x = embed[id] + controls[clock] + controls[key] + controls[tempo]
//
// Instruments that a prompt names make the words likelier that pieces with them have more often: logits += controls.instruments · told. So does the
// key, with `counted_keys`: what a window hears of a key fades as it fills with music that left it, and this does not. It can count by need: little
// while the last words speak for the key, much while they do not.
//
// With timbre words a second head draws one where the first token of a block is drawn, from the same row and the timbre words of the blocks before.
// The layers do not hear timbre words: a trained model gains them and says its own words as before. Named instruments move their logits likewise.
import { log2 } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { type Graph, type ParamValue, plus } from '../graph/graph.ts';
import { reshape, state, type Tensor } from '../graph/tensor.ts';
import { attention, qkvAppend } from '../ops/attention.ts';
import { add } from '../ops/elementwise.ts';
import { concatRows, embedding, embedOne, slice } from '../ops/gather.ts';
import { linear, matmul, swiglu } from '../ops/matmul.ts';
import { rmsNorm } from '../ops/norm.ts';
import { reshaped, stack } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';
import { EPS } from './layers.ts';
import { type TimbreConfig, timbreOf } from './timbre.ts';

/** How the rows of `controls.weight` are counted; see `controlTable`. */
export interface ControlsConfig {
  /** Felt beats a bar, one clock each; 2 is six-eight. */
  readonly metres: readonly number[];
  /** Steps of a beat that the clock distinguishes. */
  readonly ticks: number;
  /** The tempo, in bpm, where the first tempo bin begins. */
  readonly tempo_low: number;
  readonly tempo_per_octave: number;
  readonly tempo_bins: number;
  /** Class of instruments → phrases of a prompt that name it, with commas between. Absent: the model has no `controls.instruments`. */
  readonly instruments?: Readonly<Record<string, string>>;
  /** Does that table have a column for each key too, after those of the classes, and what does the one that is told count? Default false; true is 1. */
  readonly counted_keys?: boolean | CountedKeys;
}

/** What the key that is told counts while the last words speak for it more than for any other, and while they do not. */
export interface CountedKeys {
  readonly held: number;
  readonly left: number;
}

export interface SemanticLmConfig extends TimbreConfig {
  readonly dim: number;
  readonly layers: number;
  readonly heads: number;
  readonly head_dim?: number;
  readonly ffn: number;
  readonly rope_theta: number;
  readonly style_levels: number;
  readonly style_entries: number;
  /** Absent: the model knows no clock, key or tempo but what its style tokens say. */
  readonly controls?: ControlsConfig;
}

/** Keys and values of every layer, [B, capacity, heads · head_dim] each; they live across runs. */
export interface KvCache {
  readonly capacity: number;
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
}

const widthOf = (c: SemanticLmConfig): number => (c.head_dim ?? c.dim / c.heads) * c.heads;

export function kvCache(c: SemanticLmConfig, batch: number, capacity: number): KvCache {
  const make = (name: string, i: number) => state(`semantic_lm.${name}.${i}`, [batch, capacity, widthOf(c)]);
  return { capacity, layers: Array.from({ length: c.layers }, (_, i) => ({ k: make('k', i), v: make('v', i) })) };
}

/** Id of the begin-of-sequence token; also the style token of the null prefix. */
const bosId = (c: SemanticLmConfig): number => c.words + c.style_levels * c.style_entries;

/** [BOS, style tokens] of RVQ codes; without codes the null prefix of guidance. */
export function stylePrefix(c: SemanticLmConfig, codes: readonly number[] | undefined): Uint32Array {
  const bos = bosId(c);
  return Uint32Array.from([
    bos,
    ...Array.from({ length: c.style_levels }, (_, q) => (codes ? c.words + c.style_entries * q + codes[q] : bos)),
  ]);
}

/** Keys: tonic (0 = C) + 12 for minor. */
export const KEYS = 24;

/** First rows of the parts of `controls.weight`, in their order, and the row of "unknown" after each. */
export function controlTable(c: ControlsConfig) {
  const noClock = c.ticks * c.metres.reduce((n, m) => n + m, 0);
  const key = noClock + 1;
  const noKey = key + KEYS;
  const tempo = noKey + 1;
  const noTempo = tempo + c.tempo_bins;
  return { noClock, key, noKey, tempo, noTempo, rows: noTempo + 1 };
}

/** Row of a moment `beat` beats after some downbeat (negative: before it). A metre that the table lacks has no clock. */
export function clockRow(c: ControlsConfig, moment: { readonly beat: number; readonly beatsPerBar: number } | undefined): number {
  const metre = moment ? c.metres.indexOf(moment.beatsPerBar) : -1;
  if (!moment || metre < 0) return controlTable(c).noClock;
  const before = c.metres.slice(0, metre).reduce((n, m) => n + m, 0);
  const rest = moment.beat % moment.beatsPerBar;
  const bar = rest < 0 ? rest + moment.beatsPerBar : rest;
  return before * c.ticks + Math.min(Math.floor(bar * c.ticks), moment.beatsPerBar * c.ticks - 1);
}

export function keyRow(c: ControlsConfig, key: number | undefined): number {
  const { key: first, noKey } = controlTable(c);
  return key === undefined ? noKey : first + key;
}

/** Bins are 1 / tempo_per_octave octaves wide; tempi outside fall into the outermost. */
export function tempoRow(c: ControlsConfig, bpm: number | undefined): number {
  const { tempo, noTempo } = controlTable(c);
  if (bpm === undefined) return noTempo;
  const bin = Math.floor(log2(bpm / c.tempo_low) * c.tempo_per_octave);
  return tempo + Math.max(0, Math.min(bin, c.tempo_bins - 1));
}

/** Row numbers of every position, u32 and of one shape. */
export interface ControlIds {
  readonly clock: Tensor;
  readonly key: Tensor;
  readonly tempo: Tensor;
}

/** What positions are given: rows [...] of the table → their sum [..., dim], for `semanticLm`. */
export function controlSum(g: Graph, w: Scope, ids: ControlIds, c: SemanticLmConfig, options: { into?: Tensor } = {}): Tensor {
  const { controls } = c;
  if (!controls) throw new MelodyError('graph', 'semantic_lm: its config has no controls to add');
  const table = w.get('controls.weight', [controlTable(controls).rows, c.dim]);
  return g.scope('semantic_lm', () => {
    const [clock, key, tempo] = [ids.clock, ids.key, ids.tempo].map((rows) => embedding(g, table, rows));
    return add(g, add(g, clock, key), tempo, options);
  });
}

/** What `lastHidden` reads besides the ids. */
export interface LmOptions {
  readonly cache: KvCache;
  readonly start: ParamValue;
  readonly last?: ParamValue | undefined;
  readonly controls?: Tensor | undefined;
  readonly one?: { readonly batch: number; readonly first: ParamValue; readonly at: ParamValue } | undefined;
}

/** As `lastHidden` → logits [B, words] of the next word. */
export function semanticLm(g: Graph, w: Scope, ids: Tensor, c: SemanticLmConfig, options: LmOptions): Tensor {
  return wordLogits(g, w, lastHidden(g, w, ids, c, options), c);
}

/** Classes of instruments in the order of their columns. */
export const instrumentClasses = (c: SemanticLmConfig): string[] => Object.keys(c.controls?.instruments ?? {});

/** What the table of instruments counts, key, as much as it counts, and instruments as they are told → its columns, those of the classes and those of keys. */
export const toldColumns = (c: SemanticLmConfig, key?: number, told?: Readonly<Record<string, number>>, count = 1): number[] => [
  ...instrumentClasses(c).map((name) => told?.[name] ?? 0),
  ...Array.from({ length: c.controls?.counted_keys ? KEYS : 0 }, (_, other) => (other === key ? count : 0)),
];

/** After so many words what a key counts is told anew, from so many before. */
export const KEY_STEP = 25;
export const KEY_SIGHT = 75;

/** Rows of the table of instruments, [n, columns], of words. */
export const rowsOfWords = (g: Graph, w: Scope, words: Tensor, c: SemanticLmConfig): Tensor =>
  embedding(g, w.get('controls.instruments', [c.words, toldColumns(c).length]), words);

/** What the first `words` of words with these rows speak for each key. Sums of halves in doubles: the same on every machine. */
export function spokenKeys(rows: Float32Array, words: number, places = words): Float64Array {
  const spoken = new Float64Array(KEYS);
  const columns = rows.length / places;
  for (let at = 0; at < words * KEYS; at++) {
    const k = at % KEYS;
    spoken[k] += rows[Math.floor(at / KEYS + 1) * columns - KEYS + k] as number;
  }
  return spoken;
}

/** What a key counts where the last `words` words have these rows, of KEY_SIGHT. */
export function keyCount({ held, left }: CountedKeys, key: number, rows: Float32Array, words: number): number {
  const spoken = spokenKeys(rows, words, KEY_SIGHT);
  const own = spoken[key] as number;
  return spoken.every((other, k) => k === key || other < own) ? held : left;
}

/**
 * told f32 [B, columns], `toldColumns` → what the logits [B, words] of `wordLogits` gain, or with `timbre` those [B,
 * timbre_words] of `timbreLogits`.
 */
export function instrumentBias(
  g: Graph,
  w: Scope,
  told: Tensor,
  c: SemanticLmConfig,
  options: { into?: Tensor; timbre?: boolean } = {},
): Tensor {
  const [name, words] = options.timbre ? ['timbre_instruments', timbreOf(c)?.words ?? 0] : ['instruments', c.words];
  const table = w.get(`controls.${name}`, [words, toldColumns(c).length]);
  return g.scope('semantic_lm', () => linear(g, told, table, { into: options.into }));
}

/** Of rows [B, dim] of `lastHidden`: logits [B, words] of the next word, `bias` [B, words] among them. */
export function wordLogits(g: Graph, w: Scope, h: Tensor, c: SemanticLmConfig, bias?: Tensor): Tensor {
  const norm = { w: w.get('norm.weight', [c.dim]), eps: EPS };
  return g.scope('semantic_lm', () => linear(g, h, w.get('head.weight', [c.words, c.dim]), { norm, residual: bias }));
}

/**
 * Of row [1, dim] of `lastHidden`: logits [1, timbre_words] of the block that begins. `words` u32 [M] are the timbre words in sight, `weights`
 * f32 [1, M] what each counts (`sightWeights`): timbre_head · (RMSNorm h + Σ weights · timbre_embed[words]) + bias [1, timbre_words].
 */
export function timbreLogits(
  g: Graph,
  w: Scope,
  h: Tensor,
  c: SemanticLmConfig,
  sight: { words: Tensor; weights: Tensor },
  bias?: Tensor,
): Tensor {
  const shape = [timbreOf(c)?.words ?? 0, c.dim];
  return g.scope('semantic_lm', () => {
    const heard = matmul(g, sight.weights, embedding(g, w.get('timbre_embed.weight', shape), sight.words));
    const told = add(g, rmsNorm(g, h, w.get('norm.weight', [c.dim]), { eps: EPS }), heard);
    return linear(g, told, w.get('timbre_head.weight', shape), { residual: bias });
  });
}

/**
 * ids u32 [B, T] at positions start…start+T−1 → row `last` (default T − 1) of each sequence before the last norm, [B, dim].
 * Appends T rows to the cache and attends to all before; rows after `last` are padding that a later call overwrites.
 * `controls` [B, T, dim] (`controlSum`) are added to the embedding; with them, ids [T] serve the whole batch.
 * With `one`, id number `one.first` of all in ids [N] is the only position of `one.batch` sequences; controls are then [M, B, dim], and it
 * gets number `one.at` of them.
 */
export function lastHidden(g: Graph, w: Scope, ids: Tensor, c: SemanticLmConfig, options: LmOptions): Tensor {
  const { cache, start, controls, one } = options;
  const [batch, rows] = one ? [one.batch, 1] : (controls?.shape ?? ids.shape);
  return g.scope('semantic_lm', () => {
    const table = w.get('embed.weight', [bosId(c) + 1, c.dim]);
    const embedded = one ? embedOne(g, table, ids, { ...one, rows: batch, more: controls }) : embedding(g, table, ids);
    const known = controls && !one ? add(g, controls, embedded) : embedded;
    let x = one ? reshape(known, [batch, 1, c.dim]) : known;
    for (let i = 0; i < c.layers; i++) x = g.scope(`layer ${i}`, () => layer(g, w.at(`layers.${i}`), x, c, cache.layers[i], start));
    // Only one row of each sequence speaks; the rest of the prompt never meets the head.
    return rows === 1 ? reshape(x, [batch, c.dim]) : lastRows(g, x, options.last ?? rows - 1);
  });
}

/** Row `last` of every sequence: [B, T, C] → [B, C]. */
function lastRows(g: Graph, x: Tensor, last: ParamValue): Tensor {
  const [batch, rows, width] = x.shape;
  const flat = reshape(x, [batch * rows, width]);
  return concatRows(
    g,
    Array.from({ length: batch }, (_, b) => slice(g, flat, plus(last, b * rows), 1)),
  );
}

function layer(g: Graph, w: Scope, x: Tensor, c: SemanticLmConfig, cache: { k: Tensor; v: Tensor }, start: ParamValue): Tensor {
  const width = widthOf(c);
  const norm = (name: string) => ({ w: w.get(`${name}.weight`, [c.dim]), eps: EPS });
  const part = (name: string, shape = [width, c.dim]) => w.get(`${name}_proj.weight`, shape);
  const projections = reshaped(stack([part('q'), part('k'), part('v')]), [3 * width, c.dim]);
  const qkv = linear(g, x, projections, { norm: norm('norm1') });
  const q = qkvAppend(g, qkv, cache, { heads: c.heads, theta: c.rope_theta, at: start });
  const a = attention(g, q, cache.k, cache.v, { heads: c.heads, causal: true, keys: plus(start, x.shape[1]), queryOffset: start });
  const h = linear(g, a, part('o', [c.dim, width]), { residual: x });
  const f = swiglu(g, h, part('gate', [c.ffn, c.dim]), part('up', [c.ffn, c.dim]), { norm: norm('norm2') });
  return linear(g, f, part('down', [c.dim, c.ffn]), { residual: h });
}
