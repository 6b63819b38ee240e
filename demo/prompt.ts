// The helpers write into the prompt itself, so that what is read is what is made.

import type { Text } from './language.ts';

/** What the button says, what it writes. */
export const EXAMPLES: readonly (readonly [name: Text, prompt: string])[] = [
  ['Piano waltz', 'calm piano waltz in A minor, 96 bpm'],
  ['Lo-fi', 'lofi hip hop with rhodes and drums, 82 bpm'],
  ['Samba', 'joyful samba with trumpet and percussion, 120 bpm'],
  ['Ambient', 'dreamy ambient pads, slow'],
  ['Techno', 'hypnotic techno with synth bass, 128 bpm'],
  ['Film music', 'epic orchestral film music with choir and strings'],
];
export const MOODS: readonly Text[] = [
  'calm',
  'joyful',
  'melancholic',
  'dreamy',
  'energetic',
  'romantic',
  'dark',
  'tense',
  'peaceful',
  'epic',
];
export const INSTRUMENTS: readonly Text[] = [
  'piano',
  'guitar',
  'strings',
  'synth',
  'bass',
  'drums',
  'saxophone',
  'trumpet',
  'accordion',
  'vibraphone',
  'organ',
  'harp',
];

const TEMPO = /,?\s*\b(\d{2,3})\s*bpm\b/i;
const TONICS = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'] as const;
/** As the model's controls take them. */
export const KEYS: readonly Text[] = TONICS.flatMap((tonic) => [`${tonic} major`, `${tonic} minor`] as const);
export const METRES = ['4/4', '3/4', '6/8', '5/4'];
/** A small letter is an article: “in a minor key”. */
const KEY = /(,?\s*(?:\bin\s+)?)\b([A-G](?:#|b)?)\s+([Mm]ajor|[Mm]inor)\b/;
const METRE = /(,?\s*(?:\bin\s+)?)\b([3-6]\/[48])\b/;

const word = (text: string) => new RegExp(`(?:,\\s*|\\b(?:and|with)\\s+)?\\b${text}\\b`, 'i');

/** Tidy what taking words out leaves behind. */
const tidy = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/\s*,(\s*,)+/g, ',')
    .replace(/^[\s,]+|[\s,]+$/g, '')
    .replace(/\s+,/g, ',');

const append = (text: string, part: string) => (tidy(text) ? `${tidy(text)}, ${part}` : part);

export const has = (prompt: string, text: string) => new RegExp(`\\b${text}\\b`, 'i').test(prompt);

export function tempoOf(prompt: string): number | undefined {
  const found = TEMPO.exec(prompt);
  return found ? Number(found[1]) : undefined;
}

/** The prompt with this tempo, or with none. */
export function withTempo(prompt: string, bpm: number | undefined): string {
  const without = tidy(prompt.replace(TEMPO, ''));
  return bpm === undefined ? without : append(without, `${bpm} bpm`);
}

export function keyOf(prompt: string): string | undefined {
  const [, , tonic, mode] = KEY.exec(prompt) ?? [];
  return tonic && `${tonic} ${mode.toLowerCase()}`;
}

export const metreOf = (prompt: string) => METRE.exec(prompt)?.[2];

/** The prompt with this key in place of its own, or with none. */
export const withKey = (prompt: string, key: string | undefined) => put(prompt, KEY, key);

/** The prompt with this metre in place of its own, or with none. */
export const withMetre = (prompt: string, metre: string | undefined) => put(prompt, METRE, metre);

/** Where the prompt says nothing of the kind, it comes at its end, before the tempo. */
function put(prompt: string, pattern: RegExp, value: string | undefined): string {
  if (value === undefined) return tidy(prompt.replace(pattern, ''));
  if (pattern.test(prompt)) return tidy(prompt.replace(pattern, (_, before) => `${before || ' '}${value}`));
  const bare = tidy(withTempo(prompt, undefined));
  return withTempo(bare ? `${bare} in ${value}` : `in ${value}`, tempoOf(prompt));
}

/** The prompt with an instrument added at its end (before the tempo), or taken out. */
export function toggle(prompt: string, instrument: string): string {
  if (has(prompt, instrument)) return tidy(prompt.replace(word(instrument), ''));
  const bpm = tempoOf(prompt);
  return withTempo(append(withTempo(prompt, undefined), instrument), bpm);
}

export const moodOf = (prompt: string) => MOODS.find((mood) => has(prompt, mood));

/** The prompt with this mood at its start in place of another, or with none. */
export function withMood(prompt: string, mood: string | undefined): string {
  const without = MOODS.reduce((text, other) => tidy(text.replace(word(other), '')), prompt);
  return mood ? tidy(`${mood} ${without}`) : without;
}
