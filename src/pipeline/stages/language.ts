// The stage that plans: style codes and the tokens so far → more semantic tokens (docs/system.md §3, §7).

import type { Machine } from '../../engine/engine.ts';
import { type Graph, plus } from '../../graph/graph.ts';
import { elementsOf, state, type Tensor } from '../../graph/tensor.ts';
import {
  type ControlIds,
  type ControlsConfig,
  type CountedKeys,
  clockRow,
  controlSum,
  instrumentBias,
  KEY_SIGHT,
  KEY_STEP,
  type KvCache,
  keyCount,
  keyRow,
  kvCache,
  lastHidden,
  rowsOfWords,
  stylePrefix,
  tempoRow,
  timbreLogits,
  toldColumns,
  wordLogits,
} from '../../models/semantic_lm.ts';
import { joinTokens, sightWeights, timbreOf, timbreRows, wordsOf } from '../../models/timbre.ts';
import { slice } from '../../ops/gather.ts';
import { STREAM, seedWords } from '../../ops/random.ts';
import { type Sampling, sampleToken, samplingParams } from '../../ops/sample.ts';
import { countNonFinite, nonFinite } from '../../ops/watch.ts';
import type { Moment } from '../controls/clock.ts';
import type { Model, ModelConfig } from '../model.ts';

/** What the language model gets at every position: where in the bar the token that it predicts lies, key and tempo. */
export interface Guide {
  /** Beat and bar at a time of the piece, in seconds; undefined where no clock runs. */
  readonly clockAt: (seconds: number) => Moment | undefined;
  readonly tempo: number | undefined; // bpm
  readonly key: number | undefined; // tonic (0 = C) + 12 for minor
  /** What the model's classes of instruments count, by name; those that are not here count nothing. */
  readonly instruments?: Readonly<Record<string, number>> | undefined;
}

export interface LanguageRequest {
  /** RVQ codes of the style; undefined for the null prefix. */
  readonly style: readonly number[] | undefined;
  /** Style to lead away from when guidance ≠ 1; undefined for the null prefix. */
  readonly negative?: readonly number[] | undefined;
  /** logits = negative + guidance · (style − negative); 1 computes the style's alone. */
  readonly guidance: number;
  readonly sampling: Sampling;
  readonly seed: number;
  /** Models without controls pass it over. */
  readonly guide?: Guide | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onToken?: ((done: number, of: number) => void) | undefined;
}

/** Tokens between two waits for the GPU: progress and abort are felt this often. */
const TOKENS_PER_WAIT = 10;
/** Prompts are padded to whole multiples of this many tokens, so that few plans serve all lengths. */
const PROMPT_STEP = 50;

/**
 * `tokens`, the first of which is number `origin` of the piece, and what follows them up to number `target` − 1. The model sees one window;
 * behind it, its context slides by whole chunks at fixed places of the piece, so the result does not depend on how the piece is asked for
 * in parts. One window of tokens before the first new one is all that is ever read.
 */
export async function extendTokens(
  engine: Machine<Model>,
  origin: number,
  tokens: Uint32Array,
  target: number,
  request: LanguageRequest,
): Promise<Uint32Array> {
  const { config, weights } = engine.model;
  await weights.prepare(['semantic_lm'], request.signal);
  const window = config.window_seconds * config.token_rate;
  const chunk = window / config.chunks;
  const first = origin + tokens.length;
  if (first >= target) return tokens;
  const piece = new Uint32Array(target - origin);
  piece.set(tokens);
  for (const { from, length, until } of contexts(first, target, window, chunk)) {
    const context = piece.subarray(Math.max(0, from - origin), length - origin);
    const [done, start] = [length - first, length];
    const more = await engine.resilient(() =>
      continueTokens(engine, context, until - start, start, request, (n) => request.onToken?.(done + n, target - first)),
    );
    piece.set(more, length - origin);
  }
  return piece;
}

/** The parts in which tokens `first` to `target` − 1 are written: for each the context is read, tokens `from` to `length` − 1, then those up to `until` − 1 follow. */
export function* contexts(first: number, target: number, window: number, chunk: number) {
  for (let length = first; length < target; ) {
    const block = length < window ? 0 : window + Math.floor((length - window) / chunk) * chunk;
    const from = length < window ? 0 : block - (window - chunk);
    const until = Math.min(target, length < window ? window : block + chunk);
    yield { from, length, until };
    length = until;
  }
}

