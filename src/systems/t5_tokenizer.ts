// Words to ids as T5 has them, from tokenizer.json: SentencePiece's unigram model (Kudo 2018, arXiv 1804.10959) as the tokenizers library runs it.
//
//   text ─precompiled map─ normal form ─split at white space─ "▁" + word ─Viterbi over the pieces' scores─ ids, and </s> after them
//
// Text that looks like a special token ("</s>", "<extra_id_0>") is text here: those pieces are not looked for.
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { CONFIG_FILE, readSmall } from '../weights/config.ts';
import { printable } from '../weights/printable.ts';
import { CharacterMap } from './character_map.ts';

const SPACE = '▁';
/** The score of an unknown character lies so far below the least of the pieces. */
const UNKNOWN_PENALTY = 10;

interface File {
  readonly model?: { readonly type?: unknown; readonly unk_id?: unknown; readonly byte_fallback?: unknown; readonly vocab?: unknown };
  readonly normalizer?: unknown;
  readonly added_tokens?: unknown;
}

export class T5Tokenizer {
  readonly size: number;
  readonly #ids = new Map<string, number>();
  readonly #scores: Float64Array;
  readonly #longest: number; // of the pieces, in UTF-16 units
  readonly #unknown: number;
  readonly #unknownScore: number;
  readonly #map: CharacterMap | undefined;
  readonly #end: number;

