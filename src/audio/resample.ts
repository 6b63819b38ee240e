/** Band-limited resampling by any rational ratio: a Kaiser-windowed sinc, evaluated once a phase (polyphase). */
import { sinTurns } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { simd } from './simd.ts';

export interface ResampleOptions {
  /** Zero crossings on each side of the kernel's centre. */
  width?: number;
  /** Cut-off as a share of the lower Nyquist frequency. */
  rolloff?: number;
  /** Kaiser window shape. */
  beta?: number;
}

/** Flat to 0.01 dB up to 0.91 of the lower Nyquist frequency; images and aliases below -80 dB. */
const DEFAULTS = { width: 64, rolloff: 0.95, beta: 9.5 } satisfies ResampleOptions;

/** Kernel tables above this many entries are interpolated from one dense table instead (odd ratios such as 44100:44099). */
const MAX_EXACT_TABLE = 1 << 20;

/** Phases from which on the module is worth what turning its input costs. */
const FEWEST_PHASES = 8;

/** x [n] at `from` Hz → [ceil(n * to / from)] at `to` Hz. Rates are whole numbers. Equal rates return x itself. */
export function resample(x: Float32Array, from: number, to: number, options: ResampleOptions = {}): Float32Array {
  for (const rate of [from, to]) {
    if (!Number.isInteger(rate) || rate < 1) {
      throw new MelodyError('invalid_argument', `resample: rate ${rate}; expected a whole number of Hz above 0`);
    }
  }
  const divisor = gcd(from, to);
  return from === to ? x : polyphase(x, to / divisor, from / divisor, options);
}

/** x [n] without what `resample` would take away of it on the way from a higher rate: its highest tones, from 0.91 of the Nyquist frequency on. */
export const bandLimit = (x: Float32Array): Float32Array => polyphase(x, 1, 1, {});

/** x [n] → [ceil(n * up / down)]. */
function polyphase(x: Float32Array, up: number, down: number, options: ResampleOptions): Float32Array {
  const { width, rolloff, beta } = { ...DEFAULTS, ...options };
  // Output i lies at input position i * down / up. In units of the kernel's zero crossings an input sample is `scale` wide.
  const scale = Math.min(1, up / down) * rolloff;
  const reach = Math.ceil(width / scale);
  const taps = 2 * reach + 1;
  const exact = up * taps <= MAX_EXACT_TABLE;
  const most = besselI0(beta);
  const kernel = exact ? (t: number) => kaiserSinc(t, width, beta, most) : denseKernel(width, beta);
  const phases = new Map<number, Float64Array>();
  const scratch = new Float64Array(taps);

  const phaseTaps = (phase: number): Float64Array => {
    const known = phases.get(phase);
    if (known) return known;
    const out = exact ? new Float64Array(taps) : scratch;
    for (let k = 0; k < taps; k++) out[k] = kernel((k - reach - phase / up) * scale) * scale;
    if (exact) phases.set(phase, out);
    return out;
  };

  const y = new Float32Array(Math.ceil((x.length * up) / down));
  const fast = exact && up >= FEWEST_PHASES ? simd() : undefined;
  if (fast) {
    const starts = Uint32Array.from({ length: up }, (_, p) => Math.floor((p * down) / up));
    const all = new Float64Array(up * taps);
    for (let p = 0; p < up; p++) all.set(phaseTaps((p * down) % up), p * taps);
    fast.resample(x, reach, up, down, { starts, taps: all, count: taps }, y);
    return y;
  }
  const padded = new Float32Array(x.length + 2 * taps + 4 * down);
  padded.set(x, reach);
  // Outputs that lie a period (`up` of them, `down` samples) apart have the same taps: four such outputs are made for one reading of those.
  for (let i = 0; i < y.length; i += 3 * up)
    for (const end = Math.min(i + up, y.length); i < end; i++)
      filterFour(padded, Math.floor((i * down) / up), down, phaseTaps((i * down) % up), y, i, up);
  return y;
}

/** The sums of x[start + k] h[k] for four starts that lie `down` apart, into y[at], y[at + up] and so on. */
function filterFour(x: Float32Array, start: number, down: number, h: Float64Array, y: Float32Array, at: number, up: number): void {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let k = 0; k < h.length; k++) {
    const tap = h[k];
    const n = start + k;
    a += x[n] * tap;
    b += x[n + down] * tap;
    c += x[n + 2 * down] * tap;
    d += x[n + 3 * down] * tap;
  }
  [a, b, c, d].forEach((sum, j) => {
    y[at + j * up] = sum; // behind the end of y it is dropped
  });
}

/** sinc(t) under a Kaiser window of half-width `width`, which is `most` = besselI0(beta) at its top; zero outside. */
function kaiserSinc(t: number, width: number, beta: number, most: number): number {
  const u = t / width;
  if (u <= -1 || u >= 1) return 0;
  const sinc = t === 0 ? 1 : sinTurns(t / 2) / (Math.PI * t);
  return (sinc * besselI0(beta * Math.sqrt(1 - u * u))) / most;
}

/** The same kernel from a table of 4096 points a zero crossing, linear between them: error below 1e-7. */
function denseKernel(width: number, beta: number): (t: number) => number {
  const density = 4096;
  const most = besselI0(beta);
  const table = Float64Array.from({ length: width * density + 2 }, (_, i) => kaiserSinc(i / density, width, beta, most));
  return (t) => {
    const at = Math.min(Math.abs(t), width) * density;
    const i = Math.floor(at);
    return table[i] + (at - i) * (table[i + 1] - table[i]);
  };
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
export function besselI0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x * x) / (4 * k * k);
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
