/**
 * Measures of tones: do they sound where notes are, or where a decoder's frame rate puts them? tools/train/melody_train/tones.py computes
 * the same numbers with the same formulas, and test/audio/measures/shared.test.ts holds the two together.
 *
 * "Line": the highest point within 10 Hz on either side in the power spectrum of a 1 s Hann window, placed by a parabola through three log
 * powers. Windows start every half second, whole windows only, zero-padded to the next power of two; a window below -60 dBFS has no lines.
 */
import { exp2, log, log2, log10 } from '../../elementary.ts';
import { hann, windowedFft } from '../fft.ts';
import { simd } from '../simd.ts';
import { mean, percentile } from '../statistics.ts';

/** Latent frames a second of the codec of melody-small: a decoder that repeats its frames plays multiples of it. */
export const FRAME_RATE = 50;
const APART_HZ = 10;
const STRONGEST = 20;
const BELOW_STRONGEST = 1e-3;
/** Nearer than this is the same tone to a listener. */
export const CENTS = 15;
const QUIET = 1e-6;

/** How well the partials of a clip are in tune, and what a codec left between them. */
export interface Tones {
  /** Share of the lines of 150 to 3000 Hz that lie within 1 Hz of a multiple of the frame rate; by chance 2 / frameRate. */
  latticeShare?: number;
  /** Median distance of the lines of 150 to 1000 Hz from the semitones of the clip's own best reference pitch, cents; by chance about 20. */
  cents?: number;
  /** Share of those lines within 15 cents of a semitone; by chance about 0.4. */
  inTune?: number;
  /** The clip's own best reference pitch: the A nearest to 440 Hz, Hz. */
  reference?: number;
  /** Partials over the valleys between them, dB. Low values mean haze between partials; a high value in the highest band means cymbals that whistle. */
  haze: {
    /** From 200 to 1000 Hz. */
    low?: number;
    /** From 1 to 4 kHz. */
    middle?: number;
    /** From 4 to 10 kHz. */
    high?: number;
  };
  /** Share of the energy below 250 Hz. */
  bassShare?: number;
}

/** mono: finite samples. What a clip is too short or too quiet for, or what its rate cannot hold, is absent. */
export function tones(mono: Float32Array, sampleRate: number, frameRate = FRAME_RATE): Tones {
  const low: number[] = [];
  const all: number[] = [];
  let bass = 0;
  let total = 0;
  windowPowers(mono, 1, sampleRate, (power, binHz, loud) => {
    total = added(power, total);
    bass = added(power.subarray(0, Math.ceil(250 / binHz)), bass);
    if (!loud) return;
    all.push(...strongestLines(power, binHz, 150, 3000));
    low.push(...strongestLines(power, binHz, 150, 1000));
  });
  return {
    ...(all.length > 0 && { latticeShare: mean(all.map((f) => (Math.abs(f - frameRate * Math.round(f / frameRate)) <= 1 ? 1 : 0))) }),
    ...(low.length > 0 && tuning(low)),
    haze: haze(mono, sampleRate),
    ...(total > 0 && { bassShare: bass / total }),
  };
}

/** `sum` and all numbers of x, one after another. */
function added(x: Float64Array, sum: number): number {
  const fast = simd();
  if (fast) return fast.total(x, sum);
  for (let k = 0; k < x.length; k++) sum += x[k];
  return sum;
}

/** sums[k] += x[k] / by. */
function addShares(sums: Float64Array, x: Float64Array, by: number): void {
  const fast = simd();
  if (fast) fast.addShares(sums, x, by);
  else for (let k = 0; k < x.length; k++) sums[k] += x[k] / by;
}

/** Visits the power spectrum [bins] of each half-overlapping window; `loud` is false below -60 dBFS. A sine of amplitude 1 has power 1. */
export function windowPowers(
  x: Float32Array,
  seconds: number,
  rate: number,
  visit: (power: Float64Array, binHz: number, loud: boolean) => void,
) {
  const size = Math.round(seconds * rate);
  const half = Math.floor(size / 2);
  const padded = Math.max(4, 2 ** (32 - Math.clz32(size - 1)));
  const transform = windowedFft(padded, hann(size), (4 / size) * (4 / size));
  const power = new Float64Array(padded / 2 + 1);
  for (let start = 0; start + size <= x.length; start += half) {
    const energy = transform(x.subarray(start, start + size), power);
    visit(power, rate / padded, energy / size >= QUIET);
  }
}

