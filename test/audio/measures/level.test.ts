import { describe, expect, test } from 'vitest';
import { monoMix } from '../../../src/audio/channels.ts';
import { clipping, level, nonFinite, silence, stereo } from '../../../src/audio/measures/level.ts';
import { concat, gaussian, sine } from '../signals.ts';

const RATE = 24000;

test('three injected non-finite samples are counted', () => {
  const x = sine(1000, 440, RATE);
  x[3] = Number.NaN;
  x[500] = Infinity;
  x[999] = -Infinity;
  expect(nonFinite([x, sine(1000, 440, RATE)])).toBe(3);
});

test('sample peak and true peak of a sine of fs/4 at 45 degrees', () => {
  const x = sine(RATE, RATE / 4, RATE, 1, Math.PI / 4).map((v, n) => v * Math.sin((Math.PI * n) / RATE) ** 2);
  const { samplePeakDb, truePeakDb } = level([x]);
  expect(samplePeakDb).toBeCloseTo(-3.01, 2);
  expect(truePeakDb).toBeCloseTo(0, 1);
});

test('crest of a sine is 3.01 dB', () => expect(level([sine(RATE, 440, RATE, 0.3)]).crestDb).toBeCloseTo(3.01, 2));

test('a DC offset of 0.01 is 0.01, in the worst channel', () => {
  const x = sine(RATE, 440, RATE, 0.3);
  expect(level([x]).dc).toBeLessThan(1e-6);
  expect(level([x, x.map((v) => v - 0.01)]).dc).toBeCloseTo(0.01, 6);
});

describe('clipping', () => {
  test('a clipped sine has the share of time it spends above the limit', () => {
    const x = sine(10 * RATE, 101.3, RATE, 2).map((v) => Math.max(-1, Math.min(1, v)));
    expect(clipping([x], RATE).share).toBeCloseTo(2 / 3, 2); // |sin| > 1/2
  });
  test('peaks that touch full scale for one or two samples do not count', () => {
    const x = new Float32Array(RATE);
    x.set([1, 1, 0, 1], 100);
    expect(clipping([x], RATE)).toEqual({ share: 0, worstSecond: 0 });
  });
  test('worst second', () => {
    const x = new Float32Array(10 * RATE);
    x.fill(-1, 3 * RATE, 3.5 * RATE);
    expect(clipping([x], RATE)).toEqual({ share: 0.05, worstSecond: 0.5 });
  });
  test('a run that reaches the end counts', () => {
    const x = new Float32Array(100).fill(1, 97);
    expect(clipping([x], RATE).share).toBeCloseTo(0.03, 9);
  });
});

describe('silence', () => {
  test('1 s of zeros in 10 s is 0.1', () => {
    const tone = (seconds: number) => sine(seconds * RATE, 440, RATE, 0.1);
    const middle = silence(concat(tone(4), new Float32Array(RATE), tone(5)), RATE);
    expect(middle.share).toBeCloseTo(0.1, 9);
    expect(middle).toMatchObject({ lead: 0, trail: 0 });
    expect(middle.longestGap).toBeCloseTo(1, 9);
    const ends = silence(concat(new Float32Array(RATE / 2), tone(9), new Float32Array(RATE / 2)), RATE);
    expect(ends.lead).toBeCloseTo(0.5, 9);
    expect(ends.trail).toBeCloseTo(0.5, 9);
    expect(ends.longestGap).toBe(0);
  });
  test('the limit is -60 dBFS', () => {
    expect(silence(sine(RATE, 440, RATE, Math.SQRT2 * 10 ** (-61 / 20)), RATE).share).toBe(1);
    expect(silence(sine(RATE, 440, RATE, Math.SQRT2 * 10 ** (-59 / 20)), RATE).share).toBe(0);
  });
});

describe('stereo', () => {
  const x = gaussian(RATE, 1);
  test('L = R', () => {
    const same = stereo(x, x);
    expect(same.correlation).toBeCloseTo(1, 6);
    expect(same.sideToMid).toBeCloseTo(0, 6);
    expect(same.monoFoldDb).toBeCloseTo(0, 6);
  });
  test('L = -R vanishes in mono', () => {
    const opposite = stereo(
      x,
      x.map((v) => -v),
    );
    expect(opposite.correlation).toBeCloseTo(-1, 6);
    expect(opposite.monoFoldDb).toBeLessThan(-100);
  });
  test('independent channels: r near 0, 3 dB lost', () => {
    const apart = stereo(x, gaussian(RATE, 2));
    expect(Math.abs(apart.correlation)).toBeLessThan(0.03);
    expect(apart.monoFoldDb).toBeCloseTo(-3.01, 0);
  });
});

test('mono mix is the mean of the channels', () => {
  expect([...monoMix([Float32Array.of(1, 0), Float32Array.of(0, -1)])]).toEqual([0.5, -0.5]);
});
