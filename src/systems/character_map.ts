// The precompiled map of characters of SentencePiece models: a double-array trie (Aoe 1989; Darts-clone) from UTF-8 to places among the texts that
// stand behind it. Read as the tokenizers library does, whose ways decide the ids: graphemes under six bytes are looked up whole, and the shortest
// key that one begins with counts for all of it; longer ones, and those that are not found, go character by character.
import { MelodyError } from '../errors.ts';

const SHORT = 6; // bytes

const labelOf = (unit: number): number => unit & 0x800000ff;
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;

/** Throws `weights` for what is no base64. */
function bytesOf(base64: string, where: string): Uint8Array<ArrayBuffer> {
  let text: string;
  try {
    text = atob(base64);
  } catch (cause) {
    throw new MelodyError('weights', `${where}: the precompiled map is not base64`, undefined, { cause });
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export class CharacterMap {
  readonly #units: Uint32Array;
  readonly #texts: Uint8Array;
  readonly #graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

  /** `base64`: four bytes of length, the trie, the texts, each ended by a zero. Throws `weights`. */
  constructor(base64: string, where: string) {
    const bytes = bytesOf(base64, where);
    const length = bytes.length >= 4 ? new DataView(bytes.buffer).getUint32(0, true) : -1;
    if (length < 4 || length % 4 !== 0 || 4 + length > bytes.length)
      throw new MelodyError('weights', `${where}: the precompiled map has ${bytes.length} bytes, of which its trie would take ${length}`);
    this.#units = new Uint32Array(bytes.slice(4, 4 + length).buffer);
    this.#texts = bytes.subarray(4 + length);
  }

  normalise(text: string): string {
    const out: string[] = [];
    for (const { segment } of this.#graphemes.segment(text.replace(/\p{Cs}/gu, '\ufffd'))) {
      const bytes = new TextEncoder().encode(segment);
      const whole = bytes.length < SHORT ? this.#find(bytes) : undefined;
      if (whole !== undefined) out.push(whole);
      else for (const character of segment) out.push(this.#find(new TextEncoder().encode(character)) ?? character);
    }
    return out.join('');
  }

  /** The text of the shortest key that these bytes begin with. */
  #find(bytes: Uint8Array): string | undefined {
    const units = this.#units;
    let at = offsetOf(units[0] ?? 0);
    for (const byte of bytes) {
      if (byte === 0) return undefined; // the trie's own mark
      at ^= byte;
      const unit = units[at];
      if (unit === undefined || labelOf(unit) !== byte) return undefined;
      at ^= offsetOf(unit);
      if (hasLeaf(unit)) return this.#textAt((units[at] ?? 0) & 0x7fffffff);
    }
    return undefined;
  }

  #textAt(start: number): string {
    const end = this.#texts.indexOf(0, start);
    return new TextDecoder().decode(this.#texts.subarray(start, end < 0 ? undefined : end));
  }
}
