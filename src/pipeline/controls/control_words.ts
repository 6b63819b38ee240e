// Tempo, key and metre in words: what a prompt says of them, and what an option means.

import { MelodyError } from '../../errors.ts';
import type { ControlsConfig } from '../../models/semantic_lm.ts';
import spoken from './spoken.json' with { type: 'json' };

/** Beats a minute that may be asked for. */
export const TEMPO_RANGE = [40, 220] as const;
const KEY_NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];
/** How metres of so many felt beats are written. */
export const METRE_NAMES: Readonly<Record<number, string>> = { 2: '6/8', 3: '3/4', 4: '4/4', 5: '5/4' };

export interface Key {
  readonly tonic: number; // 0 = C
  readonly minor: boolean;
}

/** What a text says; a field is absent where it says nothing. */
export interface Said {
  readonly tempo?: number; // bpm, as written: it may be out of range
  readonly key?: Key;
  /** As written, "3/4", and its felt beats a bar; undefined beats: a metre that nobody counts in 2 to 5. */
  readonly metre?: { readonly text: string; readonly beatsPerBar: number | undefined };
}

/** Options of those names. */
export interface AskedControls {
  tempo?: number | undefined;
  key?: string | undefined;
  metre?: string | undefined;
}

/** What options ask for, in one spelling. Throws `invalid_argument` where the model cannot follow it. */
export function checkControls(
  { tempo, key, metre }: AskedControls,
  config: { readonly name?: string; readonly semantic_lm: { readonly controls?: ControlsConfig } },
): AskedControls {
  const { controls } = config.semantic_lm;
  const given = Object.entries({ tempo, key, metre }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length > 0 && !controls)
    throw new MelodyError(
      'invalid_argument',
      `${given.join(', ')}: ${config.name ?? 'this model'} was trained without tempo, key and metre as options`,
      'say it in the prompt, for example "calm piano in A minor, 80 bpm", or use a model with semantic_lm.controls in its config.json',
    );
  const beats = metre === undefined ? undefined : parseMetre(metre);
  if (metre !== undefined && !(beats !== undefined && controls?.metres.includes(beats)))
    throw new MelodyError(
      'invalid_argument',
      `metre must be one of ${controls?.metres.map((m) => `"${metreName(m)}"`).join(', ')}; got ${JSON.stringify(metre)}`,
    );
  const named = key === undefined ? undefined : parseKey(key);
  return {
    ...(tempo !== undefined && { tempo }),
    ...(key !== undefined && { key: named ? keyName(named) : key }),
    ...(metre !== undefined && { metre }),
  };
}

export const inRange = (bpm: number): boolean => typeof bpm === 'number' && bpm >= TEMPO_RANGE[0] && bpm <= TEMPO_RANGE[1];

/**
 * What a text says, and `text`: the same with tempo, key and metre in the words that training captions use. The patterns are spoken.json's,
 * which tools/train/melody_train/words.py reads too: in the dialect that JavaScript (flags iu) and Python (re.I, re.A) share, {NAME} is
 * another entry, and small letters stay small in keyShort alone.
 */
export function readWords(text: string): Said & { readonly text: string } {
  const read = plain(text);
  const [tempo, key, metre] = [readTempo(read), readKey(read), readMetre(read)];
  let out = '';
  let end = 0;
  const spelled = [tempo, key, metre].flatMap((found) => (found?.say === undefined ? [] : [found])).sort((a, b) => a.from - b.from);
  for (const { from, to, say } of spelled) {
    if (from < end) continue;
    out += read.slice(end, from) + say;
    end = to;
  }
  return {
    ...(tempo && { tempo: tempo.is }),
    ...(key && { key: key.is }),
    ...(metre && { metre: metre.is }),
    text: out + read.slice(end),
  };
}

/** NFKC, one kind of slash, hyphen, apostrophe and space. */
const plain = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(/[\u2044\u2215]/g, '/')
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[\s\x85]+/g, ' ');

/** "A minor", "f# major", "Bb", "C♯m": an option's key, or undefined where it is none. */
export function parseKey(text: string): Key | undefined {
  const found = pattern(spoken.keyOption).exec(text.normalize('NFKC').trim());
  return found ? keyOf(found[1] ?? '', found[2], found[3] ?? found[4]) : undefined;
}

export const keyNumber = ({ tonic, minor }: Key): number => tonic + (minor ? 12 : 0);
export const keyOfNumber = (key: number): Key => ({ tonic: key % 12, minor: key >= 12 });
export const keyName = ({ tonic, minor }: Key): string => `${KEY_NAMES[tonic]} ${minor ? 'minor' : 'major'}`;
export const metreName = (beatsPerBar: number): string => METRE_NAMES[beatsPerBar] ?? `${beatsPerBar}/4`;

/** Felt beats a bar of "3/4": of x/8 in threes, every third is felt. Undefined where it is no metre, or one of fewer than 2 or more than 5 beats. */
export function parseMetre(text: string): number | undefined {
  const found = /^(\d{1,2})\s*\/\s*(2|4|8)$/.exec(
    text
      .normalize('NFKC')
      .replace(/[\u2044\u2215]/g, '/')
      .trim(),
  );
  if (!found) return undefined;
  const [count, unit] = [Number(found[1]), Number(found[2])];
  const beats = unit === 8 && count % 3 === 0 && count > 3 ? count / 3 : count;
  return beats >= 2 && beats <= 5 && (unit !== 8 || beats !== count || count === 3) ? beats : undefined;
}

