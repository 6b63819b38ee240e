// The form of a long piece: its opening, the theme, comes back (A B C D A ...). A language model that sees ten seconds drifts away from what
// it began with; each return sets it on its way anew from there.
import type { Controls } from './controls/controls.ts';
import type { ModelConfig } from './model.ts';
import type { Recipe } from './options.ts';

/** Bars come in groups of so many; a theme is whole groups. */
const BARS = 4;
/** A theme lasts at least so long, and so does the last return. */
const THEME_SECONDS = 10;
/** From one beginning of the theme to the next, in themes. */
const PERIOD = 4;

/** Time of one style, in tokens. */
export interface Measures {
  /** The first token of the style. */
  readonly start: number;
  /** Four bars. */
  readonly group: number;
  /** The opening that comes back: whole groups. */
  readonly theme: number;
  /** The language model goes on at multiples of so many tokens alone (stages/language.ts): so returns end there. */
  readonly grid: number;
  /** Where the last return begins, counted from `start`: Infinity in an endless piece, undefined in one too short for any. */
  readonly last: number | undefined;
}

/** The measures of a style from token `start` on; undefined where no tempo is known. `end`: the token that ends the piece, if one does. */
export function measuresOf(
  start: number,
  controls: Controls | undefined,
  end: number | undefined,
  config: ModelConfig,
): Measures | undefined {
  const { token_rate, window_seconds, chunks } = config;
  const { tempo, beatsPerBar = 0 } = controls ?? {};
  if (!tempo) return undefined;
  const group = (BARS * 60 * beatsPerBar * token_rate) / tempo;
  const shortest = THEME_SECONDS * token_rate;
  const theme = Math.ceil(shortest / group - 1e-9) * group;
  const last = end === undefined ? Infinity : Math.floor((end - start - shortest) / group + 1e-9) * group;
  return { start, group, theme, grid: (window_seconds * token_rate) / chunks, last: last < 2 * theme ? undefined : last };
}

/** What comes at some token of the piece. */
export interface Section {
  /** The token after its last one. */
  readonly until: number;
  /** The token whose word comes back here, then those that follow it; absent where the language model draws. */
  readonly from?: number;
}

/** The section at `token`. It follows from the place alone, however a piece is asked for in parts. */
export function sectionAt(token: number, { start, theme, grid, last }: Measures): Section {
  if (last === undefined) return { until: Infinity };
  for (let at = PERIOD * theme; ; at += PERIOD * theme) {
    const closes = at + theme > last;
    const first = Math.round(start + (closes ? last : at));
    if (token < first) return { until: first };
    const until = closes ? Infinity : Math.min(Math.ceil((start + at + theme) / grid) * grid, Math.round(start + last));
    if (token < until) return { until, from: start + token - first };
  }
}

/** Extends the tokens of a piece section by section. */
export class Form {
  readonly #config: ModelConfig;
  readonly #recipe: Recipe;
  #measures: Measures | undefined;
  #opening = new Uint32Array(0); // of the style, as far as it may come back

  constructor(recipe: Recipe, config: ModelConfig) {
    this.#recipe = recipe;
    this.#config = config;
  }

  /** From this token on, of a piece without given audio, the music has another style, and a new opening. */
  begin(token: number, controls: Controls | undefined): void {
    const { form, loop, inpaint, durationSeconds, wholeWindows } = this.#recipe;
    const end = wholeWindows || !durationSeconds ? undefined : durationSeconds * this.#config.token_rate;
    this.#measures = form === 'rondo' && !loop && !inpaint ? measuresOf(token, controls, end, this.#config) : undefined;
    this.#opening = new Uint32Array(0);
  }

  /** `tokens`, the first of which is number `origin` of the piece, up to `target`; `draw` extends them up to some token before. */
  async extend(
    tokens: Uint32Array,
    origin: number,
    target: number,
    draw: (tokens: Uint32Array, until: number) => Promise<Uint32Array>,
  ): Promise<Uint32Array> {
    const measures = this.#measures;
    if (!measures) return draw(tokens, target);
    let piece = tokens;
    for (let at = origin + piece.length; at < target; at = origin + piece.length) {
      this.keep(piece, origin);
      const { until, from } = sectionAt(at, measures);
      const end = Math.min(until, target);
      const back = (from ?? 0) - measures.start;
      piece = from === undefined ? await draw(piece, end) : joined(piece, this.#opening.subarray(back, back + end - at));
    }
    return piece;
  }

  /** Of these tokens, what may come back. */
  keep(tokens: Uint32Array, origin: number): void {
    if (!this.#measures) return;
    const { start, group, theme, grid } = this.#measures;
    const from = start + this.#opening.length - origin;
    const until = Math.ceil(start + theme + group + grid) + 1 - origin; // a last return, with the rest of its chunk
    if (from < until) this.#opening = joined(this.#opening, tokens.subarray(Math.max(0, from), Math.max(0, until)));
  }
}

const joined = (a: Uint32Array, b: Uint32Array) => Uint32Array.from([...a, ...b]);
