import { describe, expect, test } from 'vitest';
import { features } from '../../../src/audio/measures/features.ts';
import { entropy, key, keyScore, MAJOR_PROFILE, MINOR_PROFILE, tonality } from '../../../src/audio/measures/tonality.ts';
import { chord, concat, gaussian, noise, sine } from '../signals.ts';

const RATE = 24000;
const rotate = (profile: number[], by: number) => profile.map((_, i) => profile[(i - by + 12) % 12]);
const of = (x: Float32Array) => {
  const result = tonality(features(x, RATE));
  if (!result) throw new Error('no pitch found');
  return result;
};
/** I IV V I of a major key, one second each. */
const cadence = (tonic: number) =>
  concat(...[0, 5, 7, 0].map((degree) => chord(1, RATE, [tonic + degree, tonic + degree + 4, tonic + degree + 7])));
const times = (x: Float32Array, n: number) => concat(...Array<Float32Array>(n).fill(x));

describe('key of a chroma', () => {
  test('a profile as chroma: clarity 1, margin 0.35', () => {
    const c = key(MAJOR_PROFILE);
    expect(c.name).toBe('C major');
    expect(c.clarity).toBeCloseTo(1, 9);
    expect(c.margin).toBeCloseTo(0.35, 2);
    expect(c.clear).toBe(true);
  });
  test('all 24 rotations are named', () => {
    for (let tonic = 0; tonic < 12; tonic++) {
      expect(key(rotate(MAJOR_PROFILE, tonic))).toMatchObject({ tonic, mode: 'major' });
      expect(key(rotate(MINOR_PROFILE, tonic))).toMatchObject({ tonic, mode: 'minor' });
    }
  });
  test('flat or empty is undefined: reported as 0', () => {
    for (const v of [0, 1, 0.1]) expect(key(Array(12).fill(v))).toMatchObject({ clarity: 0, margin: 0, clear: false });
  });
  test('random chroma score 0.61 in the median and 0.81 at 95 %, so they are not called clear', () => {
    const scores = Array.from({ length: 2000 }, (_, i) => key(noise(12, i + 1).map((v) => -Math.log((v + 1) / 2 + 1e-9))).clarity).sort(
      (a, b) => a - b,
    );
    expect(scores[1000]).toBeCloseTo(0.61, 1.3);
    expect(scores[1900]).toBeCloseTo(0.81, 1.3);
  });
  test('one lone pitch scores 0.68 with a tie', () => {
    const lone = key([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(lone.clarity).toBeCloseTo(0.68, 2);
    expect(lone.margin).toBeLessThan(0.05);
    expect(lone.clear).toBe(false);
  });
});

test('MIREX weights', () => {
  const c = { tonic: 0, mode: 'major' } as const;
  expect(keyScore(c, c)).toBe(1);
  expect(keyScore({ tonic: 7, mode: 'major' }, c)).toBe(0.5);
  expect(keyScore({ tonic: 9, mode: 'minor' }, c)).toBe(0.3);
  expect(keyScore(c, { tonic: 9, mode: 'minor' })).toBe(0.3);
  expect(keyScore({ tonic: 0, mode: 'minor' }, c)).toBe(0.2);
  expect(keyScore({ tonic: 6, mode: 'major' }, c)).toBe(0);
});

describe('of sound', () => {
  test.each([
    [60, 'C major'],
    [66, 'F# major'],
    [57, 'A major'],
  ])('a cadence on MIDI %i is clearly in %s', (tonic, name) => {
    const { key: found, keyStability } = of(times(cadence(tonic), 4));
    expect(found.name).toBe(name);
    expect(found.clear).toBe(true);
    expect(keyStability).toBe(1);
  });
  test('C then F# halves: key stability about 0.5', () => {
    expect(of(concat(times(cadence(60), 6), times(cadence(66), 6))).keyStability).toBeCloseTo(0.5, 0.8);
  });
  test('one chord: consistency 1, no harmonic change; a cadence changes', () => {
    const held = of(chord(12, RATE, [60, 64, 67]));
    expect(held.chromaConsistency).toBeGreaterThan(0.999);
    expect(held.chromaToMean).toBeGreaterThan(0.999);
    expect(held.harmonicChange).toBeLessThan(0.01);
    expect(of(times(cadence(60), 3)).harmonicChange).toBeGreaterThan(0.2);
  });
  test('one note has entropy 0, noise nearly log2(12)', () => {
    expect(of(sine(8 * RATE, 440, RATE, 0.3)).pitchClassEntropy).toBeLessThan(0.01);
    expect(of(gaussian(8 * RATE, 1)).pitchClassEntropy).toBeGreaterThan(3.5);
  });
  test('silence has no tonality', () => expect(tonality(features(new Float32Array(4 * RATE), RATE))).toBeUndefined());
});

test('entropy of a flat chroma is 3.585 bits', () => expect(entropy(Array(12).fill(0.3))).toBeCloseTo(Math.log2(12), 12));
