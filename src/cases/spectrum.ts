// Cases of Fourier transforms and what is made of spectra.
import { complexPower, filterBank, halfOf, hann, istft, logFloor, onsetRise, peakNormalise, polar, stft } from '../ops/spectrum.ts';
import { at, type Case, list, type Measured, measured, sum, type Values } from './case.ts';

export interface Frames {
  readonly frames: number;
  readonly size: number;
  readonly hop: number;
  /** Bins that are computed. Default all, size/2 + 1. */
  readonly bins?: number;
}

const turn = (size: number) => list(size, (i) => Math.cos((2 * Math.PI * i) / size));

/** Frame t centred on t·hop + hop/2, zeros outside, periodic Hann. x [hop·T] → [T, 2·halfOf(bins)]: real bins, then imaginary ones. */
export function stftReference({ frames, size, hop, bins = size / 2 + 1 }: Frames, x: Values): Float64Array {
  const [half, cosines] = [halfOf(bins), turn(4 * size)];
  const y = new Float64Array(frames * 2 * half);
  for (let t = 0; t < frames; t++)
    for (let n = 0; n < size; n++) {
      const value = (x[t * hop - (size - hop) / 2 + n] ?? 0) * hann(n, size);
      for (let k = 0; k < bins; k++) {
        const angle = (4 * k * n) % (4 * size);
        y[t * 2 * half + k] += value * cosines[angle];
        y[t * 2 * half + half + k] += value * cosines[(angle + size) % (4 * size)]; // cos(a + π/2) = −sin(a)
      }
    }
  return y;
}

/** The inverse for size = 4·hop: inverse real DFT of each frame, Hann again, overlap-added, over 1.5. */
export function istftReference({ frames, size, hop }: Frames, x: Values): Float64Array {
  const [half, cosines] = [halfOf(size / 2 + 1), turn(size)];
  const y = new Float64Array(frames * hop);
  for (let t = 0; t < frames; t++)
    for (let n = 0; n < size; n++) {
      const to = t * hop - (size - hop) / 2 + n;
      if (to < 0 || to >= y.length) continue;
      const bin = (k: number) => {
        const share = k === 0 || k === size / 2 ? 1 : 2;
        return share * (x[t * 2 * half + k] * cosines[(k * n) % size] + x[t * 2 * half + half + k] * cosines[(k * n + size / 4) % size]);
      };
      y[to] += (sum(size / 2 + 1, bin) / size) * (hann(n, size) / 1.5);
    }
  return y;
}

const stftCase = (name: string, s: Frames): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([s.frames * s.hop]);
    return [stft(g, a, s), () => stftReference(s, as)];
  },
});

const istftCase = (name: string, frames: number, size: number): Case => {
  const hop = size / 4;
  return {
    name,
    record({ g, x }) {
      const [a, as] = x([frames, 2 * halfOf(size / 2 + 1)]);
      return [istft(g, a, { size, hop }), () => istftReference({ frames, size, hop }, as)];
    },
  };
};

/** [T, ≥ 2·bins], log magnitudes and then phases → [T, 2·halfOf(bins)], magnitudes up to e^limit. */
function polarReference(x: Values, row: number, bins: number, limit: number): Float64Array {
  const half = halfOf(bins);
  return list((x.length / row) * 2 * half, (i) => {
    const [t, k] = [Math.floor(i / (2 * half)), i % half];
    if (k >= bins) return 0;
    const phase = x[t * row + bins + k];
    return Math.exp(Math.min(x[t * row + k], limit)) * (i % (2 * half) < half ? Math.cos(phase) : Math.sin(phase));
  });
}

const polarCase = (name: string, frames: number, bins: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([frames, 2 * bins], 2);
    return [polar(g, a, { bins, limit: 1.5 }), () => polarReference(as, 2 * bins, bins, 1.5)];
  },
});

/** Log magnitudes and phases to audio, as the decoder's head ends. */
const headCase = (name: string, frames: number, size: number): Case => ({
  name,
  record({ g, x }) {
    const [hop, bins] = [size / 4, size / 2 + 1];
    const [a, as] = x([frames, 2 * halfOf(bins)]);
    const y = istft(g, polar(g, a, { bins, limit: 0.5 }), { size, hop });
    return [y, () => istftReference({ frames, size, hop }, polarReference(as, 2 * halfOf(bins), bins, 0.5))];
  },
});

/** |S|², √(|S|² + eps) or log(√(|S|² + eps) + floor). */
const powerCase = (name: string, frames: number, bins: number, mode: 'power' | 'magnitude' | 'log'): Case => ({
  name,
  record({ g, x }) {
    const [half, eps, floor] = [halfOf(bins), 1e-3, 1e-2];
    const [a, as] = x([frames, 2 * half], 2);
    const of = {
      power: (p: number) => p,
      magnitude: (p: number) => Math.sqrt(p + eps),
      log: (p: number) => Math.log(Math.sqrt(p + eps) + floor),
    };
    const one = (t: number, k: number) => of[mode](as[t * 2 * half + k] ** 2 + as[t * 2 * half + half + k] ** 2);
    return [complexPower(g, a, { bins, mode, eps, floor }), () => list(frames * bins, (i) => one(...at(i, bins)))];
  },
});

