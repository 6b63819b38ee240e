// Tempo, key and metre in words: what a prompt says of them, and what an option means.

import { MelodyError } from '../errors.ts';
import type { ModelConfig } from './model.ts';

/** Beats a minute that may be asked for. */
const TEMPO_RANGE = [40, 220] as const;
const KEY_NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];
/** How metres of so many felt beats are written. */
const METRE_NAMES: Readonly<Record<number, string>> = { 2: '6/8', 3: '3/4', 4: '4/4', 5: '5/4' };

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
  tempo?: number;
  key?: string;
  metre?: string;
}

/** What options ask for, checked and in one spelling. Throws `invalid_argument`. */
export function checkControls({ tempo, key, metre }: AskedControls, config: ModelConfig): AskedControls {
  const { controls } = config.semantic_lm;
  const given = Object.entries({ tempo, key, metre }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length > 0 && !controls)
    throw new MelodyError(
      'invalid_argument',
      `${given.join(', ')}: ${config.name ?? 'this model'} was trained without tempo, key and metre as options`,
      'say it in the prompt, for example "calm piano in A minor, 80 bpm", or use a model with semantic_lm.controls in its config.json',
    );
  const refuse = (what: string, got: unknown, expected: string) =>
    new MelodyError('invalid_argument', `${what} must be ${expected}; got ${typeof got === 'number' ? got : JSON.stringify(got)}`);
  if (tempo !== undefined && !inRange(tempo)) throw refuse('tempo', tempo, `a number of beats a minute from ${TEMPO_RANGE.join(' to ')}`);
  const named = typeof key === 'string' ? parseKey(key) : undefined;
  if (key !== undefined && key !== 'none' && !named) throw refuse('key', key, 'such as "A minor", "F# major" or "Bb minor", or "none"');
  const beats = typeof metre === 'string' ? parseMetre(metre) : undefined;
  if (metre !== undefined && !(beats !== undefined && controls?.metres.includes(beats)))
    throw refuse('metre', metre, `one of ${controls?.metres.map((m) => `"${metreName(m)}"`).join(', ')}`);
  return {
    ...(tempo !== undefined && { tempo }),
    ...(key !== undefined && { key: named ? keyName(named) : key }),
    ...(metre !== undefined && { metre }),
  };
}

export const inRange = (bpm: number): boolean => typeof bpm === 'number' && bpm >= TEMPO_RANGE[0] && bpm <= TEMPO_RANGE[1];

export function readWords(text: string): Said {
  const plain = text
    .normalize('NFKC')
    .replace(/[\u2044\u2215]/g, '/')
    .replace(/[\u2010-\u2015\u2212]/g, '-');
  const [tempo, key, metre] = [readTempo(plain), readKey(plain), readMetre(plain)];
  return { ...(tempo !== undefined && { tempo }), ...(key && { key }), ...(metre && { metre }) };
}

/** "A minor", "f# major", "Bb", "C♯m": an option's key, or undefined where it is none. */
export function parseKey(text: string): Key | undefined {
  const found = new RegExp(`^${TONIC}(?:\\s*(?<short>m)|[\\s-]*(?<mode>${MODE}))?$`, 'iu').exec(text.normalize('NFKC').trim());
  return found ? keyOf(found) : undefined;
}

export const keyNumber = ({ tonic, minor }: Key): number => tonic + (minor ? 12 : 0);
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

const NUMBER = '(?<!\\d[.,]?|[/#])(\\d{1,4}(?:\\.\\d+)?)';
const PER_MINUTE = '(?:bpm\\b|b\\.p\\.m\\b|beats?\\s+(?:per|a|/)\\s*min(?:ute)?\\b)';
const TEMPO = [
  new RegExp(`${NUMBER}\\s*(?:-|to|and)\\s*(\\d{2,3})\\s*-?\\s*${PER_MINUTE}`, 'iu'), // 120-130 bpm
  new RegExp(`${NUMBER}\\s*-?\\s*${PER_MINUTE}`, 'iu'), // 120 bpm
  // tempo 107, BPM: 120, tempo of about 90; but not "mid-tempo 80s pop" nor "tempo 4/4"
  /(?<![\p{L}\p{N}]|(?:up|mid|down)[- ])(?:tempo|bpm)\s*(?:[:=]|of|is|at|around|about)?\s*(?:around|about|~)?\s*(\d{2,4}(?:\.\d+)?)(?![\d/]|\p{L})/iu,
  /[\u2669\u{1d15f}]\s*=\s*(\d{2,3}(?:\.\d+)?)(?!\d)/u, // ♩ = 120
];