/** `count` tokens after a context of one window at most; `position` numbers the first in the piece. */
async function continueTokens(
  engine: Machine<Model>,
  context: Uint32Array,
  count: number,
  position: number,
  request: LanguageRequest,
  onToken: (done: number) => void,
): Promise<Uint32Array> {
  const { semantic_lm: c } = engine.model.config;
  const { signal, guidance } = request;
  const batch = guidance === 1 ? 1 : 2;
  const timbre = timbreOf(c);
  const kept = lmStates(engine, batch);
  const prefix = c.style_levels + 1;
  const rows = prefix + Math.ceil(context.length / PROMPT_STEP) * PROMPT_STEP;
  const w = engine.model.weights.at('semantic_lm');

  const draw = (g: Graph, logits: Tensor, stream: number, into: Tensor, at: ReturnType<Graph['scalar']> | number) => {
    countNonFinite(g, logits, kept.counts, 0);
    const s = (name: string) => g.scalar(name);
    sampleToken(g, logits, {
      guidance: logits.shape[0] === 1 ? undefined : { of: s('guidance'), rest: s('rest') },
      topK: s('topK'),
      topP: s('topP'),
      rate: s('rate'),
      seed: [s('low'), s('high')],
      position: s('position'),
      stream,
      into,
      at,
    });
  };
  /** The next word, and the timbre word of the block that it begins, if it begins one; that one without guidance, which narrows it too much. */
  const speak = (g: Graph, h: Tensor, at: ReturnType<Graph['scalar']> | number, begins: boolean) => {
    if (begins && kept.timbre) {
      const sight = { words: kept.timbre, weights: g.input('sight', [1, elementsOf(kept.timbre.shape)]) };
      draw(g, timbreLogits(g, w, slice(g, h, 0, 1), c, sight, kept.timbreBias), STREAM.timbre, kept.timbre, g.scalar('block'));
    }
    draw(g, wordLogits(g, w, h, c, kept.bias), STREAM.tokens, kept.out, at);
  };
  // Blocks are counted in the piece; `blockOf` counts those in sight, the context's first.
  const blockOf = (at: number) =>
    timbre ? Math.floor((position + at) / timbre.frames) - Math.floor((position - context.length) / timbre.frames) : 0;
  const begins = (at: number) => timbre !== undefined && (position + at) % timbre.frames === 0;
  const tell = (g: Graph) => {
    if (!kept.bias) return;
    const told = g.input('instruments', [batch, toldColumns(c).length]);
    instrumentBias(g, w, told, c, { into: kept.bias });
    if (kept.timbreBias) instrumentBias(g, w, slice(g, told, 0, 1), c, { into: kept.timbreBias, timbre: true });
  };
  const prefill = await engine.plan(
    `lm prefill ${batch} x ${rows}${begins(0) ? ' with timbre' : ''}`,
    (g) => {
      const ids = g.input('ids', [batch, rows], 'u32');
      const controls = kept.next && controlSum(g, w, guideIds(g, 'prompt', [batch, rows]), c);
      if (kept.next) controlSum(g, w, guideIds(g, 'next', kept.next.shape.slice(0, 2)), c, { into: kept.next });
      tell(g);
      speak(g, lastHidden(g, w, ids, c, { cache: kept.cache, start: 0, last: g.scalar('last'), controls }), 0, begins(0));
    },
    signal,
  );
  const decodeOf = (begins: boolean) =>
    engine.plan(
      `lm decode ${batch}${begins ? ' with timbre' : ''}`,
      (g) => {
        const at = g.scalar('at');
        const options = { cache: kept.cache, start: g.scalar('start'), controls: kept.next, one: { batch, first: plus(at, -1), at } };
        speak(g, lastHidden(g, w, kept.out, c, options), at, begins);
      },
      signal,
    );
  const decode = await decodeOf(false);
  const decodeFirst = timbre && (await decodeOf(true));

  const ids = new Uint32Array(batch * rows);
  for (const [b, style] of [request.style, request.negative].slice(0, batch).entries()) {
    ids.set(stylePrefix(c, style), b * rows);
    ids.set(wordsOf(context, c), b * rows + prefix);
  }
  const [low, high] = seedWords(request.seed);
  const common = { ...samplingParams(request.sampling), low, high, ...(batch === 2 && { guidance, rest: 1 - guidance }) };
  engine.residents.clear(kept.counts);
  const controls =
    c.controls && controlInputs(c.controls, { position, before: context.length, rows, batch }, request.guide, engine.model.config);
  const { key = -1, instruments: band } = request.guide ?? {};
  const need = key < 0 ? undefined : c.controls?.counted_keys;
  const spoken = typeof need === 'object' && {
    rows: await engine.plan('lm key', (g) => g.output('rows', rowsOfWords(g, w, g.input('words', [KEY_SIGHT], 'u32'), c)), signal),
    tell: await engine.plan(`lm told ${batch}`, tell, signal),
  };
  /** What the key counts, by the words up to a place of the piece that does not depend on how the piece is asked for in parts. */
  const countAt = async (at: number): Promise<number> => {
    const known = context.length + at - ((position + at) % KEY_STEP);
    if (!spoken || known < KEY_STEP) return 1;
    const words = [...wordsOf(context, c), ...(at ? new Uint32Array(await engine.residents.read(kept.out)).subarray(0, at) : [])];
    const sight = words.slice(Math.max(0, known - KEY_SIGHT), known);
    spoken.rows.run({}, { words: Uint32Array.from({ length: KEY_SIGHT }, (_, i) => sight[i] ?? 0) });
    return keyCount(need as CountedKeys, key, await spoken.rows.read('rows'), sight.length);
  };
  // Both branches of guidance gain the same, so that it stands in the logits once, whatever the guidance.
  const toldOf = (share: number) => ({
    instruments: Float32Array.from(Array.from({ length: batch }, () => toldColumns(c, key, band, share)).flat()),
  });
  let counted = await countAt(0);
  const instruments = kept.bias && toldOf(counted);
  // The rows of the blocks in sight; timbre.words where one is not known, which is no row of the head's table and counts for nothing.
  const before: number[] = [];
  for (const [i, row] of timbreRows(context, c).entries()) before[blockOf(i - context.length)] = row;
  if (kept.timbre && timbre) {
    const heard = new Uint32Array(elementsOf(kept.timbre.shape));
    heard.set(before.map((row) => row % timbre.words));
    engine.residents.write(kept.timbre, heard);
  }
  /** What the plan of a token that begins a block is told besides: where its timbre word goes, and what those before it count. */
  const drawn = (at: number) => {
    if (!timbre || !kept.timbre || !begins(at)) return {};
    const block = blockOf(at);
    const known = Array.from({ length: block }, (_, i) => before[i] !== timbre.words);
    return { numbers: { block }, inputs: { sight: sightWeights(known, elementsOf(kept.timbre.shape)) } };
  };
  const first = drawn(0);
  prefill.run(
    { ...common, position, last: prefix + context.length - 1, ...first.numbers },
    { ids, ...controls, ...instruments, ...first.inputs },
  );
  for (let at = 1; at < count; at++) {
    if (spoken && (position + at) % KEY_STEP === 0) {
      const now = await countAt(at);
      if (now !== counted) spoken.tell.run({}, toldOf(now));
      counted = now;
    }
    const plan = begins(at) ? (decodeFirst as typeof decode) : decode;
    const { numbers, inputs } = drawn(at);
    plan.run({ ...common, position: position + at, at, start: prefix + context.length + at - 1, ...numbers }, inputs);
    if (at % TOKENS_PER_WAIT === 0) {
      await engine.settle(signal);
      onToken(at);
    }
  }
  await engine.settle(signal);
  const [bad = 0] = new Uint32Array(await engine.residents.read(kept.counts));
  if (bad > 0) throw nonFinite('the logits of the semantic language model');
  onToken(count);
  const words = new Uint32Array(await engine.residents.read(kept.out)).slice(0, count);
  if (!kept.timbre) return words;
  const blocks = new Uint32Array(await engine.residents.read(kept.timbre));
  blocks.set(before);
  return joinTokens(
    words,
    words.map((_, at) => blocks[blockOf(at)] ?? 0),
    c,
  );
}

