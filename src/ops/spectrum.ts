// Fourier transforms of framed audio, and what is made of spectra.
//
// One convention (tools/train/melody_train/models/spectrum.py): frame t of hop h is centred on the middle of its hop, sample t·h + h/2;
// zeros stand outside the signal. So n = h·T samples have exactly T frames, and every frame sees a finite neighbourhood.
import { cosTurns, sinTurns } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { type Graph, grid1d, rowsCols } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { type Constant, constant, sharedConstant } from './constant.ts';
import { VECTOR } from './layouts.ts';
import { matmul } from './matmul.ts';

export interface StftOptions {
  readonly size: number; // FFT size, even
  readonly hop: number; // even
  /** Compute bins 0…bins−1 only. Default all size/2 + 1. */
  readonly bins?: number;
}

/** Columns of one half (real or imaginary) of a spectrum of `bins`: rounded up so that rows are whole groups of four; zeros fill the rest. */
export const halfOf = (bins: number): number => Math.ceil(bins / 2) * 2;

/** Short-time Fourier transform with a periodic Hann window. audio [n], n = hop·T → [T, 2·halfOf(bins)]: real parts, then imaginary parts. */
export function stft(g: Graph, audio: Tensor, { size, hop, bins = size / 2 + 1 }: StftOptions): Tensor {
  const n = elementsOf(audio.shape);
  if (n % hop !== 0 || size % 2 || hop % 2 || size < hop)
    throw new MelodyError('shape', `stft: got ${n} samples, size ${size}, hop ${hop}; expected whole hops, even sizes and size ≥ hop`);
  if (!Number.isInteger(bins) || bins < 1 || bins > size / 2 + 1)
    throw new MelodyError('shape', `stft: got ${bins} bins, expected a whole number from 1 to ${size / 2 + 1} for size ${size}`);
  const frames = n / hop;
  const half = halfOf(bins);
  const y = g.temp([frames, 2 * half], 'f32', 'stft');
  return transform(g, audio, y, { rows: frames, points: size / 2, half, bins, hop, pad: (size - hop) / 2, samples: n }, 'stft');
}

/**
 * Inverse of stft for size = 4·hop: frames overlap-added under the same window, divided by 1.5, the sum of its squares.
 * spectrum [T, 2·halfOf(size/2 + 1)] → audio [hop·T].
 */
export function istft(g: Graph, spectrum: Tensor, { size, hop }: { size: number; hop: number }): Tensor {
  const [frames, width] = rowsCols(spectrum);
  const expected = 2 * halfOf(size / 2 + 1);
  if (size !== 4 * hop || hop % 2 || width !== expected)
    throw new MelodyError(
      'shape',
      `istft: got [${spectrum.shape}], size ${size}, hop ${hop}; expected an even hop, size 4·hop and ${expected} columns`,
    );
  const y = g.temp([frames * hop], 'f32', 'istft');
  const shape = { rows: frames, points: size / 2, half: width / 2, bins: size / 2 + 1, hop, pad: (size - hop) / 2, samples: frames * hop };
  return transform(g, spectrum, y, shape, 'istft');
}

interface Rows {
  readonly rows: number;
  readonly points: number; // complex ones, half as many as real ones
  readonly half: number; // columns of a half of the spectra
  readonly bins: number;
  readonly hop: number;
  readonly pad: number;
  readonly samples: number;
}

/** All steps of the transforms from audio x to spectra y ('stft'), or back. */
function transform(g: Graph, x: Tensor, y: Tensor, rows: Rows, label: 'stft' | 'istft'): Tensor {
  const { points } = rows;
  const turn = constant(g, turns(2 * points));
  const forward = label === 'stft';
  const radices = factors(points);
  let step = points;
  let from = x;
  radices.forEach((radix, i) => {
    step /= radix;
    const last = i === radices.length - 1;
    const to = last ? y : g.temp([rows.rows, 2 * points], 'f32', label);
    const elements = last ? elementsOf(y.shape) / (forward ? 2 : 1) : rows.rows * points;
    g.dispatch(K.fft, {
      in: { x: from, turn },
      out: { y: to },
      params: { ...rows, radix, step, inverse: forward ? 0 : 1 },
      meaning: { READ: i > 0 ? 0 : forward ? 1 : 2, WRITE: last ? (forward ? 1 : 2) : 0 },
      grid: grid1d(g.caps, elements, 64),
      flops: 8 * rows.rows * points * radix,
    });
    from = to;
  });
  return y;
}

/** Factors of n: odd primes, 2 at most once, and then fours, whose steps are whole groups of four. [1] for 1. */
function factors(n: number): number[] {
  const odd: number[] = [];
  const fours: number[] = [];
  let rest = n;
  for (let by = 3; by <= rest; by += 2) for (; rest % by === 0; rest /= by) odd.push(by);
  for (; rest % 4 === 0; rest /= 4) fours.push(4);
  return n === 1 ? [1] : [...odd, ...(rest > 1 ? [2] : []), ...fours];
}

