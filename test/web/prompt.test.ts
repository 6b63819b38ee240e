// The helpers of the page, which write into the prompt.
import { expect, test } from 'vitest';
import {
  EXAMPLES,
  INSTRUMENTS,
  KEYS,
  keyOf,
  METRES,
  MOODS,
  metreOf,
  moodOf,
  tempoOf,
  toggle,
  withKey,
  withMetre,
  withMood,
  withTempo,
} from '../../demo/prompt.ts';
import { parseMetre, readWords } from '../../src/pipeline/controls/control_words.ts';

const prompts = EXAMPLES.map(([, prompt]) => prompt);

test('a tempo is read, put in, changed and taken out', () => {
  expect(tempoOf('calm piano, 96 bpm')).toBe(96);
  expect(tempoOf('calm piano')).toBeUndefined();
  expect(withTempo('calm piano', 80)).toBe('calm piano, 80 bpm');
  expect(withTempo('calm piano, 96 BPM, strings', 80)).toBe('calm piano, strings, 80 bpm');
  expect(withTempo('96 bpm', undefined)).toBe('');
  for (const prompt of prompts) expect(tempoOf(withTempo(prompt, 132))).toBe(132);
});

test('an instrument goes in before the tempo and comes out without a trace', () => {
  expect(toggle('calm piano, 96 bpm', 'strings')).toBe('calm piano, strings, 96 bpm');
  expect(toggle('lofi with rhodes and drums, 82 bpm', 'drums')).toBe('lofi with rhodes, 82 bpm');
  expect(toggle('', 'harp')).toBe('harp');
  for (const name of INSTRUMENTS) {
    for (const prompt of prompts.filter((p) => !p.includes(name))) expect(toggle(toggle(prompt, name), name)).toBe(prompt);
  }
});

test('one mood at a time, at the start', () => {
  expect(withMood('calm piano waltz', 'dark')).toBe('dark piano waltz');
  expect(withMood('piano waltz', 'dark')).toBe('dark piano waltz');
  expect(withMood('calm piano waltz', undefined)).toBe('piano waltz');
  for (const mood of MOODS) expect(moodOf(withMood('piano waltz, 96 bpm', mood))).toBe(mood);
});

test('key and metre are read, put in, changed and taken out, and the model reads what is written', () => {
  expect(keyOf('calm piano waltz in A minor, 96 bpm')).toBe('A minor');
  expect(keyOf('in a minor key')).toBeUndefined();
  expect(withKey('calm piano waltz in A minor, 96 bpm', 'F# major')).toBe('calm piano waltz in F# major, 96 bpm');
  expect(withKey('calm piano waltz in A minor, 96 bpm', undefined)).toBe('calm piano waltz, 96 bpm');
  expect(withMetre('calm piano in A minor, 96 bpm', '3/4')).toBe('calm piano in A minor in 3/4, 96 bpm');
  expect(withKey('', 'D minor')).toBe('in D minor');
  for (const prompt of prompts) {
    for (const key of KEYS) {
      const written = withKey(prompt, key);
      const { key: { tonic = -1, minor = false } = {} } = readWords(written);
      expect(keyOf(written)).toBe(key);
      expect([tonic, minor], written).toEqual([KEYS.indexOf(key) >> 1, key.endsWith('minor')]);
      expect(withKey(written, undefined)).toBe(withKey(prompt, undefined));
    }
    for (const metre of METRES) {
      const written = withMetre(prompt, metre);
      expect(metreOf(written)).toBe(metre);
      expect(readWords(written).metre?.beatsPerBar, written).toBe(parseMetre(metre));
      expect(withMetre(written, undefined)).toBe(prompt);
    }
  }
});
