// Timbre words: beside the word of every token, which says chord and beat, one word a block of tokens that says how the band sounds (docs/system.md §3).
//
// On the host both are one number, so that whatever cuts, joins and turns tokens need not know of them:
//   token = word + words · (1 + timbre word), or the word alone where its timbre is not known.
// Tables of the networks have one row a timbre word and a last one for none.

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
