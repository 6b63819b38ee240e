/** Faults that a generator leaves at its own frame and chunk boundaries: buzz at the hop rate, audible seams. */

import { hann, RealFft } from '../fft.ts';
import { simd } from '../simd.ts';
import { percentile } from '../statistics.ts';

/**
 * Buzz at a period of `lag` samples (decoder hop, chunk length): normalised autocorrelation of |x[n] - x[n-1]| at that
 * lag minus the median of its neighbours at lag ± 2 … ± 9. Near 0 for music, high for a click every hop.
 */
export function hopBuzz(mono: Float32Array, lag: number): number {
  const length = mono.length - 1;
  if (length < 2 * lag + 20 || lag < 12) return 0;
  const near = [2, 3, 4, 5, 6, 7, 8, 9].flatMap((k) => [lag - k, lag + k]);
  const [power, own, ...around] = correlations(mono, lag, [0, lag, ...near]);
  if (power <= 0) return 0;
  return (
    (own -
      percentile(
        around.sort((a, b) => a - b),
        0.5,
      )) /
    power
  );
}

const STRETCH = 4096; // samples that stay in the cache while all lags read them

/** The autocorrelation of v[n] = |x[n + 1] − x[n]| less its mean at each lag, 0 or within 9 of `middle`: the mean of v[n] v[n - lag]. */
function correlations(x: Float32Array, middle: number, lags: number[]): Float64Array {
  const fast = simd();
  const steps = fast ? undefined : stepsOf(x);
  const length = x.length - 1;
  const mean = fast ? fast.meanStep(x) : meanOf(steps as Float32Array);
  const sums = new Float64Array(lags.length);
  for (let start = 0; start < length; start += STRETCH) {
    const end = Math.min(length, start + STRETCH);
    const found = fast?.correlate(x, mean, start, end, middle);
    lags.forEach((lag, i) => {
      const sum = found ? found[lag === 0 ? 20 : middle + 10 - lag] : products(steps as Float32Array, mean, start, end, lag);
      sums[i] += sum / (length - lag);
    });
  }
  return sums;
}

function stepsOf(x: Float32Array): Float32Array {
  const steps = new Float32Array(x.length - 1);
  for (let n = 0; n < steps.length; n++) steps[n] = Math.abs(x[n + 1] - x[n]);
  return steps;
}

function meanOf(x: Float32Array): number {
  let mean = 0;
  for (const value of x) mean += value / x.length;
  return mean;
}

function products(steps: Float32Array, mean: number, start: number, end: number, lag: number): number {
  let sum = 0;
  for (let n = Math.max(start, lag); n < end; n++) sum += (steps[n] - mean) * (steps[n - lag] - mean);
  return sum;
}

/** What can be measured where two pieces of audio were joined. */
export interface Seam {
  /** Sample index of the join; 0 means the loop point, end to start. */
  position: number;
  /** Largest |x[n] - x[n-1]| within 2 ms over the 99th percentile of the clip: at most about 1 when nothing clicks. */
  jump: number;
  /** RMS difference in dB of the spectra 43 ms before and after. */
  spectralStepDb: number;
  /** Median of the same at 32 other places of the clip. */
  typicalStepDb: number;
}

const SIZE = 1024;
const BANDS = 24;

/** One Seam per position in samples. Position 0 (or the length) is the join of a loop. */
export function seams(mono: Float32Array, sampleRate: number, positions: number[]): Seam[] {
  if (positions.length === 0) return [];
  const length = mono.length;
  const at = (n: number) => mono[((n % length) + length) % length]; // wraps, for the loop point
  const typicalJump = diffPercentile(mono);
  const fft = new RealFft(SIZE);
  const window = hann(SIZE);
  const power = new Float64Array(SIZE / 2 + 1);

  const bands = (start: number): Float64Array => {
    fft.power(
      window.map((w, n) => w * at(start + n)),
      power,
    );
    return logBands(power);
  };
  const step = (position: number): number => {
    const before = bands(position - SIZE);
    const after = bands(position);
    return Math.sqrt(before.reduce((sum, b, i) => sum + (b - after[i]) ** 2, 0) / BANDS);
  };
  const elsewhere = Array.from({ length: 32 }, (_, i) => step(Math.round(SIZE + ((length - 2 * SIZE) * (i + 0.5)) / 32))).sort(
    (a, b) => a - b,
  );
  const reach = Math.round(0.002 * sampleRate);
  return positions.map((position) => {
    let jump = 0;
    for (let n = position - reach; n <= position + reach; n++) jump = Math.max(jump, Math.abs(at(n) - at(n - 1)));
    return {
      position: position % length,
      jump: typicalJump > 0 ? jump / typicalJump : jump > 0 ? Infinity : 0,
      spectralStepDb: step(position),
      typicalStepDb: percentile(elsewhere, 0.5),
    };
  });
}

/** 99th percentile of |x[n] - x[n-1]| inside the clip, from at most 2^18 evenly spread samples. */
function diffPercentile(mono: Float32Array): number {
  const stride = Math.max(1, Math.floor(mono.length / 2 ** 18));
  const sample = new Float32Array(Math.floor((mono.length - 1) / stride));
  for (let i = 0; i < sample.length; i++) sample[i] = Math.abs(mono[i * stride + 1] - mono[i * stride]);
  return sample.length ? percentile(sample.sort(), 0.99) : 0;
}

/** Power in 24 bands of equal width in log frequency, dB, floor -80 dB under full scale. */
function logBands(power: Float64Array): Float64Array {
  const out = new Float64Array(BANDS);
  for (let k = 1; k < power.length; k++) {
    out[Math.min(BANDS - 1, Math.floor((BANDS * Math.log(k)) / Math.log(power.length)))] += power[k];
  }
  return out.map((p) => 10 * Math.log10(p + 1e-8 * SIZE * SIZE));
}