  /** Throws `weights` for a tokenizer of another kind. */
  constructor(json: unknown, where: string) {
    const { model, normalizer, added_tokens } = (typeof json === 'object' && json !== null ? json : {}) as File;
    const bad = (what: string) => new MelodyError('weights', `${where}: ${what}`, 'this model needs the unigram tokenizer.json of T5');
    if (model?.type !== 'Unigram' || !Array.isArray(model.vocab)) throw bad(`the model is ${shown(model?.type)}, expected "Unigram"`);
    if (model.byte_fallback === true) throw bad('byte_fallback is true, expected false');
    const { vocab, unk_id } = model;
    if (!Number.isInteger(unk_id) || (unk_id as number) < 0 || (unk_id as number) >= vocab.length)
      throw bad(`unk_id is ${shown(unk_id)}, expected one of ${vocab.length} pieces`);
    const special = new Set((Array.isArray(added_tokens) ? added_tokens : []).map((token: { content?: unknown }) => token?.content));
    this.size = vocab.length;
    this.#scores = new Float64Array(vocab.length);
    let [least, longest, end] = [Infinity, 1, -1];
    for (const [id, entry] of vocab.entries()) {
      const [piece, score] = Array.isArray(entry) ? entry : [];
      if (typeof piece !== 'string' || typeof score !== 'number' || !Number.isFinite(score))
        throw bad(`piece ${id} is ${shown(entry)}, expected a text and its score`);
      this.#scores[id] = score;
      least = Math.min(least, score);
      if (piece === '</s>') end = id;
      if (special.has(piece) || id === unk_id) continue;
      if (!this.#ids.has(piece)) this.#ids.set(piece, id);
      longest = Math.max(longest, piece.length);
    }
    if (end < 0) throw bad('there is no piece "</s>"');
    this.#longest = longest;
    this.#end = end;
    this.#unknown = unk_id as number;
    this.#unknownScore = least - UNKNOWN_PENALTY;
    const map = precompiledOf(normalizer, where);
    this.#map = map === undefined ? undefined : new CharacterMap(map, where);
  }

  /** Ids of a text, the last of them </s>; and the parts of it that the vocabulary does not know. */
  encode(text: string): { ids: number[]; unknown: string[] } {
    const ids: number[] = [];
    const unknown: string[] = [];
    const normal = this.#map ? this.#map.normalise(text) : text.normalize('NFKC');
    for (const word of normal.split(/\p{White_Space}+/u))
      if (word !== '') for (const part of partsOf(word.startsWith(SPACE) ? word : SPACE + word)) this.#best(part, ids, unknown);
    ids.push(this.#end);
    return { ids, unknown };
  }

  /** The likeliest way to cut a word into pieces; unknown characters that follow each other are one. */
  #best(word: string, ids: number[], unknown: string[]): void {
    const ways: { score: number; start: number; id: number }[] = Array.from({ length: word.length + 1 }, (_, end) => ({
      score: end === 0 ? 0 : -Infinity,
      start: 0,
      id: 0,
    }));
    const wayTo = (end: number) => ways[end] as (typeof ways)[0];
    for (let at = 0; at < word.length; at += widthAt(word, at)) {
      const width = widthAt(word, at);
      let single = false;
      const reach = (end: number, more: number, id: number) => {
        const score = wayTo(at).score + more;
        if (score > wayTo(end).score) ways[end] = { score, start: at, id }; // of equal ways the one with the longer first piece: the earlier
      };
      for (let end = at + width; end <= word.length && end - at <= this.#longest; end += widthAt(word, end)) {
        const id = this.#ids.get(word.slice(at, end));
        if (id !== undefined) {
          reach(end, this.#scores[id] ?? 0, id);
          single ||= end === at + width;
        }
        if (end === word.length) break;
      }
      if (!single) reach(at + width, this.#unknownScore, this.#unknown);
    }
    const found: { id: number; start: number; end: number }[] = [];
    for (let end = word.length; end > 0; end = wayTo(end).start) {
      const { id, start } = wayTo(end);
      const next = found.at(-1);
      if (next && id === this.#unknown && next.id === this.#unknown) next.start = start;
      else found.push({ id, start, end });
    }
    for (const { id, start, end } of found.reverse()) {
      ids.push(id);
      if (id === this.#unknown) unknown.push(word.slice(start, end));
    }
  }
}

/** UTF-16 units of the character at a place. */
const widthAt = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);

/** A word cut before each "▁". */
const partsOf = (word: string): string[] => word.split(/(?=▁)/u);

/**
 * The base64 of a Precompiled normaliser, alone or in a sequence with replacements of spaces, which white space that is split at makes none of.
 * Throws `weights` for others, which would give other ids.
 */
function precompiledOf(normalizer: unknown, where: string, depth = MAX_NORMALIZER_DEPTH): string | undefined {
  if (normalizer === null || normalizer === undefined) return undefined;
  const { type, precompiled_charsmap, normalizers, content } = normalizer as { [field: string]: unknown };
  if (type === 'Precompiled' && typeof precompiled_charsmap === 'string') return precompiled_charsmap;
  if (type === 'Sequence' && Array.isArray(normalizers) && depth > 0)
    return normalizers.map((part) => precompiledOf(part, where, depth - 1)).find((map) => map !== undefined);
  if (type === 'Replace' && (content === '' || content === ' ' || content === SPACE)) return undefined;
  throw new MelodyError(
    'weights',
    `${where}: the normalizer is ${shown(type)}, expected "Precompiled"`,
    'this model needs the tokenizer of T5',
  );
}

/** Sequences in sequences: tokenizers that are in use have one. */
const MAX_NORMALIZER_DEPTH = 4;
const MAX_TOKENIZER_BYTES = 16 * 1024 * 1024;

/** A value in a message; what is nested too deep to be written out is said to be that. */
function shown(value: unknown): string {
  try {
    return printable(String(JSON.stringify(value)).slice(0, 60));
  } catch {
    return 'nested too deep';
  }
}

/** tokenizer.json of a folder, for a text encoder of so many words. Throws `weights`, `io`. */
export async function openTokenizer(folder: ByteFolder, words: number, signal?: AbortSignal): Promise<T5Tokenizer> {
  const source = await folder.open('tokenizer.json', signal);
  if (!source)
    throw new MelodyError(
      'weights',
      `${folder.name}: no tokenizer.json`,
      "fetch it too: transformers' AutoTokenizer saves one of spiece.model",
    );
  const bytes = await readSmall(source, MAX_TOKENIZER_BYTES, signal);
  const tokenizer = readTokenizer(bytes, source.name);
  if (tokenizer.size > words)
    throw new MelodyError(
      'weights',
      `${source.name}: ${tokenizer.size} pieces, of which ${CONFIG_FILE} knows ${words}`,
      'the tokenizer is of another model: fetch both again',
    );
  return tokenizer;
}

/** The text of a tokenizer.json. Throws `weights`. */
export function readTokenizer(bytes: Uint8Array, where: string): T5Tokenizer {
  return new T5Tokenizer(parsed(bytes, where), where);
}

function parsed(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MelodyError('weights', `${where}: not JSON: ${(cause as Error).message}`, 'fetch or export the model again');
  }
}
