// A strict JSON scanner for files that strangers made. JSON.parse keeps the last of two equal keys, rounds 2^53 + 1, turns
// `1.0` into an integer, keeps lone surrogates and recurses without a bound; each of these lets two readers see two files.
import { MelodyError } from '../errors.ts';
import { printable } from './printable.ts';

/** A JSON document; objects have no prototype, so `__proto__` is a key like any other. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;
const NUMBER_GOES_ON = /[.eE]/;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LITERALS: readonly (readonly [string, null | boolean])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

/** What to do about a file that is not what it should be. */
export const AGAIN = 'fetch or export the file again';

/** Reads one document from left to right; the caller says what it expects next, and anything else is a `weights` error. */
export class JsonScanner {
  #at = 0;
  /** Name of the tensor being read; error messages lead with it. */
  tensor = '';
  readonly #text: string;
  readonly #where: string;

  /** `where` (file, part) starts every error message. */
  constructor(bytes: Uint8Array, where: string) {
    this.#where = where;
    try {
      this.#text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new MelodyError('weights', `${where}: the JSON text is not valid UTF-8`, AGAIN);
    }
    if (this.#text.charCodeAt(0) === 0xfeff) this.fail('the JSON text starts with a byte order mark');
  }

  /** Throws `where: tensor: problem, at character n`. */
  fail(problem: string): never {
    const tensor = this.tensor && `tensor "${printable(this.tensor)}": `;
    throw new MelodyError('weights', `${this.#where}: ${tensor}${problem}, at character ${this.#at}`, AGAIN);
  }

  /** `{"key": …, …}`; `visit` must read the value of each key. Keys are compared after unescaping: twice is an error. */
  object(what: string, visit: (key: string) => void): void {
    this.#open('{', what);
    if (this.#skip('}')) return;
    const seen = new Keys();
    do {
      const key = this.string('a key');
      if (!seen.add(key)) this.fail(`duplicate key "${printable(key)}" in ${what}`);
      if (!this.#skip(':')) this.fail(`expected ":" after key "${printable(key)}"; got ${this.#got()}`);
      visit(key);
    } while (this.#skip(','));
    if (!this.#skip('}')) this.fail(`expected "," or "}" in ${what}; got ${this.#got()}`);
  }

  /** `[…, …]`; `visit` must read each item. */
  array(what: string, visit: () => void): void {
    this.#open('[', what);
    if (this.#skip(']')) return;
    do visit();
    while (this.#skip(','));
    if (!this.#skip(']')) this.fail(`expected "," or "]" in ${what}; got ${this.#got()}`);
  }

  string(what: string): string {
    this.#space();
    const text = this.#text;
    if (text.charCodeAt(this.#at) !== QUOTE) this.fail(`expected ${what} as a string; got ${this.#got()}`);
    const start = this.#at + 1;
    let end = start;
    for (let c = text.charCodeAt(end); c !== QUOTE; c = text.charCodeAt(++end)) {
      if (c === BACKSLASH) return this.#escapedString(start);
      if (!(c >= 0x20)) this.fail(c < 0x20 ? 'raw control character in a string' : 'the text ends inside a string');
    }
    this.#at = end + 1;
    return text.slice(start, end);
  }

  /** A whole number in [0, max], written in plain digits: no sign, fraction or exponent. `max` has at most 15 digits. */
  integer(what: string, max: number): number {
    this.#space();
    const text = this.#text;
    let end = this.#at;
    let value = 0;
    for (let c = text.charCodeAt(end); c >= ZERO && c <= NINE; c = text.charCodeAt(++end)) value = value * 10 + (c - ZERO);
    const digits = end - this.#at;
    if (digits === 0 || (digits > 1 && text.charCodeAt(this.#at) === ZERO) || NUMBER_GOES_ON.test(text.charAt(end))) {
      this.fail(`expected ${what} as a whole number of plain digits; got ${this.#got()}`);
    }
    if (digits > 15 || value > max) {
      this.fail(`${what} is out of range; got ${text.slice(this.#at, Math.min(end, this.#at + 40))}, expected at most ${max}`);
    }
    this.#at = end;
    return value;
  }

  /** Any value, nested at most `depth` deep. Whole numbers must be exact as a double, others finite. */
  value(what: string, depth: number): JsonValue {
    this.#space();
    const c = this.#text[this.#at];
    if ((c === '{' || c === '[') && depth === 0) this.fail(`${what} is nested too deep`);
    if (c === '{') {
      const object: JsonObject = Object.create(null);
      this.object(what, (key) => {
        object[key] = this.value(what, depth - 1);
      });
      return object;
    }
    if (c === '[') {
      const list: JsonValue[] = [];
      this.array(what, () => list.push(this.value(what, depth - 1)));
      return list;
    }
    if (c === '"') return this.string(what);
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#numberValue(what);
  }

  /** Only white space may follow. */
  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.fail(`expected the end of the JSON text; got ${this.#got()}`);
  }

  #open(bracket: string, what: string): void {
    if (!this.#skip(bracket)) this.fail(`expected ${what} as "${bracket}"; got ${this.#got()}`);
  }

  #space(): void {
    for (let c = this.#text.charCodeAt(this.#at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; ) {
      c = this.#text.charCodeAt(++this.#at);
    }
  }

  #skip(mark: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #got(): string {
    return this.#at < this.#text.length ? `"${printable(this.#text.slice(this.#at, this.#at + 12))}"` : 'the end of the text';
  }

  #number(): string {
    NUMBER.lastIndex = this.#at;
    return NUMBER.exec(this.#text)?.[0] ?? '';
  }

  #numberValue(what: string): number {
    const token = this.#number();
    if (!token) this.fail(`expected ${what} as a JSON value; got ${this.#got()}`);
    const value = Number(token);
    const exact = /[.eE]/.test(token) ? Number.isFinite(value) : Number.isSafeInteger(value);
    if (!exact) this.fail(`number ${token.slice(0, 40)} in ${what} cannot be held exactly`);
    this.#at += token.length;
    return value;
  }

  /** A string with escapes. One string literal is safe to give to JSON.parse, but for escapes of lone surrogates, refused here. */
  #escapedString(start: number): string {
    const text = this.#text;
    let end = start;
    for (let c = text.charCodeAt(end); c !== QUOTE; c = text.charCodeAt(++end)) {
      if (Number.isNaN(c)) this.fail('the text ends inside a string');
      if (c === BACKSLASH) end++;
    }
    let value: string;
    try {
      value = JSON.parse(text.slice(start - 1, end + 1));
    } catch {
      this.fail('unknown escape or raw control character in a string');
    }
    if (/\p{Cs}/u.test(value)) this.fail('lone surrogate escape in a string');
    this.#at = end + 1;
    return value;
  }
}

/** The keys of one object so far: a list while they are few, since most objects are small. */
class Keys {
  #few: string[] = [];
  #many: Set<string> | undefined;

  /** False if the key is there already. */
  add(key: string): boolean {
    if (this.#many ? this.#many.has(key) : this.#few.includes(key)) return false;
    if (this.#many) this.#many.add(key);
    else if (this.#few.push(key) === 16) this.#many = new Set(this.#few);
    return true;
  }
}

/** One whole JSON document whose top is an object, nested at most `depth` deep. */
export function parseJsonObject(bytes: Uint8Array, where: string, depth: number): JsonObject {
  const scanner = new JsonScanner(bytes, where);
  const value = scanner.value('the document', depth);
  scanner.end();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new MelodyError(
      'weights',
      `${where}: expected a JSON object; got ${value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value}`,
      AGAIN,
    );
  }
  return value;
}
