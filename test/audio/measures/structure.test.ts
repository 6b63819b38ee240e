import { describe, expect, test } from 'vitest';
import { features } from '../../../src/audio/measures/features.ts';
import { noveltyPeaks, repetition, type Similarity, structure, structureness } from '../../../src/audio/measures/structure.ts';
import { chord, concat, gaussian, mix, noise } from '../signals.ts';

const RATE = 22050;

/** Similarity 1 for equal labels, `other` else. */
function labelled(labels: string, other = 0.1): Similarity {
  const n = labels.length;
  return { n, s: Float64Array.from({ length: n * n }, (_, i) => (labels[Math.floor(i / n)] === labels[i % n] ? 1 : other)) };
}

/** Like `labelled`, but only cells at the same place of two equal sections are alike. */
function sequence(sections: string, length: number): Similarity {
  const cells = [...sections].flatMap((s) => Array.from({ length }, (_, i) => `${s}${i}`));
  const n = cells.length;
  return { n, s: Float64Array.from({ length: n * n }, (_, i) => (cells[Math.floor(i / n)] === cells[i % n] ? 1 : 0.1)) };
}

describe('on known matrices', () => {
  test('ABAB repeats at two sections', () => {
    expect(repetition(sequence('ABAB', 8))).toMatchObject({ repetitionLag: 16 });
  });
  test('novelty has a peak at each section change only', () => {
    expect(noveltyPeaks(labelled('A'.repeat(10) + 'B'.repeat(12) + 'A'.repeat(11)))).toEqual([10, 22]);
    expect(noveltyPeaks(labelled('A'.repeat(30)))).toEqual([]);
  });
  test('structureness: ABAB explained by AB has coverage and score one half', () => {
    // Segment AB of 16 cells: two paths of 16 steps, score (32 - 16) / 32, coverage (32 - 16) / 32, harmonic mean 0.5.
    expect(structureness(sequence('ABAB', 8), 15, 16)).toBeCloseTo(0.5, 6);
    // Four times A: three of four passages are repetitions.
    expect(structureness(sequence('AAAA', 8), 8, 8)).toBeCloseTo(0.75, 6);
  });
  test('structureness of unrelated cells is near 0', () => {
    const random = noise(32 * 32, 5);
    const s = Float64Array.from({ length: 32 * 32 }, (_, i) => {
      const [r, c] = [Math.floor(i / 32), i % 32];
      return r === c ? 1 : 0.14 + 0.05 * random[Math.max(r, c) * 32 + Math.min(r, c)];
    });
    expect(structureness({ n: 32, s }, 8, 16)).toBeLessThan(0.1);
  });
});

describe('of sound', () => {
  const section = (chords: number[][]) => concat(...chords.map((notes) => chord(1, RATE, notes)));
  const a = section([
    [48, 64, 67],
    [53, 69, 72],
    [55, 71, 74],
    [57, 72, 76],
    [50, 65, 69],
    [52, 67, 71],
    [48, 60, 64],
    [55, 62, 71],
  ]);
  const b = section([
    [61, 65, 68],
    [54, 58, 61],
    [51, 55, 58],
    [63, 66, 70],
    [49, 56, 61],
    [58, 61, 65],
    [56, 60, 63],
    [47, 54, 59],
  ]);
  test('ABAB has its lag peak at two sections and high repetition', () => {
    const form = structure(features(concat(a, b, a, b), RATE));
    expect(form?.repetitionLag).toBe(16);
    expect(form?.repetition).toBeGreaterThan(0.3);
    expect(form?.structureness.long).toBeGreaterThan(0.4);
  });
  test('noise has no repetition beyond chance and no structure', () => {
    const form = structure(features(gaussian(32 * RATE, 3), RATE));
    expect(form?.repetition).toBeLessThan(0.25);
    expect(form?.structureness.long).toBeLessThan(0.1);
    expect(form?.noveltyPeaksPerMinute).toBe(0);
  });
  test('a section change is a novelty peak', () => {
    const x = concat(chord(12, RATE, [48, 52, 55]), mix(chord(12, RATE, [66, 70, 73]), gaussian(12 * RATE, 1, 0.05)));
    expect(structure(features(x, RATE))?.noveltyPeaksPerMinute).toBeCloseTo(2.5, 9);
  });
  test('undefined under 12 s', () => expect(structure(features(a, RATE))).toBeUndefined());
});
