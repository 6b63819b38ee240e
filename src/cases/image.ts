// Cases of pan and width: taken from two channels, and given back to a mid.
import { concatRows } from '../ops/gather.ts';
import { type Bands, decorrelation, erbBands, stereoImage, stereoSpectra } from '../ops/image.ts';
import { halfOf } from '../ops/spectrum.ts';
import { type Case, list, type Measured, measured, sum, type Values } from './case.ts';

export interface ImageSize extends Bands {
  readonly frames: number;
}

/** Both channels one after the other, [2, T, 2·halfOf(bins)]. mid [T, 2·halfOf(bins)]; x [T, row], from `first` on pan and log width. */
export function spectraReference(s: ImageSize, mid: Values, x: Values, first: number): Float64Array {
  const bins = s.size / 2 + 1;
  const [half, lowest, turn] = [halfOf(bins), erbBands(s), decorrelation(bins)];
  const row = x.length / s.frames;
  const y = new Float64Array(2 * mid.length);
  for (let t = 0; t < s.frames; t++)
    for (let b = 0; b < s.bands; b++)
      for (let k = lowest[b]; k < lowest[b + 1]; k++) {
        const pan = Math.min(1, Math.max(-1, x[t * row + first + b]));
        const width = Math.exp(Math.min(0, x[t * row + first + s.bands + b]));
        const at = t * 2 * half + k;
        const [re, im] = [mid[at], mid[at + half]];
        const [a, c] = [pan + width * turn[2 * k], width * turn[2 * k + 1]];
        const side = [re * a - im * c, re * c + im * a];
        for (const channel of [0, 1])
          for (const part of [0, 1]) y[channel * mid.length + at + part * half] = [re, im][part] + (channel === 0 ? 1 : -1) * side[part];
      }
  return y;
}

/** [T, 2·bands]: pan, then log(width + 0.01). */
export function imageReference(s: ImageSize, mid: Values, side: Values): Float64Array {
  const [half, lowest] = [halfOf(s.size / 2 + 1), erbBands(s)];
  return list(s.frames * 2 * s.bands, (i) => {
    const [t, b] = [Math.floor(i / (2 * s.bands)), i % s.bands];
    const product = (x: Values, y: Values) =>
      sum(lowest[b + 1] - lowest[b], (j) => {
        const at = t * 2 * half + lowest[b] + j;
        return x[at] * y[at] + x[at + half] * y[at + half];
      });
    const energy = product(mid, mid) + 1e-6;
    const common = product(mid, side) / energy;
    if (i % (2 * s.bands) < s.bands) return Math.min(1, Math.max(-1, common));
    return Math.log(Math.sqrt(Math.min(1, Math.max(0, product(side, side) / energy - common ** 2))) + 1e-2);
  });
}

/** Left and right of a mid and its image, one after the other. */
const spectraCase = (name: string, s: ImageSize): Case => ({
  name,
  record({ g, x }) {
    const [first, columns] = [3, 2 * halfOf(s.size / 2 + 1)];
    const [[mid, mids], [a, as]] = [x([s.frames, columns]), x([s.frames, first + 2 * s.bands + 1], 2)];
    const { left, right } = stereoSpectra(g, mid, a, { ...s, first });
    return [concatRows(g, [left, right]), () => spectraReference(s, mids, as, first)];
  },
});

const imageCase = (name: string, s: ImageSize): Case => ({
  name,
  record({ g, x }) {
    const columns = 2 * halfOf(s.size / 2 + 1);
    const [[mid, mids], [side, sides]] = [x([s.frames, columns]), x([s.frames, columns], 0.7)];
    return [stereoImage(g, mid, side, s), () => imageReference(s, mids, sides)];
  },
});

export const odd = (): Case[] => [
  spectraCase('channels of a mid', { frames: 5, size: 64, sampleRate: 48000, bands: 7 }),
  imageCase('pan and width', { frames: 5, size: 64, sampleRate: 48000, bands: 7 }),
];

export const paper = (): Measured[] => {
  const s: ImageSize = { frames: 1000, size: 1920, sampleRate: 48000, bands: 24 };
  return [
    measured(spectraCase('vae_channels', s), 20 * 1000 * 961, 6 * 1000 * 961),
    measured(imageCase('pan_and_width', s), 12 * 1000 * 961, 4 * 1000 * 961),
  ];
};
