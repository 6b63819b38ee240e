/** The two feature tracks that all musical measures read: log-mel frames for rhythm and timbre, chroma frames for harmony. */
import { frameCount, powerFrames } from '../fft.ts';
import { applyMel, melBank } from '../mel.ts';
import { resample } from '../resample.ts';

/** Rate at which musical measures are taken, so that clips of all rates compare, Hz. */
export const ANALYSIS_RATE = 22050;
export const MEL_BANDS = 128;
const MEL_SIZE = 2048;
const MEL_HOP = 512;
/** Chroma needs to tell semitones apart at 130 Hz (8 Hz), hence the longer window. */
const CHROMA_SIZE = 8192;
const CHROMA_HOP = 2048;
const CHROMA_MIN_HZ = 65;
const CHROMA_MAX_HZ = 2100;

/** Frames of `width` numbers, `rate` frames a second; the first one stands for time `start` seconds. */
export interface Track {
  values: Float32Array;
  width: number;
  frames: number;
  rate: number;
  start: number;
}

export interface Features {
  /** Log power in dB of 128 mel bands, at most 80 dB under the loudest, [frames, 128], 43 frames a second. */
  mel: Track;
  /** Strength of the 12 pitch classes from C, not normalised, [frames, 12], 10.8 frames a second, A = 440 Hz. */
  chroma: Track;
  /** Seconds. */
  duration: number;
}

/** mono: finite samples. Memory: about 25 numbers per ms of the clip. */
export function features(mono: Float32Array, sampleRate: number): Features {
  const x = resample(mono, sampleRate, ANALYSIS_RATE);
  return { mel: melTrack(x), chroma: chromaTrack(x), duration: mono.length / sampleRate };
}

function track(length: number, size: number, hop: number, width: number): Track {
  const frames = frameCount(length, size, hop);
  return { values: new Float32Array(frames * width), width, frames, rate: ANALYSIS_RATE / hop, start: size / 2 / ANALYSIS_RATE };
}

/** x at 22,050 Hz. */
export function melTrack(x: Float32Array): Track {
  const out = track(x.length, MEL_SIZE, MEL_HOP, MEL_BANDS);
  const bank = melBank(ANALYSIS_RATE, MEL_SIZE, MEL_BANDS, 0, ANALYSIS_RATE / 2);
  powerFrames(x, MEL_SIZE, MEL_HOP, (power, frame) => applyMel(bank, power, out.values, frame * MEL_BANDS));
  let loudest = 1e-10;
  for (let i = 0; i < out.values.length; i++) loudest = Math.max(loudest, out.values[i]);
  for (let i = 0; i < out.values.length; i++) out.values[i] = 10 * Math.log10(Math.max(out.values[i], loudest * 1e-8));
  return out;
}

/**
 * Pitch classes of spectral peaks within 60 dB of the frame's strongest, magnitude-weighted. A peak's frequency comes from a
 * parabola through its log magnitudes; it counts for its nearest pitch class by cos^2 of the mistuning, so half-way counts 0.
 * x at 22,050 Hz.
 */
function chromaTrack(x: Float32Array): Track {
  const out = track(x.length, CHROMA_SIZE, CHROMA_HOP, 12);
  const hz = ANALYSIS_RATE / CHROMA_SIZE;
  const first = Math.ceil(CHROMA_MIN_HZ / hz);
  const last = Math.floor(CHROMA_MAX_HZ / hz);
  const silent = 1e-6 * CHROMA_SIZE * CHROMA_SIZE * 1e-3;
  powerFrames(x, CHROMA_SIZE, CHROMA_HOP, (power, frame) => {
    let loudest = 0;
    for (let k = first; k <= last; k++) loudest = Math.max(loudest, power[k]);
    if (loudest < silent) return;
    for (let k = first; k <= last; k++) {
      const p = power[k];
      if (p < loudest * 1e-6 || p <= power[k - 1] || p < power[k + 1]) continue;
      const before = Math.log(power[k - 1] + 1e-30);
      const after = Math.log(power[k + 1] + 1e-30);
      const shift = (0.5 * (before - after)) / (before - 2 * Math.log(p) + after);
      const pitch = 69 + 12 * Math.log2(((k + shift) * hz) / 440);
      const nearest = Math.round(pitch);
      out.values[frame * 12 + (((nearest % 12) + 12) % 12)] += Math.sqrt(p) * Math.cos(Math.PI * (pitch - nearest)) ** 2;
    }
  });
  return out;
}

/** Mean of the frames whose time lies in [from, to) seconds, [width]; undefined where there is none. */
export function meanOver(source: Track, from: number, to: number): Float64Array | undefined {
  const first = Math.max(0, Math.ceil((from - source.start) * source.rate));
  const end = Math.min(source.frames, Math.ceil((to - source.start) * source.rate));
  if (end <= first) return undefined;
  const mean = new Float64Array(source.width);
  for (let f = first; f < end; f++) for (let i = 0; i < source.width; i++) mean[i] += source.values[f * source.width + i] / (end - first);
  return mean;
}

/** Means over successive windows of `seconds`, every `hop` seconds, whole windows only; one window for a shorter clip. */
export function windows(source: Track, duration: number, seconds: number, hop: number): Float64Array[] {
  const count = duration < seconds ? 1 : 1 + Math.floor((duration - seconds) / hop + 1e-9);
  return Array.from({ length: count }, (_, i) => meanOver(source, i * hop, i * hop + seconds)).filter((w) => w !== undefined);
}
