/** Tones and envelopes: the same numbers as tools/train measures, and each fault shows where it should. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { envelopes } from '../../../src/audio/measures/envelopes.ts';
import { features } from '../../../src/audio/measures/features.ts';
import { linesKept } from '../../../src/audio/measures/lines_kept.ts';
import { onsets, pulseClarity } from '../../../src/audio/measures/rhythm.ts';
import { tones } from '../../../src/audio/measures/tones.ts';
import { readWav } from '../../../src/audio/wav.ts';
import { sine } from '../signals.ts';
import { faultSignals, RATE } from './fault_signals.ts';

type Numbers = Record<string, number | null | undefined>;
const goldens = new URL('../../goldens/', import.meta.url);
const golden: { signals: Record<string, Numbers>; recordings: Record<string, Numbers> } = JSON.parse(
  readFileSync(new URL('measures.json', goldens), 'utf8'),
);

function measured(x: Float32Array, source: Float32Array, rate: number): Numbers {
  const { haze, ...pitches } = tones(x, rate);
  const { buzz, attack, ...moving } = envelopes(x, rate);
  const named = (name: string, group: object | undefined) => Object.entries(group ?? {}).map(([key, value]) => [`${name}.${key}`, value]);
  return Object.fromEntries([
    ...Object.entries({ ...pitches, ...moving, pulseClarity: pulseClarity(onsets(features(x, rate).mel)) }),
    ...named('haze', haze),
    ...named('buzz', buzz),
    ...named('attack', attack),
    ...named('kept', linesKept(x, source, rate)),
  ]);
}

/** Sines and exponentials differ between languages by an ulp. */
const tolerance = (value: number) => 2e-4 * Math.max(1, Math.abs(value));

const music = faultSignals.music();
const here = Object.fromEntries(Object.entries(faultSignals).map(([name, make]) => [name, measured(make(), music, RATE)]));

function expectEqual(ours: Numbers, theirs: Numbers): void {
  for (const [key, value] of Object.entries(theirs)) {
    if (value === null || value === undefined) expect(ours[key], key).toBeUndefined();
    else expect(Math.abs((ours[key] as number) - value), `${key}: ${ours[key]} here, ${value} there`).toBeLessThan(tolerance(value));
  }
  const known = Object.keys(ours).filter((key) => ours[key] !== undefined);
  expect(known.sort()).toEqual(
    Object.keys(theirs)
      .filter((key) => theirs[key] !== null)
      .sort(),
  );
}

describe('the same numbers as in Python', () => {
  test.each(Object.keys(faultSignals))('%s', (name) => expectEqual(here[name], golden.signals[name]));
  test('a corpus clip, and what the decoder before 0.2.0 made of it', () => {
    const read = (name: string) => readWav(readFileSync(new URL(name, goldens))).channels[0];
    const corpus = read('corpus_clip.wav');
    for (const [name, theirs] of Object.entries(golden.recordings)) expectEqual(measured(read(name), corpus, 12000), theirs);
  });
});

/** Where a measure must put each fault, and where what it means must not be found. */
describe('a fault shows in its measure and not in sound music', () => {
  const of = (signal: string, key: string) => here[signal][key] as number;
  test.each([
    ['tones snapped to multiples of 50 Hz', 'snapped', 'latticeShare', 0.9],
    ['repeated frames', 'repeated frames', 'latticeShare', 0.9],
    ['repeated frames', 'repeated frames', 'ripple', 2],
    ['modulation at 50 Hz', 'buzz', 'buzz.once', 20],
    ['modulation at 100 Hz', 'buzz', 'buzz.twice', 20],
    ['repeated frames', 'repeated frames', 'buzz.once', 10],
    ['an out-of-tune chord', 'detuned', 'cents', 12],
    ['cymbals that whistle', 'whistle', 'haze.high', 12],
    ['slow attacks', 'slow', 'attack.median', 30],
  ])('%s: %s by %s', (_fault, signal, key, least) => {
    expect(of(signal, key)).toBeGreaterThan(least);
    for (const sound of ['music', 'music at A 446']) expect(of(sound, key), sound).toBeLessThan(least / 1.5);
  });
  test('a reference pitch off A 440 is found, not punished', () => {
    expect(of('music at A 446', 'reference')).toBeCloseTo(446, 0);
    expect(of('music at A 446', 'inTune')).toBeGreaterThan(0.95);
    expect(of('detuned', 'inTune')).toBeLessThan(0.5);
  });
  test('tones of another tuning, snapped or in noise are not kept', () => {
    for (const key of ['kept.all', 'kept.bass', 'kept.middle', 'kept.true']) {
      expect(of('music', key)).toBe(1);
      expect(of('hiss', key), key).toBeGreaterThan(0.95);
      for (const signal of ['music at A 446', 'snapped', 'detuned', 'noise'])
        expect(of(signal, key), `${signal} ${key}`).toBeLessThan(0.35);
    }
  });
  test('haze fills the valleys between partials', () => {
    expect(of('slow', 'haze.low')).toBeGreaterThan(of('hiss', 'haze.low') + 10);
  });
  test('strokes above 8 kHz are counted', () => {
    expect(of('music', 'drumStrokes')).toBeCloseTo(4, 0);
    expect(of('slow', 'drumStrokes')).toBeLessThan(0.5);
  });
});

describe('clips that cannot be measured', () => {
  test.each([
    ['silence', new Float32Array(6 * RATE)],
    ['half a second', sine(RATE / 2, 440, RATE, 0.3)],
    ['no samples but one', new Float32Array(1)],
  ])('%s has no tones', (_name, x) => {
    const { latticeShare, cents, inTune, reference } = tones(x, RATE);
    expect([latticeShare, cents, inTune, reference]).toEqual([undefined, undefined, undefined, undefined]);
    expect(envelopes(x, RATE).attack).toBeUndefined();
  });
  test('a rate that cannot hold a band leaves its measures out', () => {
    const { buzz, ripple, drumStrokes } = envelopes(sine(5 * 3000, 440, 3000, 0.3), 3000);
    expect([buzz === undefined, ripple, drumStrokes]).toEqual([false, undefined, undefined]);
    expect(tones(sine(5 * 3000, 440, 3000, 0.3), 3000).haze.high).toBeUndefined();
  });
});
