// Where a stereo sound lies: pan and width in bands, taken from both channels and given back to a mid (M = (L + R) / 2, S = (L − R) / 2).
//
// tools/train/melody_train/models/spectrum.py (erb_bands, stereo_image) and vae_decoder.py (RunningPhaseDecoder.side).
import { cosTurns, exp, log10, sinTurns } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { type Graph, grid1d, rowsCols } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, sharedConstant } from './constant.ts';
import { halfOf } from './spectrum.ts';

/** Bands of a spectrum, equally wide on the ERB-rate scale (Glasberg and Moore 1990) from 0 to half the rate. */
export interface Bands {
  readonly size: number; // FFT size
  readonly sampleRate: number; // Hz
  readonly bands: number;
}

/** Energy of a band that is silent, and width of one whose channels are alike. */
const [SILENCE, NARROW] = [1e-6, 1e-2];

/** The first bin of each band, at least one bin to a band, and after them the number of bins: [bands + 1]. Throws `shape` for more bands than bins. */
export function erbBands({ size, sampleRate, bands }: Bands): Uint32Array {
  const bins = size / 2 + 1;
  if (!Number.isInteger(bands) || bands < 1 || bands > bins)
    throw new MelodyError('shape', `erb_bands: got ${bands} bands of ${bins} bins, expected a whole number from 1 to ${bins}`);
  const rate = 21.4 * log10(1 + (0.00437 * sampleRate) / 2);
  const lowest = new Uint32Array(bands + 1);
  for (let i = 0; i < bands; i++) {
    const hz = (exp((rate * i * Math.LN10) / bands / 21.4) - 1) / 0.00437;
    lowest[i] = Math.max(Math.round((hz * size) / sampleRate), i === 0 ? 0 : lowest[i - 1] + 1);
  }
  lowest[bands] = bins;
  return lowest;
}

/** cos and sin of the angle by which the wide part of each bin stands apart from its mid, [bins, 2]: π·k/2 + 1.5 sin(2π·k/37). */
export function decorrelation(bins: number): Float32Array {
  return Float32Array.from({ length: 2 * bins }, (_, i) => {
    const k = i >> 1;
    const turns = k / 4 + (1.5 * sinTurns(k / 37)) / (2 * Math.PI);
    return i % 2 === 0 ? cosTurns(turns) : sinTurns(turns);
  });
}

/**
 * mid [T, 2·halfOf(bins)] and x [T, ≥ first + 2·bands], from column `first` on pan and log width of every band → spectra of both channels,
 * L = M + S and R = M − S with S[k] = (pan + width·e^{iφ[k]})·M[k], pan within ±1, width ≤ 1. Their mean is the mid. Throws `shape`.
 */
export function stereoSpectra(g: Graph, mid: Tensor, x: Tensor, o: Bands & { readonly first: number }): { left: Tensor; right: Tensor } {
  const { size, sampleRate, bands, first } = o;
  const [rows, width] = rowsCols(mid);
  const [x_rows, x_row] = rowsCols(x);
  const bins = size / 2 + 1;
  if (width !== 2 * halfOf(bins) || x_rows !== rows || x_row < first + 2 * bands)
    throw new MelodyError(
      'shape',
      `stereo_spectra: got mid [${mid.shape}] and x [${x.shape}] for ${bands} bands from column ${first} on, size ${size}; ` +
        `expected ${2 * halfOf(bins)} columns of mid, at least ${first + 2 * bands} of x, and as many rows`,
    );
  const lowest = erbBands(o);
  const band = sharedConstant(
    `${bands} bands of bins at ${sampleRate}/${size}`,
    [bins],
    () => Uint32Array.from({ length: bins }, (_, k) => lowest.filter((from, i) => i < bands && from <= k).length - 1),
    'u32',
  );
  const turn = sharedConstant(`decorrelation of ${bins} bins`, [bins, 2], () => decorrelation(bins));
  const [left, right] = ['left', 'right'].map((name) => g.temp(mid.shape, 'f32', name));
  g.dispatch(K.stereo_spectra, {
    in: { x, mid, band: constant(g, band), turn: constant(g, turn) },
    out: { left, right },
    params: { rows, bins, half: width / 2, x_row, first, bands },
    grid: grid1d(g.caps, (rows * width) / 2, 64),
    flops: 20 * rows * bins,
  });
  return { left, right };
}

/** Spectra of mid and side [T, 2·halfOf(bins)] → pan and log(width + 0.01) of every band, [T, 2·bands]. Throws `shape`. */
export function stereoImage(g: Graph, mid: Tensor, side: Tensor, o: Bands): Tensor {
  const [rows, width] = rowsCols(mid);
  const bins = o.size / 2 + 1;
  if (width !== 2 * halfOf(bins) || `${side.shape}` !== `${mid.shape}`)
    throw new MelodyError(
      'shape',
      `stereo_image: got mid [${mid.shape}] and side [${side.shape}], expected both with ${2 * halfOf(bins)} columns for size ${o.size}`,
    );
  const { bands } = o;
  const lowest = sharedConstant(`edges of ${bands} bands at ${o.sampleRate}/${o.size}`, [bands + 1], () => erbBands(o), 'u32');
  const y = g.temp([rows, 2 * bands], 'f32', 'stereo_image');
  g.dispatch(K.stereo_image, {
    in: { mid, side, lowest: constant(g, lowest) },
    out: { y },
    params: { rows, half: width / 2, bands, eps: SILENCE, floor: NARROW },
    grid: grid1d(g.caps, rows * bands, 64),
    flops: 12 * rows * bins,
  });
  return y;
}