/** Clock, key and tempo of the prompt's and the coming tokens, for the inputs 'prompt …' [B, rows] and 'next …' [window, B] of a prefill. */
function controlInputs(
  c: ControlsConfig,
  { position, before, rows, batch }: { position: number; before: number; rows: number; batch: number },
  guide: Guide | undefined,
  { semantic_lm, token_rate, window_seconds }: ModelConfig,
) {
  const branches = Array.from({ length: batch }, (_, b) => b);
  const first = position - before - semantic_lm.style_levels; // what the row of BOS would predict
  const prompt = branches.flatMap((branch) =>
    Array.from({ length: rows }, (_, p) => ({ token: p < semantic_lm.style_levels ? undefined : first + p, branch })),
  );
  const next = Array.from({ length: window_seconds * token_rate }, (_, at) => branches.map((branch) => ({ token: position + at, branch })));
  return { ...guideInputs('prompt', prompt, c, guide, token_rate), ...guideInputs('next', next.flat(), c, guide, token_rate) };
}

interface LmStates {
  readonly cache: KvCache;
  readonly out: Tensor; // u32 [window]: the tokens of one round
  readonly counts: Tensor;
  /** The timbre words of the blocks in sight, u32, the context's first; undefined for models without them. */
  readonly timbre: Tensor | undefined;
  /** Controls of each token of a round, [window, B, dim]; undefined for models without controls. */
  readonly next: Tensor | undefined;
  /** What asked instruments add to the logits, [B, words]; undefined for models that have no table of it. */
  readonly bias: Tensor | undefined;
  /** And to those of timbre words, [1, timbre_words]. */
  readonly timbreBias: Tensor | undefined;
}

