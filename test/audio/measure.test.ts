import { describe, expect, test } from 'vitest';
import { measureClip } from '../../src/audio/measure.ts';
import { bands, format, rows } from '../../src/audio/report.ts';
import { faultSignals } from './measures/fault_signals.ts';
import { beats, chord, clicks, concat, gaussian, mix, sine } from './signals.ts';

const RATE = 24000;
const music = (bpm: number, seconds = 10) =>
  mix(
    clicks(seconds, RATE, beats(seconds, bpm), 0.4),
    concat(
      ...Array.from({ length: seconds }, (_, i) =>
        chord(
          1,
          RATE,
          [
            [60, 64, 67],
            [65, 69, 72],
            [67, 71, 74],
            [60, 64, 67],
          ][i % 4],
        ),
      ),
    ),
  );

describe('suspect output', () => {
  const suspect = (x: Float32Array) => measureClip([x], RATE).suspect;
  test('music is not suspect', () => expect(suspect(music(120))).toEqual([]));
  test.each([
    ['flat noise', gaussian(5 * RATE, 1), 'flat noise'],
    ['silence', new Float32Array(RATE), 'silent'],
    ['almost silence', concat(new Float32Array(99 * 2400), sine(2400, 440, RATE, 0.1)), 'silent'],
    ['a lone tone', sine(5 * RATE, 440, RATE, 0.3), 'lone tone'],
    ['hum', mix(sine(5 * RATE, 100, RATE, 0.3), gaussian(5 * RATE, 1, 0.001)), 'lone tone'],
    ['clipping', music(120).map((v) => Math.max(-1, Math.min(1, 12 * v))), 'clipped'],
    ['DC', music(120).map((v) => v + 0.05), 'DC'],
    ['NaN', music(120).map((v, n) => (n === 7 ? Number.NaN : v)), 'non-finite: 1'],
  ])('%s', (_name, x, word) => {
    expect(suspect(x).join('; ')).toContain(word);
  });
  test('a little clipping is measured but not suspect', () => {
    const x = music(120);
    x.fill(1, 1000, 1100);
    const report = measureClip([x], RATE);
    expect(report.clipping.share).toBeCloseTo(100 / x.length, 6);
    expect(report.suspect).toEqual([]);
  });
});

describe('music that is out of tune, or has neither bass nor pulse', () => {
  const suspect = (x: Float32Array) => measureClip([x], RATE).suspect.join('; ');
  test.each(['music', 'music at A 446', 'hiss', 'slow'])('%s is not suspect', (name) => expect(suspect(faultSignals[name]())).toBe(''));
  test('tones on multiples of the frame rate', () => {
    expect(suspect(faultSignals.snapped())).toMatch(/^out of tune: 9\d\.\d % of the tones lie on multiples/);
    expect(suspect(faultSignals['repeated frames']())).toContain('on multiples');
    // The same tones are no trace of a codec with 86.13 frames a second.
    expect(measureClip([faultSignals.snapped()], RATE, { frameRate: 86.13 }).suspect).toEqual([]);
  });
  test('a chord whose voices do not fit', () => {
    expect(suspect(faultSignals.detuned())).toMatch(/^out of tune: 3\d\.\d % of the tones lie within 15 cents/);
  });
  test('high, held tones in a hiss', () => {
    const held = mix(chord(6, RATE, [72, 76, 79], 0.05), gaussian(6 * RATE, 4, 0.01));
    expect(suspect(held)).toMatch(/^neither bass nor pulse: 0\.\d % of the energy/);
    expect(suspect(mix(held, sine(6 * RATE, 130.8, RATE, 0.05)))).toBe(''); // with a bass
    expect(suspect(mix(held, clicks(6, RATE, beats(6, 120), 0.5)))).toBe(''); // with a pulse
  });
});

describe('report', () => {
  test('finds tempo, key, loudness, joins and buzz of a made clip', () => {
    const x = music(120);
    const report = measureClip([x, x], RATE, { bpm: 121, periods: [96], joins: [0, 5 * RATE] });
    expect(report.rhythm.tempo).toBeCloseTo(120, 0);
    expect(report.rhythm.adherence).toEqual({ strict: true, folded: true });
    expect(report.tonality?.key.name).toBe('C major');
    expect(report.stereo?.correlation).toBeCloseTo(1, 6);
    expect(report.hopBuzz).toMatchObject([{ period: 96 }]);
    expect(report.seams.map((s) => s.position)).toEqual([0, 5 * RATE]);
    expect(report.structure).toBeUndefined();
    expect(report.descriptor.length).toBe(64);
    expect(measureClip([music(120, 14)], RATE).structure).toBeDefined();
  });
  test.each([1, 10, 100, 2400])('a clip of %i samples is measured without NaN', (length) => {
    for (const x of [sine(length, 440, RATE, 0.3), new Float32Array(length)]) {
      const report = measureClip([x], RATE);
      for (const { name, value } of rows(report)) expect(value, name).not.toBeNaN();
    }
  });
  test('non-finite samples are counted and the rest is still measured', () => {
    const x = music(120);
    x[3] = Infinity;
    const report = measureClip([x], RATE);
    expect(report.nonFinite).toBe(1);
    expect(report.rhythm.tempo).toBeCloseTo(120, 0);
    expect(x[3]).toBe(Infinity); // the caller's samples stay
  });
  test.each([
    ['no channels', []],
    ['no samples', [new Float32Array(0)]],
    ['uneven channels', [new Float32Array(2), new Float32Array(3)]],
  ])('%s: refused', (_name, channels) => expect(() => measureClip(channels, RATE)).toThrow('measure:'));

  test('10 s are measured in under a second', () => {
    const x = music(120);
    measureClip([x], RATE); // warm up
    const runs = Array.from({ length: 3 }, () => {
      const start = process.cpuUsage();
      measureClip([x], RATE);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6;
    });
    expect(Math.min(...runs)).toBeLessThan(1);
  });
});

describe('rows and bands', () => {
  test('a band is the 5th to 95th percentile, and needs five clips', () => {
    const base = measureClip([music(120)], RATE);
    const loud = (integrated: number) => ({ ...base, loudness: { ...base.loudness, integrated } });
    const band = bands(Array.from({ length: 21 }, (_, i) => loud(-i))).get('loudness');
    expect(band).toEqual({ low: -19, high: -1, count: 21 });
    expect(bands([1, 2, 3, 4].map(loud)).size).toBe(0);
    expect(bands(Array.from({ length: 6 }, (_, i) => loud(i < 2 ? -Infinity : -i))).has('loudness')).toBe(false);
  });
  test('format', () => {
    expect(format({ value: -15.24, unit: 'LUFS', digits: 1 })).toBe('-15.2 LUFS');
    expect(format({ value: -Infinity, unit: 'dB', digits: 1 })).toBe('-inf dB');
    expect(format({ value: -0.001, unit: '', digits: 2 })).toBe('0.00');
    expect(format({ value: undefined, unit: 's', digits: 1 })).toBe('-');
  });
  test('names are unique', () => {
    const names = rows(measureClip([music(120)], RATE, { joins: [0, 100], periods: [96, 480] })).map((r) => r.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
