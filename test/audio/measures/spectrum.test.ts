import { describe, expect, test } from 'vitest';
import { hopBuzz, seams } from '../../../src/audio/measures/joins.ts';
import { spectrum } from '../../../src/audio/measures/spectrum.ts';
import { resample } from '../../../src/audio/resample.ts';
import { chord, concat, gaussian, mix, sine } from '../signals.ts';

const RATE = 24000;

describe('spectrum', () => {
  test('white noise has flatness e^-gamma = 0.5615 (measured 0.560)', () => {
    expect(spectrum(gaussian(10 * RATE, 1), RATE).flatness).toBeCloseTo(0.5615, 2);
  });
  test('a sine has flatness about 1e-12 and is a lone tone', () => {
    const { flatness, toneShare, centroid } = spectrum(sine(RATE, (RATE * 100) / 2048, RATE), RATE);
    expect(flatness).toBeLessThan(3e-12);
    expect(toneShare).toBeGreaterThan(0.9999);
    expect(centroid).toBeCloseTo((RATE * 100) / 2048, 1);
  });
  test('noise low-passed at 8 kHz has bandwidth 8 kHz', () => {
    const steep = { width: 1000, rolloff: 0.998 };
    const low = resample(resample(gaussian(2 * 44100, 2), 44100, 16000, steep), 16000, 44100, steep);
    expect(Math.abs(spectrum(low, 44100).bandwidth - 8000)).toBeLessThan(100);
  });
  test('white noise: 85 % roll-off and centroid lie at 85 and 50 % of the band', () => {
    const { rolloff85, centroid, toneShare } = spectrum(gaussian(10 * RATE, 3), RATE);
    expect(rolloff85 / 12000).toBeCloseTo(0.85, 1);
    expect(centroid / 12000).toBeCloseTo(0.5, 1);
    expect(toneShare).toBeLessThan(0.02);
  });
  test('silent frames do not count, a silent clip gives zeros', () => {
    const half = concat(gaussian(5 * RATE, 1), new Float32Array(5 * RATE));
    expect(spectrum(half, RATE).flatness).toBeCloseTo(0.5615, 1);
    expect(spectrum(new Float32Array(RATE), RATE)).toEqual({ flatness: 0, bandwidth: 0, rolloff85: 0, centroid: 0, toneShare: 0 });
  });
});

describe('hop buzz', () => {
  const music = mix(chord(3, RATE, [60, 64, 67]), gaussian(3 * RATE, 4, 0.01));
  test('a click every hop is found at that hop only', () => {
    const buzzing = music.slice();
    for (let n = 0; n < buzzing.length; n += 96) buzzing[n] += 0.1;
    expect(hopBuzz(buzzing, 96)).toBeGreaterThan(0.3);
    expect(Math.abs(hopBuzz(buzzing, 130))).toBeLessThan(0.05);
  });
  test('music and noise without clicks have none', () => {
    expect(Math.abs(hopBuzz(music, 96))).toBeLessThan(0.05);
    expect(Math.abs(hopBuzz(gaussian(3 * RATE, 5), 96))).toBeLessThan(0.05);
  });
  test('a clip too short for the period, or silence, gives 0', () => {
    expect(hopBuzz(new Float32Array(100), 96)).toBe(0);
    expect(hopBuzz(new Float32Array(1000), 96)).toBe(0);
  });
});

describe('seams', () => {
  test('a sine cut at a non-zero crossing jumps more than 5', () => {
    const x = sine(2 * RATE, 440, RATE, 0.5);
    const cut = concat(x.subarray(0, RATE + 14), x.subarray(RATE + 41));
    const [bad, good] = seams(cut, RATE, [RATE + 14, RATE / 2]);
    expect(bad.jump).toBeGreaterThan(5);
    expect(good.jump).toBeLessThanOrEqual(1.01);
  });
  test('the loop point is position 0: whole periods join, half a period does not', () => {
    expect(seams(sine(RATE, 440, RATE, 0.5), RATE, [0])[0].jump).toBeLessThanOrEqual(1.01);
    expect(seams(sine(RATE + 14, 440, RATE, 0.5, Math.PI / 2), RATE, [0])[0].jump).toBeGreaterThan(5);
  });
  test('a change of sound at the join shows as a spectral step', () => {
    const x = concat(gaussian(RATE, 1, 0.1), sine(RATE, 440, RATE, 0.1));
    const [step, none] = seams(x, RATE, [RATE, RATE / 2]);
    expect(step.spectralStepDb).toBeGreaterThan(20);
    expect(none.spectralStepDb).toBeLessThan(10);
    expect(step.typicalStepDb).toBeLessThan(10);
  });
});
