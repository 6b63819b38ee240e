// Timbre words: beside the word of every token, which says chord and beat, one word a block of tokens that says how the band sounds (docs/system.md §3).
//
// On the host both are one number, so that whatever cuts, joins and turns tokens need not know of them:
//   token = word + words · (1 + timbre word), or the word alone where its timbre is not known.
// The diffusion's table has one row a timbre word and a last one for none.

/** Fields of the parts of a model that read or make tokens. */
export interface TimbreConfig {
  readonly words: number;
  /** Absent: the model has no timbre words. */
  readonly timbre_words?: number;
  /** Tokens that share one timbre word; blocks are counted from the first token of a piece. */
  readonly timbre_frames?: number;
}

/** The model's timbre words; undefined where it has none. */
export function timbreOf({ timbre_words, timbre_frames }: TimbreConfig): { words: number; frames: number } | undefined {
  return timbre_words && timbre_frames ? { words: timbre_words, frames: timbre_frames } : undefined;
}

/** Tokens → their words. */
export const wordsOf = (tokens: Uint32Array, c: TimbreConfig): Uint32Array => tokens.map((token) => token % c.words);

/** Tokens → rows of a table of timbre words. */
export const timbreRows = (tokens: Uint32Array, c: TimbreConfig): Uint32Array =>
  tokens.map((token) => (token < c.words ? (c.timbre_words ?? 0) : Math.floor(token / c.words) - 1));

/** Words, and of each the row of its timbre word → tokens. */
export const joinTokens = (words: Uint32Array, rows: Uint32Array, c: TimbreConfig): Uint32Array =>
  words.map((word, i) => (rows[i] === c.timbre_words ? word : word + c.words * (1 + rows[i])));

const LAST_BLOCK = 0.35;

/**
 * What each block in sight counts for the head that draws the next one's timbre word: the last one 0.35 more than the others, which share the
 * rest; one whose timbre word is not `known` counts for nothing. f32 [size], 0 behind them.
 */
export function sightWeights(known: readonly boolean[], size: number): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(size);
  const share = (1 - LAST_BLOCK) / Math.max(1, known.filter(Boolean).length);
  for (const [block, told] of known.entries()) if (told) weights[block] = share + (block === known.length - 1 ? LAST_BLOCK : 0);
  return weights;
}