export interface Bands {
  readonly frames: number;
  readonly bins: number;
  readonly bands: number;
}

/** Powers to bands under a filter bank, and on: logs as the tokeniser's features are, or roots over a frame's largest where that passes 1. */
const bandsCase = (name: string, s: Bands, then: 'log' | 'log root' | 'peaks'): Case => ({
  name,
  record({ g, x, w }) {
    const { frames, bins, bands } = s;
    const [[power, powers], [filters, shares]] = [x([frames, bins]), w([bins, bands], 2 / bins)];
    for (const values of [powers, shares])
      values.forEach((v, i) => {
        values[i] = Math.abs(v);
      });
    const y = filterBank(g, power, filters);
    const banded = () =>
      list(frames * bands, (i) => sum(bins, (k) => powers[at(i, bands)[0] * bins + k] * shares[k * bands + (i % bands)]));
    if (then !== 'peaks') {
      const root = then === 'log root';
      return [logFloor(g, y, 1e-3, { root }), () => banded().map((v) => Math.log((root ? Math.sqrt(v) : v) + 1e-3))];
    }
    const reference = () => {
      const roots = banded().map((v) => Math.sqrt(v + 1e-8));
      const largest = (frame: number) => Math.max(1, ...roots.subarray(frame * bands, (frame + 1) * bands));
      return roots.map((v, i) => v / largest(at(i, bands)[0]));
    };
    return [peakNormalise(g, y, 1e-8), reference];
  },
});

/** Sums of the positive steps inside each frame of `per` rows, at most `limit`. */
const risesCase = (name: string, frames: number, bands: number, per: number): Case => ({
  name,
  record({ g, x }) {
    const limit = 1;
    const [a, as] = x([frames * per, bands]);
    const step = (t: number, b: number) => (t === 0 ? 0 : Math.max(as[t * bands + b] - as[(t - 1) * bands + b], 0));
    const one = (t: number, b: number) =>
      Math.min(
        sum(per, (j) => step(t * per + j, b)),
        limit,
      );
    return [onsetRise(g, a, per, limit), () => list(frames * bands, (i) => one(...at(i, bands)))];
  },
});

export const quick = (): Case[] => [headCase('inverse Fourier transform', 5, 16)];

export const odd = (): Case[] => [
  stftCase('Fourier transform', { frames: 5, size: 64, hop: 16 }),
  stftCase('Fourier transform of other factors', { frames: 5, size: 44, hop: 22, bins: 20 }),
  istftCase('inverse Fourier transform', 5, 64),
  istftCase('inverse Fourier transform of other factors', 5, 56),
  polarCase('magnitudes and phases', 5, 33),
  ...(['power', 'magnitude', 'log'] as const).map((mode) => powerCase(`spectra, ${mode}`, 5, 33, mode)),
  bandsCase('mel filter bank', { frames: 5, bins: 33, bands: 7 }, 'log'),
  bandsCase('levels of bands', { frames: 5, bins: 33, bands: 7 }, 'log root'),
  bandsCase('chroma peaks', { frames: 5, bins: 33, bands: 12 }, 'peaks'),
  risesCase('onset rises', 5, 3, 2),
];

/** What the steps of a transform of so many complex points record, from the sum of their radices. */
const stepFlops = (frames: number, points: number, radices: number) => 8 * frames * points * radices;

export const paper = (): Measured[] => {
  const bands = (size: Bands) => [
    2 * size.frames * size.bins * size.bands,
    size.frames * (size.bins + size.bands) + size.bins * size.bands,
  ];
  const [mel, chroma] = [128, 12].map((count) => ({ frames: 1000, bins: 1025, bands: count }));
  const [[melFlops, melValues], [chromaFlops, chromaValues]] = [bands(mel), bands(chroma)];
  return [
    measured(stftCase('stft_2048', { frames: 100, size: 2048, hop: 480 }), stepFlops(100, 1024, 5 * 4), 100 * (480 + 2050)),
    measured(istftCase('istft_960', 200, 960), stepFlops(200, 480, 3 + 5 + 2 + 2 * 4), 200 * (240 + 962)),
    measured(polarCase('vae_polar', 1000, 481), 20 * 1000 * 481, 4 * 1000 * 481),
    measured(powerCase('power_1025', 1000, 1025, 'power'), 4 * 1000 * 1025, 3 * 1000 * 1025),
    measured(bandsCase('mel_128', mel, 'log'), melFlops, melValues),
    measured(bandsCase('chroma_12', chroma, 'peaks'), chromaFlops, chromaValues),
    measured(risesCase('onset_rises', 250, 3, 2), 3 * 250 * 2 * 3, 3 * 250 * 3),
  ];
};