/** Frequencies in Hz, strongest first, of at most 20 lines between low and high Hz, within 30 dB of the strongest of them. */
export function strongestLines(power: Float64Array, binHz: number, low: number, high: number): number[] {
  const reach = Math.round(APART_HZ / binHz);
  const peaks: number[] = [];
  for (let k = Math.max(1, Math.ceil(low / binHz)); k <= Math.min(Math.floor(high / binHz), power.length - 2); k++) {
    if (power[k] > power[k - 1] && highest(power, k, reach)) peaks.push(k);
  }
  peaks.sort((a, b) => power[b] - power[a]);
  return peaks
    .slice(0, STRONGEST)
    .filter((k) => power[k] >= power[peaks[0]] * BELOW_STRONGEST)
    .map((k) => {
      const [left, middle, right] = [power[k - 1], power[k], power[k + 1]].map((p) => log(p + 1e-30));
      return (k + (0.5 * (left - right)) / Math.min(left - 2 * middle + right, -1e-12)) * binHz;
    });
}

function highest(power: Float64Array, k: number, reach: number): boolean {
  for (let j = Math.max(0, k - reach); j <= Math.min(power.length - 1, k + reach); j++) if (power[j] > power[k]) return false;
  return true;
}

/** Of 100 grids of semitones a cent apart, the one with the least mean distance. */
function tuning(lines: number[]): Pick<Tones, 'cents' | 'inTune' | 'reference'> {
  const cents = lines.map((f) => 1200 * log2(f / 440));
  const away = (offset: number) => cents.map((c) => Math.abs(modulo(c - offset + 50, 100) - 50));
  let best = -50;
  let least = Infinity;
  for (let offset = -50; offset < 50; offset++) {
    const distance = mean(away(offset));
    if (distance < least) [best, least] = [offset, distance];
  }
  const distances = away(best).sort((a, b) => a - b);
  return {
    cents: percentile(distances, 0.5),
    inTune: mean(distances.map((d) => (d <= CENTS ? 1 : 0))),
    reference: 440 * exp2(best / 1200),
  };
}

const modulo = (value: number, by: number) => ((value % by) + by) % by;

const HAZE_BANDS = { low: [200, 1000], middle: [1000, 4000], high: [4000, 10000] } as const;
const HAZE_SECONDS = 0.34;
const HAZE_GROUP = 5;
const HAZE_CELL_HZ = 50;

/** Spectra averaged over about a second; in every cell of 50 Hz the 90th percentile over the 10th; the median over cells and seconds. */
function haze(mono: Float32Array, sampleRate: number): Tones['haze'] {
  const found = { low: [] as number[], middle: [] as number[], high: [] as number[] };
  let sum = new Float64Array(0);
  let count = 0;
  let anyLoud = false;
  windowPowers(mono, HAZE_SECONDS, sampleRate, (power, binHz, loud) => {
    if (count === 0) sum = new Float64Array(power.length);
    addShares(sum, power, HAZE_GROUP);
    anyLoud ||= loud;
    if (++count < HAZE_GROUP) return;
    if (anyLoud)
      for (const band of ['low', 'middle', 'high'] as const) found[band].push(...contrasts(sum, binHz, HAZE_BANDS[band], sampleRate));
    count = 0;
    anyLoud = false;
  });
  return Object.fromEntries(
    Object.entries(found)
      .filter(([, values]) => values.length > 0)
      .map(([band, values]) => [
        band,
        percentile(
          values.sort((a, b) => a - b),
          0.5,
        ),
      ]),
  );
}

function contrasts(power: Float64Array, binHz: number, [low, high]: readonly [number, number], sampleRate: number): number[] {
  const out: number[] = [];
  for (let edge = low; edge + HAZE_CELL_HZ <= Math.min(high, sampleRate / 2 - HAZE_CELL_HZ); edge += HAZE_CELL_HZ) {
    const cell = power.slice(Math.ceil(edge / binHz), Math.ceil((edge + HAZE_CELL_HZ) / binHz)).sort();
    out.push(10 * log10((percentile(cell, 0.9) + 1e-14) / (percentile(cell, 0.1) + 1e-14)));
  }
  return out;
}
