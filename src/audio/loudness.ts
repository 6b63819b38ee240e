/** Loudness by ITU-R BS.1770-4 and EBU Tech 3342: integrated loudness, loudness range, drift, true peak. */

import { cosTurns, exp, log10, sinTurns } from '../elementary.ts';
import { lengthOf } from './channels.ts';
import { besselI0 } from './resample.ts';
import { type Points, simd } from './simd.ts';
import { percentile } from './statistics.ts';

/** Loudness of a clip by ITU-R BS.1770-4 and EBU Tech 3342. */
export interface Loudness {
  /** Integrated loudness in LUFS; -Infinity when nothing passes the -70 LUFS gate. */
  integrated: number;
  /** 95th minus 10th percentile of gated 3 s loudness, LU; 0 for clips under 3 s. */
  range: number;
  /** Slope of gated 3 s loudness, LU a minute; 0 for clips under 3 s. */
  drift: number;
}

interface Biquad {
  b: [number, number, number];
  a: [number, number, number];
}

/** tan(π·turns). */
const tangent = (halfTurns: number): number => sinTurns(halfTurns / 2) / cosTurns(halfTurns / 2);

/** The K filter of BS.1770-4, redesigned from its analog form for any rate; at 48 kHz it is the table of the standard. */
export function kFilter(sampleRate: number): { shelf: Biquad; highPass: Biquad } {
  const shelfK = tangent(1681.974450955533 / sampleRate);
  const shelfQ = 0.7071752369554196;
  const high = fromDb(3.999843853973347);
  const band = fromDb(3.999843853973347 * 0.4996667741545416);
  const norm = 1 + shelfK / shelfQ + shelfK * shelfK;
  const shelf: Biquad = {
    b: [
      (high + (band * shelfK) / shelfQ + shelfK * shelfK) / norm,
      (2 * (shelfK * shelfK - high)) / norm,
      (high - (band * shelfK) / shelfQ + shelfK * shelfK) / norm,
    ],
    a: [1, (2 * (shelfK * shelfK - 1)) / norm, (1 - shelfK / shelfQ + shelfK * shelfK) / norm],
  };
  const k = tangent(38.13547087602444 / sampleRate);
  const q = 0.5003270373238773;
  const highNorm = 1 + k / q + k * k;
  return { shelf, highPass: { b: [1, -2, 1], a: [1, (2 * (k * k - 1)) / highNorm, (1 - k / q + k * k) / highNorm] } };
}

/** Weight of channel c of n, by WAVE speaker order; the low-frequency channel of 5.1 and 7.1 does not count, those behind count more. */
const weight = (n: number, c: number): number => (c < (n === 4 ? 2 : 3) ? 1 : n < 6 ? 1.41 : c === 3 ? 0 : n === 6 || c > 5 ? 1.41 : 1);

/** LUFS of a K-weighted power. */
export const level = (power: number): number => -0.691 + 10 * log10(power);
/** The amplitude that is so many dB over 1. */
export const fromDb = (dB: number): number => exp((dB * Math.LN10) / 20);
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** channels: one array a channel, 1 to 8, finite samples. A clip under 400 ms is measured as one block. */
export function loudness(channels: Float32Array[], sampleRate: number): Loudness {
  const steps = weightedPower(channels, sampleRate);
  const integrated = gated(slidingMean(steps, 4), -10);
  const short = steps.length >= 30 ? slidingMean(steps, 30) : [];
  const loud = short.map((power, i) => ({ minutes: i / 600, power })).filter(({ power }) => level(power) > -70);
  if (loud.length < 2) return { integrated: level(integrated), range: 0, drift: 0 };
  const threshold = level(mean(loud.map(({ power }) => power))) - 20;
  const sorted = loud
    .map(({ power }) => level(power))
    .filter((l) => l > threshold)
    .sort((a, b) => a - b);
  return {
    integrated: level(integrated),
    range: percentile(sorted, 0.95) - percentile(sorted, 0.1),
    drift: slope(loud.map(({ minutes, power }) => [minutes, level(power)])),
  };
}

/** Mean K-weighted power of each whole 100 ms, weighted and summed over channels. */
function weightedPower(channels: Float32Array[], sampleRate: number): number[] {
  const length = lengthOf(channels);
  const count = Math.max(1, Math.floor((length * 10) / sampleRate));
  const edges = Array.from({ length: count + 1 }, (_, i) => Math.min(length, Math.round((i * sampleRate) / 10)));
  if (length * 10 < sampleRate) edges[1] = length;
  const steps = new Array<number>(count).fill(0);
  channels.forEach((x, c) => {
    const energy = kEnergy(sampleRate);
    const counts = weight(channels.length, c);
    for (let i = 0; i < count; i++) steps[i] += (counts * energy(x, edges[i], edges[i + 1])) / (edges[i + 1] - edges[i]);
  });
  return steps;
}