/** Found in a text: what it is, where it stands, and its words in training captions where those are others. */
interface Found<T> {
  readonly is: T;
  readonly from: number;
  readonly to: number;
  readonly say: string | undefined;
}

const patterns = new Map<string, RegExp>();

/** A pattern of spoken.json, made once; {NAME} in it is another entry. */
function pattern(source: string, flags = 'iu'): RegExp {
  const name = `${flags} ${source}`;
  let made = patterns.get(name);
  if (!made) {
    const full = (text: string): string => text.replace(/\{([A-Z_]+)\}/g, (_, name: keyof typeof spoken) => full(spoken[name] as string));
    made = new RegExp(full(source), flags);
    patterns.set(name, made);
  }
  return made;
}

const has = (source: string, text: string): boolean => pattern(source).test(text);

function readTempo(text: string): Found<number> | undefined {
  for (const source of spoken.tempo) {
    const found = pattern(source, 'diu').exec(text);
    if (!found) continue;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    const isRange = first >= TEMPO_RANGE[0]; // "no. 5 - 120 bpm" is not one
    const is = isRange ? (first + last) / 2 : last;
    return {
      is,
      from: isRange ? found.index : (found.indices?.[2]?.[0] ?? found.index),
      to: found.index + found[0].length,
      say: has(spoken.plainTempo, found[0]) || !inRange(is) ? undefined : `${Math.round(is)} bpm`,
    };
  }
  return undefined;
}

function readMetre(text: string): Found<NonNullable<Said['metre']>> | undefined {
  const metre = (found: RegExpExecArray, written: string, say?: string) => ({
    is: { text: written, beatsPerBar: parseMetre(written) },
    from: found.index,
    to: found.index + found[0].length,
    say,
  });
  let found = pattern(spoken.metre).exec(text);
  if (found) return metre(found, `${found[1]}/${found[2]}`);
  found = pattern(spoken.metreNumerals).exec(text);
  if (found) {
    const [count, unit] = [found[1], found[2]].map((word) => spoken.numerals[word?.toLowerCase() as keyof typeof spoken.numerals]);
    const written = `${count}/${unit}`;
    return metre(found, written, written === '12/8' ? undefined : written); // "slow twelve-eight ballad" is how captions say it
  }
  for (const [source, written, say] of spoken.metreNames as [string, string, string][]) {
    found = pattern(source).exec(text);
    if (found) return metre(found, written, say || undefined);
  }
  return undefined;
}

function readKey(text: string): Found<Key> | undefined {
  for (const found of text.matchAll(pattern(spoken.key, 'dgiu'))) if (isKey(text, found)) return foundKey(found);
  // "in the key of G", "key: F#m"; "in Em", "in F#" where the letter is a capital
  const named = pattern(spoken.keyNamed, 'diu').exec(text);
  if (named && !(named[1] === 'a' && /^\s*[a-zÀ-ɏ]/i.test(text.slice(named.index + named[0].length)))) return foundKey(named);
  for (const source of spoken.keyShort) {
    const short = pattern(source, 'du').exec(text);
    if (short && (short[2] || short[3])) return foundKey(short);
  }
  return undefined;
}

/**
 * Is "a minor" the key of A? Every other tonic, and A with an accidental, is taken at its word. A small "a" must stand as a name does: behind
 * "in" or "key of", or alone between commas, and before what is no noun. A capital one is a name unless a noun follows that majors and
 * minors often come with ("A major hit", "A minor key ballad").
 */
function isKey(text: string, found: RegExpExecArray): boolean {
  const [whole, letter = '', accidental, mode = ''] = found;
  if (accidental || letter.toLowerCase() !== 'a') return true;
  if (!/^m(ajor|inor)$/i.test(mode)) return letter === 'A';
  const [before, after] = [text.slice(0, found.index), text.slice(found.index + whole.length)];
  if (letter === 'a') return has(spoken.articleEnds, after) && (has(spoken.articleIn, before) || has(spoken.articleAlone, before));
  if (!has(spoken.articleNoun, after)) return true;
  return !has(spoken.sentenceStart, before) && mode[0] === 'm' && has(spoken.articleKey, after); // "samba in A minor key"
}

/** Of a match whose groups are letter, accidental and mode. */
function foundKey(found: RegExpExecArray): Found<Key> {
  const [, letter = '', accidental, mode] = found;
  const is = keyOf(letter, accidental, mode);
  const [[, end], first, second, third] = found.indices as unknown as readonly [[number, number], ...([number, number] | undefined)[]];
  return { is, from: first?.[0] ?? found.index, to: (third ?? second ?? first)?.[1] ?? end, say: keyName(is) };
}

function keyOf(letter: string, accidental = '', mode = ''): Key {
  const sign = /b|\u266d|flat/i.test(accidental) ? -1 : accidental ? 1 : 0;
  const natural = { c: 0, d: 2, e: 4, f: 5, g: 7, a: 9, b: 11 }[letter.toLowerCase()] as number;
  return { tonic: (natural + sign + 12) % 12, minor: /^(m$|min|do|ph|ae|lo)/i.test(mode) };
}
