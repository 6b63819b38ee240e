// The helpers of the page, which write into the prompt.
import { expect, test } from 'vitest';
import { EXAMPLES, INSTRUMENTS, MOODS, moodOf, tempoOf, toggle, withMood, withTempo } from '../../demo/prompt.ts';

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