/** The K-weighted energy of samples from…to−1 of a channel, one run after another: the filters remember, four numbers in `state`. */
export function kEnergy(sampleRate: number, state = new Float64Array(4)): (x: Float32Array, from: number, to: number) => number {
  const { shelf, highPass } = kFilter(sampleRate);
  const [b0, b1, b2] = shelf.b;
  const [, a1, a2] = shelf.a;
  const [, c1, c2] = highPass.a;
  // Two biquads in transposed direct form II: their state is in an array between calls because V8 boxes captured numbers.
  return (x, from, to) => {
    const fast = simd();
    if (fast) return fast.weighted(x.subarray(from, to), state, [b0, b1, b2, a1, a2, c1, c2]);
    let [s1, s2, h1, h2] = state;
    let energy = 0;
    for (let n = from; n < to; n++) {
      const input = x[n];
      const y = b0 * input + s1;
      s1 = b1 * input - a1 * y + s2;
      s2 = b2 * input - a2 * y;
      const z = y + h1;
      h1 = -2 * y - c1 * z + h2;
      h2 = y - c2 * z;
      energy += z * z;
    }
    state.set([s1, s2, h1, h2]);
    return energy;
  };
}

/** Mean power of the blocks above -70 LUFS and above `relative` LU of those. */
function gated(blocks: number[], relative: number): number {
  const loud = blocks.filter((power) => level(power) > -70);
  if (loud.length === 0) return 0;
  const threshold = level(mean(loud)) + relative;
  return mean(loud.filter((power) => level(power) > threshold));
}

/** Mean of every run of `length` values; one run of all when there are fewer. */
function slidingMean(values: number[], length: number): number[] {
  if (values.length <= length) return [mean(values)];
  const prefix = [0];
  for (const v of values) prefix.push(prefix[prefix.length - 1] + v);
  return Array.from({ length: values.length - length + 1 }, (_, i) => Math.max(0, (prefix[i + length] - prefix[i]) / length));
}

/** Least-squares slope of [x, y] points. */
function slope(points: [number, number][]): number {
  const mx = mean(points.map(([x]) => x));
  const my = mean(points.map(([, y]) => y));
  let xy = 0;
  let xx = 0;
  for (const [x, y] of points) {
    xy += (x - mx) * (y - my);
    xx += (x - mx) * (x - mx);
  }
  return xx > 0 ? xy / xx : 0;
}

const TRUE_PEAK_REACH = 16;
const TRUE_PEAK_BLOCK = 64;

/** Largest |x| after 4x band-limited oversampling, linear (1 = 0 dBTP). Kaiser sinc, 16 samples each side. */
export function truePeak(x: Float32Array): number {
  let peak = highest(x);
  const fast = simd();
  if (fast) return fast.peak(x, points(), peak);
  between(
    x,
    () => peak,
    (_, value) => {
      if (value > peak) peak = value;
    },
  );
  return peak;
}

/** Largest |x| of the samples. */
export function highest(x: Float32Array): number {
  let peak = 0;
  for (let n = 0; n < x.length; n++) peak = Math.max(peak, Math.abs(x[n]));
  return peak;
}

/**
 * Tells `hear` of |x| at the three points of 4x oversampling after each sample n, the largest of them. Passes over samples where none can
 * exceed `floor()`.
 */
export function between(x: Float32Array, floor: () => number, hear: (n: number, value: number) => void): void {
  const {
    taps: [one, two, three],
    most: gain,
  } = points();
  for (let start = 0; start < x.length; start += TRUE_PEAK_BLOCK) {
    const from = Math.max(0, start - TRUE_PEAK_REACH);
    const to = Math.min(x.length, start + TRUE_PEAK_BLOCK + TRUE_PEAK_REACH);
    let around = 0;
    for (let n = from; n < to; n++) around = Math.max(around, Math.abs(x[n]));
    if (around * gain <= floor()) continue;
    const end = Math.min(x.length, start + TRUE_PEAK_BLOCK);
    for (let n = start; n < end; n++) {
      const first = n - TRUE_PEAK_REACH + 1;
      const last = Math.min(one.length, x.length - first);
      let a = 0;
      let b = 0;
      let c = 0;
      for (let k = first < 0 ? -first : 0; k < last; k++) {
        const value = x[first + k];
        a += value * one[k];
        b += value * two[k];
        c += value * three[k];
      }
      hear(n, Math.max(Math.abs(a), Math.abs(b), Math.abs(c)));
    }
  }
}

let known: Points | undefined;

/** The taps of the three points after a sample. No interpolated value exceeds the largest sample in reach times their sum of |h|, `most`: so most blocks need no filtering. */
export function points(): Points {
  const taps = known?.taps ?? [1, 2, 3].map(truePeakTaps);
  known ??= { taps, most: Math.max(...taps.map((h) => h.reduce((sum, v) => sum + Math.abs(v), 0))) };
  return known;
}

/** Taps for the point phase/4 after sample n, over samples n - 15 … n + 16. */
function truePeakTaps(phase: number): Float64Array {
  return Float64Array.from({ length: 2 * TRUE_PEAK_REACH }, (_, k) => {
    const t = k - TRUE_PEAK_REACH + 1 - phase / 4;
    const window = besselI0(8 * Math.sqrt(1 - (t * t) / TRUE_PEAK_REACH / TRUE_PEAK_REACH)) / besselI0(8);
    return (window * sinTurns(t / 2)) / (Math.PI * t);
  });
}
