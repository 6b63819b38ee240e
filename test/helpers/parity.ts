/** How far a clip is from a reference run of the same length: for checking one engine against another. */
import { frameCount, powerFrames } from '../../src/audio/fft.ts';

export interface Parity {
  /** Largest |a - b|. */
  maxAbs: number;
  /** 10 log10(reference energy / error energy), dB; Infinity for equal clips. */
  snrDb: number;
  /** Scale-invariant signal-to-distortion ratio, dB; Infinity for clips equal up to a factor. */
  siSdrDb: number;
  /** Mean over frames (2048 / 512) of the RMS difference of log power spectra, dB. */
  logSpectralDistanceDb: number;
}

/** clip and reference: equal lengths, finite. */
export function parity(clip: Float32Array, reference: Float32Array): Parity {
  if (clip.length !== reference.length) throw new RangeError(`parity: ${clip.length} samples against ${reference.length}`);
  let maxAbs = 0;
  let error = 0;
  let cross = 0;
  let clipEnergy = 0;
  let energy = 0;
  for (let n = 0; n < clip.length; n++) {
    const d = clip[n] - reference[n];
    maxAbs = Math.max(maxAbs, Math.abs(d));
    error += d * d;
    cross += clip[n] * reference[n];
    clipEnergy += clip[n] * clip[n];
    energy += reference[n] * reference[n];
  }
  const target = energy > 0 ? (cross * cross) / energy : 0;
  return {
    maxAbs,
    snrDb: ratioDb(energy, error),
    siSdrDb: ratioDb(target, Math.max(0, clipEnergy - target)),
    logSpectralDistanceDb: logSpectralDistance(clip, reference),
  };
}

function ratioDb(signal: number, rest: number): number {
  // Below 1e-14 of the energies involved the difference is rounding of the sums themselves.
  if (rest <= 1e-14 * signal) return Infinity;
  return 10 * Math.log10(signal / rest);
}

const SIZE = 2048;
const HOP = 512;
const FLOOR = 1e-10;
/** Frames compared at a time, so that two whole spectrograms never stand in memory. */
const BLOCK = 64;

function logSpectralDistance(a: Float32Array, b: Float32Array): number {
  const bins = SIZE / 2 + 1;
  const frames = frameCount(a.length, SIZE, HOP);
  const kept = new Float64Array(BLOCK * bins);
  let total = 0;
  for (let first = 0; first < frames; first += BLOCK) {
    const part = (x: Float32Array) => x.subarray(first * HOP, Math.min(x.length, (Math.min(frames, first + BLOCK) - 1) * HOP + SIZE));
    powerFrames(part(a), SIZE, HOP, (power, f) => kept.set(power, f * bins));
    powerFrames(part(b), SIZE, HOP, (power, f) => {
      let sum = 0;
      for (let k = 0; k < bins; k++) sum += (10 * Math.log10((kept[f * bins + k] + FLOOR) / (power[k] + FLOOR))) ** 2;
      total += Math.sqrt(sum / bins);
    });
  }
  return total / frames;
}
