// Prompt text → token ids, as tools/train/melody_train/tokenizer.py: lower case, words, the nearest that are known, greedy longest pieces.
import { MelodyError } from '../../errors.ts';
import { readWords } from '../controls/control_words.ts';
import { Synonyms } from '../controls/nearest_words.ts';

const UNKNOWN = 1;
const MAX_PROMPT = 65536; // characters; more than a prompt, less than an accident costs

export interface Encoded {
  readonly ids: Uint32Array;
  /** How many ids after `max_tokens` were cut off. */
  readonly dropped: number;
  /** Words that the model never saw, with none near that it knows. */
  readonly unknown: readonly string[];
  /** No word in it is known, but signs at most: the music follows nothing. */
  readonly silent: boolean;
}

export class Tokenizer {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #longest: number; // letters of the longest piece: no word costs more than its length times this
  readonly maxTokens: number;
  /** Absent: every word is read as it is spelled. */
  readonly #synonyms: Synonyms | undefined;

  /** Throws `weights` unless `file` is a tokenizer.json of type melody_wordpiece. */
  constructor(file: unknown, name = 'tokenizer.json') {
    const { type, vocab, max_tokens, normalization, lowercase, synonyms } = (file ?? {}) as Record<string, unknown>;
    const bad = (what: string) => new MelodyError('weights', `${name}: ${what}`, 'fetch or export the model again');
    if (type !== 'melody_wordpiece' || normalization !== 'NFC' || lowercase !== true)
      throw bad(
        `got type ${JSON.stringify(type)}, normalization ${JSON.stringify(normalization)}, lowercase ${JSON.stringify(lowercase)}, expected "melody_wordpiece", "NFC", true`,
      );
    if (!Array.isArray(vocab) || vocab.length < 2 || !vocab.every((piece) => typeof piece === 'string'))
      throw bad('vocab must be a list of at least two texts');
    if (!Number.isInteger(max_tokens) || (max_tokens as number) < 1)
      throw bad(`max_tokens must be a whole number over 0; got ${JSON.stringify(max_tokens)}`);
    this.#ids = new Map((vocab as string[]).map((piece, id) => [piece, id]));
    if (this.#ids.size !== vocab.length) throw bad('vocab has a piece twice');
    this.#longest = (vocab as string[]).reduce((most, piece) => Math.max(most, [...piece.replace(/^##/, '')].length), 1);
    this.maxTokens = max_tokens as number;
    if (synonyms === undefined) return;
    const isTable =
      synonyms instanceof Object && !Array.isArray(synonyms) && Object.values(synonyms).every((words) => typeof words === 'string');
    if (!isTable) throw bad('synonyms: expected texts');
    this.#synonyms = new Synonyms(synonyms as Record<string, string>);
  }

  get size(): number {
    return this.#ids.size;
  }

  /** At least one id. Throws `invalid_argument` for prompts that are not text, hold no word, or are over 64 Ki characters; `what` names it. */
  encode(text: string, what = 'the prompt'): Encoded {
    if (typeof text !== 'string') throw new MelodyError('invalid_argument', `a prompt must be text; got ${typeof text}`);
    if (text.length > MAX_PROMPT)
      throw new MelodyError(
        'invalid_argument',
        `a prompt may have ${MAX_PROMPT} characters; got ${text.length}`,
        'describe the music in a sentence or two',
      );
    const { words, unknown } = this.read(text);
    if (words.length === 0)
      throw new MelodyError('invalid_argument', `${what} holds no word`, 'describe the music, for example "calm piano, 80 bpm"');
    const ids = words.flatMap((word) => this.#pieces(word));
    return {
      ids: Uint32Array.from(ids.slice(0, this.maxTokens)),
      dropped: Math.max(0, ids.length - this.maxTokens),
      unknown,
      silent: !words.some((word) => this.#ids.has(word) && /[\p{L}\p{N}]/u.test(word)),
    };
  }

  /** Words as the model is given them, and those of the text that it does not know. */
  read(text: string): { readonly words: string[]; readonly unknown: string[] } {
    const known = (word: string) => this.#ids.has(word);
    if (this.#synonyms) return this.#synonyms.nearest(splitWords(readWords(text).text), known);
    const words = splitWords(text);
    return { words, unknown: words.filter((word) => !known(word)) };
  }

  #pieces(word: string): number[] {
    const whole = this.#ids.get(word);
    if (whole !== undefined) return [whole];
    const letters = [...word];
    const out: number[] = [];
    for (let start = 0; start < letters.length; ) {
      let end = Math.min(letters.length, start + this.#longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = this.#ids.get((start ? '##' : '') + letters.slice(start, end).join(''));
        if (id !== undefined) break;
      }
      if (id === undefined) return [UNKNOWN];
      out.push(id);
      start = end;
    }
    return out;
  }
}

/** Maximal runs of letters and marks, maximal runs of decimal digits, and every other visible character alone. */
export function splitWords(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}]+|\p{Nd}+|[^\p{L}\p{M}\p{Nd}\p{Z}\p{C}]/gu) ?? []
  );
}
