import { describe, expect, test } from 'vitest';
import { ANALYSIS_RATE, melTrack } from '../../../src/audio/measures/features.ts';
import * as rhythm from '../../../src/audio/measures/rhythm.ts';
import { beats, clicks, concat, gaussian, mix, noise, sine } from '../signals.ts';

const RATE = ANALYSIS_RATE;
const onsetsOf = (x: Float32Array) => rhythm.onsets(melTrack(x));
const clickTrack = (seconds: number, bpm: number, offset = 0) =>
  clicks(
    seconds,
    RATE,
    beats(seconds, bpm).map((t) => t + offset),
  );

test('onset envelope: clicks give peaks within one hop (23 ms)', () => {
  const times = [0.5, 1.1, 1.73, 2.4, 3.011];
  const track = onsetsOf(clicks(4, RATE, times));
  const peaks = [...track.envelope.keys()]
    .filter((i) => track.envelope[i] > 0.25 * Math.max(...track.envelope))
    .map((i) => track.start + i / track.rate);
  for (const time of times) expect(Math.min(...peaks.map((p) => Math.abs(p - time)))).toBeLessThan(512 / 22050);
  for (const peak of peaks) expect(Math.min(...times.map((t) => Math.abs(peak - t)))).toBeLessThan((2 * 512) / 22050);
});

describe('tempo', () => {
  test.each([63, 72, 85, 97, 110, 120, 128, 140, 155])('%i BPM is measured within 0.2 %', (bpm) => {
    expect(Math.abs(rhythm.tempo(onsetsOf(clickTrack(20, bpm, 0.1))) / bpm - 1)).toBeLessThan(0.002);
  });
  test.each([50, 163, 174, 200])('%i BPM is measured within 0.2 %, up to octaves', (bpm) => {
    const measured = rhythm.tempo(onsetsOf(clickTrack(20, bpm, 0.1)));
    expect(Math.min(...[0.5, 1, 2].map((f) => Math.abs((measured * f) / bpm - 1)))).toBeLessThan(0.002);
  });
  test.each([70, 104, 133])('%i BPM in 10 s, with a pad and noise under it, within 1 %', (bpm) => {
    const x = mix(clickTrack(10, bpm, 0.05), sine(10 * RATE, 220, RATE, 0.1), gaussian(10 * RATE, 2, 0.005));
    expect(Math.abs(rhythm.tempo(onsetsOf(x)) / bpm - 1)).toBeLessThan(0.01);
  });
  test('silence has none', () => expect(rhythm.tempo(onsetsOf(new Float32Array(RATE * 4)))).toBe(0));
});

describe('pulse clarity', () => {
  test('clicks are near 1, noise near 0', () => {
    expect(rhythm.pulseClarity(onsetsOf(clickTrack(20, 120)))).toBeGreaterThan(0.9);
    expect(rhythm.pulseClarity(onsetsOf(gaussian(20 * RATE, 1)))).toBeLessThan(0.15);
    expect(rhythm.pulseClarity(onsetsOf(new Float32Array(4 * RATE)))).toBe(0);
  });
});

describe('tempo stability', () => {
  const of = (x: Float32Array) => {
    const track = onsetsOf(x);
    return rhythm.tempoStability(track, rhythm.tempo(track));
  };
  test('a steady beat has 1 and almost no variation', () => {
    const steady = of(clickTrack(30, 120));
    expect(steady?.share).toBe(1);
    expect(steady?.variation).toBeLessThan(0.005);
  });
  const glide = (from: number, to: number) => {
    const times = [0];
    for (let t = 0; t < 40; t = times[times.length - 1]) times.push(t + 60 / (from + ((to - from) * t) / 40));
    return of(clicks(40, RATE, times));
  };
  test('a glide from 120 to 132 falls, a wider one far', () => {
    const small = glide(120, 132);
    expect(small?.share).toBeLessThan(1);
    expect(small?.variation).toBeGreaterThan(0.015); // window tempi even over 121 … 131 have 0.022
    expect(small?.variation).toBeLessThan(0.03);
    expect(glide(100, 140)?.share).toBeLessThan(0.5);
  });
  test('10 s give two windows, less gives none', () => {
    expect(of(clickTrack(10, 120))?.share).toBe(1);
    expect(of(clickTrack(9, 120))).toBeUndefined();
  });
});

test('tempo adherence: strict, and folded by two', () => {
  expect(rhythm.tempoAdherence(120, 124)).toEqual({ strict: true, folded: true });
  expect(rhythm.tempoAdherence(120, 126)).toEqual({ strict: false, folded: false });
  expect(rhythm.tempoAdherence(120, 61)).toEqual({ strict: false, folded: true });
  expect(rhythm.tempoAdherence(87, 174)).toEqual({ strict: false, folded: true });
  expect(rhythm.tempoAdherence(120, 40)).toEqual({ strict: false, folded: false });
  expect(rhythm.tempoAdherence(120, 0)).toEqual({ strict: false, folded: false });
});

describe('beats and groove', () => {
  /** Hits on the given sixteenths of each bar at 100 BPM, beats louder. */
  const bars = (patterns: number[][]) => {
    const slot = 60 / 100 / 4;
    const parts = patterns.flatMap((pattern, bar) =>
      pattern.map((s) => clicks(patterns.length * 16 * slot, RATE, [0.02 + (bar * 16 + s) * slot], s % 4 ? 0.4 : 0.8)),
    );
    return mix(...parts);
  };
  const grooveOf = (x: Float32Array) => {
    const track = onsetsOf(x);
    return rhythm.grooveSimilarity(track, rhythm.beatTimes(track, rhythm.walkingTempo(rhythm.tempo(track))));
  };
  test('beats of a click track are the clicks', () => {
    const track = onsetsOf(clickTrack(20, 100, 0.3));
    const found = rhythm.beatTimes(track, rhythm.tempo(track));
    expect(found.length).toBeGreaterThanOrEqual(32);
    for (const time of found) {
      const phase = (((time - 0.3) % 0.6) + 0.6) % 0.6;
      expect(Math.min(phase, 0.6 - phase)).toBeLessThan(0.03);
    }
  });
  test('the walking tempo is the octave in 70 … 140', () => {
    expect([50, 70, 100, 140, 174, 300].map((bpm) => Math.round(rhythm.walkingTempo(bpm)))).toEqual([100, 70, 100, 70, 87, 75]);
    expect(rhythm.walkingTempo(0)).toBe(0);
  });
  test('a looped bar has groove 1', () => {
    expect(grooveOf(bars(Array(10).fill([0, 3, 4, 6, 8, 11, 12, 14])))).toBeGreaterThan(0.97);
  });
  test('bars with random off-beats have less', () => {
    const random = noise(400, 7);
    const patterns = Array.from({ length: 10 }, (_, b) =>
      Array.from({ length: 16 }, (_, s) => s).filter((s) => s % 4 === 0 || random[b * 16 + s] > 0),
    );
    expect(grooveOf(bars(patterns))).toBeLessThan(0.8);
  });
  test('too few beats: undefined; silence: no beats', () => {
    expect(rhythm.grooveSimilarity(onsetsOf(clickTrack(4, 120)), [0, 0.5, 1, 1.5, 2])).toBeUndefined();
    expect(rhythm.beatTimes(onsetsOf(new Float32Array(RATE * 2)), 0)).toEqual([]);
    expect(grooveOf(concat(new Float32Array(RATE * 2)))).toBeUndefined();
  });
});