/** Spectra [T, 2·halfOf(bins)] → [T, bins]: |S|², √(|S|² + eps), or log(√(|S|² + eps) + floor). */
export function complexPower(
  g: Graph,
  x: Tensor,
  options: { bins: number; mode: 'power' | 'magnitude' | 'log'; eps?: number; floor?: number },
): Tensor {
  const [rows, width] = rowsCols(x);
  const { bins, mode, eps = 0, floor = 0 } = options;
  if (width !== 2 * halfOf(bins))
    throw new MelodyError('shape', `complex_power: got [${x.shape}], expected ${2 * halfOf(bins)} columns for ${bins} bins`);
  const y = g.temp([rows, bins], 'f32', 'complex_power');
  g.dispatch(K.complex_power, {
    in: { x },
    out: { y },
    params: { rows, bins, half: width / 2, eps, floor },
    meaning: { MODE: { power: 0, magnitude: 1, log: 2 }[mode] },
    grid: grid1d(g.caps, rows * bins, 64),
    flops: 4 * rows * bins,
  });
  return y;
}

/** [T, ≥ 2·bins], log magnitudes and then phases → spectra [T, 2·halfOf(bins)]; magnitudes up to e^limit. */
export function polar(g: Graph, x: Tensor, options: { bins: number; limit: number }): Tensor {
  const [rows, x_row] = rowsCols(x);
  const { bins, limit } = options;
  if (x_row < 2 * bins) throw new MelodyError('shape', `polar: got [${x.shape}], expected at least ${2 * bins} columns for ${bins} bins`);
  const half = halfOf(bins);
  const y = g.temp([rows, 2 * half], 'f32', 'polar');
  g.dispatch(K.polar, {
    in: { x },
    out: { y },
    params: { rows, bins, x_row, half, limit },
    grid: grid1d(g.caps, rows * half, 64),
    flops: 20 * rows * bins,
  });
  return y;
}

/** Filter bank: power [T, bins] times the first `bins` rows of filters [size/2 + 1, bands] → [T, bands]. */
export function filterBank(g: Graph, power: Tensor, filters: WeightRef): Tensor {
  const [, bins] = rowsCols(power);
  const [rows, bands] = filters.shape;
  if (bins > rows)
    throw new MelodyError('shape', `filter_bank: ${filters.name} does not fit; got [${filters.shape}], expected at least ${bins} rows`);
  const all = g.weight(filters, VECTOR);
  return matmul(g, power, { ...all, shape: [bins, bands] });
}

/** y = log(x + floor), or log(√x + floor). */
export function logFloor(g: Graph, x: Tensor, floor: number, { root = false } = {}): Tensor {
  const n = elementsOf(x.shape);
  const y = g.temp(x.shape, 'f32', 'log_floor');
  const meaning = { ROOT: root ? 1 : 0 };
  g.dispatch(K.log_floor, { in: { x }, out: { y }, params: { n, floor }, meaning, grid: grid1d(g.caps, n, 64), flops: 2 * n });
  return y;
}

/** Rows √(x + eps), divided by their largest element where that passes 1. x, y [T, cols]. */
export function peakNormalise(g: Graph, x: Tensor, eps: number): Tensor {
  const [rows, cols] = rowsCols(x);
  const y = g.temp(x.shape, 'f32', 'peak_normalise');
  g.dispatch(K.peak_normalise, {
    in: { x },
    out: { y },
    params: { rows, cols, eps },
    grid: grid1d(g.caps, rows, 64),
    flops: 6 * rows * cols,
  });
  return y;
}

/** Rises of log band power: x [T·per, bands] → [T, bands], the sum of the positive steps inside each frame, at most `limit`. */
export function onsetRise(g: Graph, x: Tensor, per: number, limit: number): Tensor {
  const [rows, bands] = rowsCols(x);
  if (rows % per !== 0) throw new MelodyError('shape', `onset_rise: got ${rows} rows, expected a multiple of ${per}`);
  const frames = rows / per;
  const y = g.temp([frames, bands], 'f32', 'onset_rise');
  g.dispatch(K.onset_rise, {
    in: { x },
    out: { y },
    params: { frames, bands, per, limit },
    grid: grid1d(g.caps, frames * bands, 64),
    flops: 3 * rows * bands,
  });
  return y;
}

/** Periodic Hann window. */
export const hann = (i: number, size: number): number => 0.5 - 0.5 * cosTurns(i / size);

/** One turn in `size` steps: cos, sin, [size, 2]. */
const turns = (size: number): Constant<Float32Array> =>
  sharedConstant(`one turn in ${size}`, [size, 2], () =>
    Float32Array.from({ length: 2 * size }, (_, i) => (i % 2 ? sinTurns((i - 1) / 2 / size) : cosTurns(i / 2 / size))),
  );
