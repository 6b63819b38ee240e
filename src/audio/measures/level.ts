/** Measures of the samples themselves: peaks, clipping, offset, silence, stereo. */
import { lengthOf } from '../channels.ts';
import { truePeak } from '../loudness.ts';
import { simd } from '../simd.ts';

/** Sum, energy, largest size and count of what is not finite; the energy comes on top of `energy`. */
function totals(x: Float32Array, energy = 0): ArrayLike<number> {
  const fast = simd();
  if (fast) return fast.totals(x, energy);
  let [sum, peak, broken] = [0, 0, 0];
  for (let n = 0; n < x.length; n++) {
    const value = x[n];
    sum += value;
    energy += value * value;
    peak = Math.max(peak, Math.abs(value));
    if (!Number.isFinite(value)) broken++;
  }
  return [sum, energy, peak, broken];
}

/** Count of NaN and infinite samples. */
export const nonFinite = (channels: Float32Array[]): number => channels.reduce((count, x) => count + totals(x)[3], 0);

/** Peaks, crest factor and DC of a clip. Silence gives -Infinity dB. */
export interface Level {
  /** 20 log10 of the largest |x|, dBFS. */
  samplePeakDb: number;
  /** The same after 4x oversampling, dBTP. */
  truePeakDb: number;
  /** 20 log10(peak / RMS) over all channels, dB; a sine has 3.01. */
  crestDb: number;
  /** Largest |mean| of a channel. */
  dc: number;
}

/** Peaks, crest factor and DC of finite samples; silence gives -Infinity dB and crest 0. */
export function level(channels: Float32Array[]): Level {
  let peak = 0;
  let energy = 0;
  let dc = 0;
  for (const x of channels) {
    const found = totals(x, energy);
    energy = found[1];
    peak = Math.max(peak, found[2]);
    dc = Math.max(dc, Math.abs(found[0]) / x.length);
  }
  const rms = Math.sqrt(energy / (channels.length * lengthOf(channels)));
  return {
    samplePeakDb: decibel(peak),
    truePeakDb: decibel(Math.max(...channels.map(truePeak))),
    crestDb: peak > 0 ? decibel(peak / rms) : 0,
    dc,
  };
}

function decibel(amplitude: number): number {
  return 20 * Math.log10(amplitude);
}

const CLIP_LEVEL = 1 - 2 ** -15;
const CLIP_RUN = 3;

/** Samples at full scale. */
export interface Clipping {
  /** Share of samples in runs of at least 3 at full scale. */
  share: number;
  /** The same share in the worst second. */
  worstSecond: number;
}

export function clipping(channels: Float32Array[], sampleRate: number): Clipping {
  const length = lengthOf(channels);
  const seconds = new Float64Array(Math.ceil(length / sampleRate));
  for (const x of channels) {
    if (totals(x)[2] < CLIP_LEVEL) continue;
    let run = 0;
    for (let n = 0; n <= x.length; n++) {
      if (n < x.length && Math.abs(x[n]) >= CLIP_LEVEL) run++;
      else {
        if (run >= CLIP_RUN) for (let k = n - run; k < n; k++) seconds[Math.floor(k / sampleRate)]++;
        run = 0;
      }
    }
  }
  let total = 0;
  let worstSecond = 0;
  seconds.forEach((clipped, i) => {
    const samples = Math.min(sampleRate, length - i * sampleRate) * channels.length;
    total += clipped;
    // A last sliver of a second would make a few samples look like much.
    if (samples >= (sampleRate * channels.length) / 2 || seconds.length === 1) worstSecond = Math.max(worstSecond, clipped / samples);
  });
  return { share: total / (length * channels.length), worstSecond };
}

const SILENCE_FRAME_SECONDS = 0.05;
const SILENCE_RMS = 10 ** (-60 / 20);

/** Quiet parts of a clip. */
export interface Silence {
  /** Share of 50 ms frames with RMS below -60 dBFS. */
  share: number;
  /** Seconds of silence at the start. */
  lead: number;
  /** Seconds of silence at the end. */
  trail: number;
  /** Longest silence in between, seconds. */
  longestGap: number;
}

/** Silence of the mono mix; a clip that is silent throughout has share 1, lead = trail = its length, gap 0. */
export function silence(mono: Float32Array, sampleRate: number): Silence {
  const size = Math.max(1, Math.round(SILENCE_FRAME_SECONDS * sampleRate));
  const frames = Math.max(1, Math.floor(mono.length / size));
  const silent: boolean[] = [];
  for (let i = 0; i < frames; i++) {
    const end = Math.min(mono.length, (i + 1) * size);
    const energy = totals(mono.subarray(i * size, end))[1];
    silent.push(Math.sqrt(energy / (end - i * size)) < SILENCE_RMS);
  }
  const seconds = size / sampleRate;
  const first = silent.indexOf(false);
  const count = silent.filter(Boolean).length;
  if (first < 0) return { share: 1, lead: frames * seconds, trail: frames * seconds, longestGap: 0 };
  const last = silent.lastIndexOf(false);
  let gap = 0;
  let longest = 0;
  for (let i = first; i <= last; i++) {
    gap = silent[i] ? gap + 1 : 0;
    longest = Math.max(longest, gap);
  }
  return { share: count / frames, lead: first * seconds, trail: (frames - 1 - last) * seconds, longestGap: longest * seconds };
}

/** How left and right differ. */
export interface Stereo {
  /** Pearson correlation of left and right, -1 … 1; 1 where both are constant. */
  correlation: number;
  /** Energy of (L-R)/2 over that of (L+R)/2. */
  sideToMid: number;
  /** Level change of the mono fold against the mean channel level, dB: 0 for L = R, -Infinity for L = -R. */
  monoFoldDb: number;
}

/** Of the first two channels. */
export function stereo(left: Float32Array, right: Float32Array): Stereo {
  let [l, r, ll, rr, lr] = [0, 0, 0, 0, 0];
  const count = left.length;
  for (let n = 0; n < count; n++) {
    l += left[n];
    r += right[n];
    ll += left[n] * left[n];
    rr += right[n] * right[n];
    lr += left[n] * right[n];
  }
  const variance = (ll - (l * l) / count) * (rr - (r * r) / count);
  const mid = (ll + rr + 2 * lr) / 4;
  const side = (ll + rr - 2 * lr) / 4;
  return {
    correlation: variance > 0 ? (lr - (l * r) / count) / Math.sqrt(variance) : 1,
    sideToMid: mid > 0 ? side / mid : side > 0 ? Infinity : 0,
    monoFoldDb: ll + rr > 0 ? 10 * Math.log10(Math.max(0, mid) / ((ll + rr) / 2)) : 0,
  };
}
