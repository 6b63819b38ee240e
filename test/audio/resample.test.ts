import { describe, expect, test } from 'vitest';
import { resample } from '../../src/audio/resample.ts';
import { maxAbsDifference, noise, sine } from './signals.ts';

/** Away from the ends, where the kernel would need samples that are not there. */
const inner = (x: Float32Array, margin: number) => x.subarray(margin, x.length - margin);
const rms = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);

describe('a sine keeps frequency, level and phase', () => {
  test.each([
    [24000, 48000],
    [24000, 44100],
    [24000, 22050],
    [44100, 24000],
    [48000, 16000],
    [22050, 24000],
    [44100, 44099], // the dense-table path
    [8000, 384000],
  ])('%i Hz → %i Hz', (from, to) => {
    const hz = 0.37 * Math.min(from, to);
    const y = resample(sine(from / 5, hz, from, 0.9, 0.3), from, to);
    expect(y.length).toBe(Math.ceil(to / 5));
    const margin = Math.ceil((80 * Math.max(from, to)) / Math.min(from, to));
    expect(maxAbsDifference(inner(y, margin), inner(sine(y.length, hz, to, 0.9, 0.3), margin))).toBeLessThan(1e-4);
  });
});

test('level is flat to 0.01 dB up to 0.91 of the lower Nyquist frequency', () => {
  for (const share of [0.01, 0.5, 0.8, 0.91]) {
    const y = inner(resample(sine(24000, share * 8000, 48000), 48000, 16000), 300);
    expect(Math.abs(20 * Math.log10(rms(y) * Math.SQRT2))).toBeLessThan(0.01);
  }
});

test('what the lower rate cannot hold is removed, not folded back: below -80 dB', () => {
  for (const hz of [8400, 10000, 15000, 23000]) {
    expect(20 * Math.log10(rms(inner(resample(sine(48000, hz, 48000), 48000, 16000), 300)))).toBeLessThan(-80);
  }
});

// What fadtk asks of torchaudio (`sinc_interp_kaiser`).
const FADTK_RESAMPLING = { width: 64, rolloff: 0.9475937167399596, beta: 14.769656459379492 };

test('fadtk parameters equal the torchaudio kernel formula, tap by tap', () => {
  // An impulse at 24 kHz read at 16 kHz: output i is the kernel at (1.5 i - place) times torchaudio's `base_freq`.
  const at = 400;
  const impulse = new Float32Array(1000);
  impulse[at] = 1;
  const y = resample(impulse, 24000, 16000, FADTK_RESAMPLING);
  const { width, rolloff, beta } = FADTK_RESAMPLING;
  const i0 = (x: number) => {
    let sum = 0;
    for (let k = 0; k <= 20000; k++) sum += Math.exp(x * Math.cos((Math.PI * k) / 20000)) * (k === 0 || k === 20000 ? 0.5 : 1);
    return sum / 20000; // (1/pi) integral over 0..pi of e^(x cos u)
  };
  const base = (2 / 3) * rolloff;
  for (let i = 200; i < 340; i++) {
    const t = (i * 1.5 - at) * base;
    const clamped = Math.max(-width, Math.min(width, t));
    const window = i0(beta * Math.sqrt(1 - (clamped / width) ** 2)) / i0(beta);
    const sinc = t === 0 ? 1 : Math.sin(Math.PI * clamped) / (Math.PI * clamped);
    expect(y[i]).toBeCloseTo(sinc * window * base, 6);
  }
});

test('there and back keeps band-limited noise', () => {
  const x = resample(noise(4800, 1, 0.5), 16000, 24000);
  const back = resample(resample(x, 24000, 48000), 48000, 24000);
  expect(maxAbsDifference(inner(back, 200), inner(x, 200))).toBeLessThan(1e-3);
});

test('a constant stays constant; equal rates return the input', () => {
  const ones = new Float32Array(5000).fill(1);
  expect(maxAbsDifference(inner(resample(ones, 44100, 24000), 100), inner(new Float32Array(2722).fill(1), 100))).toBeLessThan(1e-4);
  expect(resample(ones, 24000, 24000)).toBe(ones);
});

test.each([0, -1, 1.5, Number.NaN])('rate %f is refused', (rate) => {
  expect(() => resample(new Float32Array(4), rate, 24000)).toThrow('whole number of Hz');
});
