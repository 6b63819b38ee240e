/**
 * Five seconds of a corpus clip, and what the decoder of melody-small made of it before 0.2.0, both at 12 kHz: the measures must tell them
 * apart. tools/train/tests/test_measures.py holds the shipped weights against the same bounds.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { measureClip } from '../../../src/audio/measure.ts';
import { envelopes } from '../../../src/audio/measures/envelopes.ts';
import { linesKept } from '../../../src/audio/measures/lines_kept.ts';
import { readWav } from '../../../src/audio/wav.ts';

const read = (name: string) => readWav(readFileSync(new URL(`../../goldens/${name}`, import.meta.url)));
const [corpus, decoded] = ['corpus_clip.wav', 'decoded_2026_11.wav'].map((name) => {
  const { channels, sampleRate } = read(name);
  const { tones, suspect } = measureClip(channels, sampleRate);
  return { mono: channels[0], sampleRate, tones, suspect, ...envelopes(channels[0], sampleRate) };
});

/** Bounds that a codec in tune keeps; the corpus stays below each, see tools/train/README.md. */
test.each([
  ['share of tones on multiples of 50 Hz', corpus.tones.latticeShare, decoded.tones.latticeShare, 0.1],
  ['cents off', corpus.tones.cents, decoded.tones.cents, 10],
  ['ripple within a frame, dB', corpus.ripple, decoded.ripple, 1],
  ['buzz at 50 Hz, dB', corpus.buzz?.once, decoded.buzz?.once, 3.5],
  ['buzz at 100 Hz, dB', corpus.buzz?.twice, decoded.buzz?.twice, 3.5],
])('%s: the corpus clip is below, the old decoder above', (_name, music, fault, most) => {
  expect(music).toBeLessThan(most);
  expect(fault).toBeGreaterThan(most);
});

test('the old decoder kept few tones, and hardly any in the bass', () => {
  const kept = linesKept(decoded.mono, corpus.mono, corpus.sampleRate);
  expect(kept.all).toBeLessThan(0.6);
  expect(kept.bass).toBeLessThan(0.2);
  expect(linesKept(corpus.mono, corpus.mono, corpus.sampleRate)).toEqual({ all: 1, bass: 1, middle: 1, true: 1 });
});

test('the old decoder is out of tune, the corpus clip is not suspect', () => {
  expect(corpus.suspect).toEqual([]);
  expect(decoded.suspect.join()).toMatch(/^out of tune/);
});