function readTempo(text: string): number | undefined {
  for (const pattern of TEMPO) {
    const found = pattern.exec(text);
    if (!found) continue;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    return first >= TEMPO_RANGE[0] ? (first + last) / 2 : last; // "no. 5 - 120 bpm" is not a range
  }
  return undefined;
}

function readMetre(text: string): Said['metre'] {
  const found = /(?<![\d/.,])([2-9]|1\d)\s?\/\s?([248])(?![\d/]|\.\d|\s+of\b)/u.exec(text);
  if (!found) return undefined;
  const written = `${found[1]}/${found[2]}`;
  return { text: written, beatsPerBar: parseMetre(written) };
}

const TONIC = '(?<letter>[a-g])(?<accidental>\\s?(?:#|\u266f)|\\s?\u266d|b|[\\s-]?sharp|[\\s-]?flat)?';
const MODE = 'major|minor|maj|min';
/** Behind "a minor", these say that something is minor, not that it is in A. */
const NOT_A_KEY =
  'hit|chords?|keys?|roles?|part|changes?|setback|details?|twist|mode|mood|moods|feel|feeling|touch|influence|label|city|event|third|sixth|seventh|scale|' +
  'problem|difference|note|notes|vibe|tonality|sound|production|festival|film|movie|deal|thing|way|issue|league|success|artist|band|star';

function readKey(text: string): Key | undefined {
  const withMode = new RegExp(`(?<![\\p{L}\\p{N}'’_&-])${TONIC}[\\s-]*(?<mode>${MODE})(?![\\p{L}\\p{N}])`, 'giu');
  for (const found of text.matchAll(withMode)) if (isKey(text, found)) return keyOf(found);
  // "in the key of G", "key: F#m"; "in Em", "in F#" where the letter is a capital
  const named = new RegExp(`\\bkey(?:\\s+of|:)\\s+${TONIC}(?<short>m)?(?![\\p{L}\\p{N}#]|\\s+\\p{L}*['’])`, 'iu').exec(text);
  if (named && !(named.groups?.letter === 'a' && /^\s*\p{L}/u.test(text.slice(named.index + named[0].length)))) return keyOf(named);
  const short = /\b[Ii]n (?<letter>[A-G])(?<accidental>[#b\u266f\u266d])?(?<short>m)?(?![\p{L}\p{N}#])/u.exec(text);
  return short?.groups && (short.groups.accidental || short.groups.short) ? keyOf(short) : undefined;
}

/**
 * Is "a minor" the key of A? Every other tonic, and A with an accidental, is taken at its word. A small "a" must stand as a name does: behind
 * "in" or "key of", or alone between commas, and before what is no noun. A capital one is a name unless a noun follows that majors and
 * minors often come with ("A major hit", "A minor key ballad").
 */
function isKey(text: string, found: RegExpExecArray): boolean {
  const { letter, accidental, mode } = found.groups as Record<string, string | undefined>;
  if (accidental !== undefined || letter?.toLowerCase() !== 'a') return true;
  if (!/^m(ajor|inor)$/i.test(mode ?? '')) return letter === 'A';
  const [before, after] = [text.slice(0, found.index), text.slice(found.index + found[0].length)];
  const ends = /^\s*(?:$|[^\p{L}\p{N}\s]|\d|(?:with|at|for|on|featuring|played|feat)\b)/iu.test(after);
  if (letter === 'a') return ends && (/\b(?:in|key|key of|key:)\s+$/iu.test(before) || /(?:^|[,;|(])\s*$/u.test(before));
  if (!new RegExp(`^\\s+(?:${NOT_A_KEY})\\b`, 'iu').test(after)) return true;
  const starts = /(?:^|[.!?]\s+)$/u.test(before);
  return !starts && /^m/.test(mode ?? '') && /^\s+key\b/iu.test(after); // "samba in A minor key"
}

function keyOf({ groups = {} }: RegExpExecArray): Key {
  const { letter, accidental = '', mode, short } = groups as { [name: string]: string } & { accidental?: string };
  const sign = /b|\u266d|flat/i.test(accidental) ? -1 : accidental ? 1 : 0;
  const natural = { c: 0, d: 2, e: 4, f: 5, g: 7, a: 9, b: 11 }[letter.toLowerCase()] as number;
  return { tonic: (natural + sign + 12) % 12, minor: short !== undefined ? true : /^min/i.test(mode ?? '') };
}