function lmStates(engine: Machine<Model>, batch: number): LmStates {
  const { config } = engine.model;
  const window = config.window_seconds * config.token_rate;
  const capacity = config.semantic_lm.style_levels + 1 + window + PROMPT_STEP;
  const timbre = timbreOf(config.semantic_lm);
  return engine.keep(`lm ${batch}`, () => ({
    cache: kvCache(config.semantic_lm, batch, capacity),
    out: state('tokens', [window], 'u32'),
    counts: state('non_finite', [1], 'u32'),
    timbre: timbre && state('timbre', [Math.ceil(window / timbre.frames) + 1], 'u32'),
    next: config.semantic_lm.controls && state('controls', [window, batch, config.semantic_lm.dim]),
    bias: config.semantic_lm.controls?.instruments && state('instruments', [batch, config.semantic_lm.words]),
    timbreBias: config.semantic_lm.controls?.instruments && timbre && state('timbre instruments', [1, timbre.words]),
  }));
}

/** A position: the token of the piece that it predicts, none within the style prefix; and the branch of guidance, 0 for the style's own. */
interface Place {
  readonly token: number | undefined;
  readonly branch: number;
}

/** Inputs of a graph for the rows of `shape` positions; `guideInputs` of the same name fills them. */
function guideIds(g: Graph, name: string, shape: readonly number[]): ControlIds {
  const rows = (what: string) => g.input(`${name} ${what}`, shape, 'u32');
  return { clock: rows('clock'), key: rows('key'), tempo: rows('tempo') };
}

/** Without a guide no clock, key or tempo is known. Both branches of guidance get clock and tempo: guidance leads towards the key alone. */
export function guideInputs(name: string, places: readonly Place[], c: ControlsConfig, guide: Guide | undefined, tokenRate: number) {
  const momentOf = (token: number | undefined) => (token === undefined ? undefined : guide?.clockAt((token + 0.5) / tokenRate));
  return {
    [`${name} clock`]: Uint32Array.from(places, ({ token }) => clockRow(c, momentOf(token))),
    [`${name} key`]: Uint32Array.from(places, ({ branch }) => keyRow(c, branch === 0 ? guide?.key : undefined)),
    [`${name} tempo`]: new Uint32Array(places.length).fill(tempoRow(c, guide?.tempo)),
  };
}
