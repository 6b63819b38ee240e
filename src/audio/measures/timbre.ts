/** Cepstra, and a fixed 64-D description of a clip for telling clips apart without any trained network. */
import { applyMel } from '../mel.ts';
import { mean } from '../statistics.ts';
import type { Features, Track } from './features.ts';
import { onsets, pulseClarity, tempo } from './rhythm.ts';

/** First `count` coefficients of the orthonormal DCT-II of log-mel dB. */
export function mfcc(logMel: ArrayLike<number>, count: number): Float64Array {
  const n = logMel.length;
  return Float64Array.from({ length: count }, (_, k) => {
    let sum = 0;
    for (let b = 0; b < n; b++) sum += logMel[b] * Math.cos((Math.PI * k * (2 * b + 1)) / (2 * n));
    return sum * Math.sqrt((k === 0 ? 1 : 2) / n);
  });
}

const CEPSTRA = 20;
/** Divisors that bring each part to a spread of about 1 over varied music: dB of cepstra, their deviation, their motion. */
const MEAN_SCALE = 40;
const DEVIATION_SCALE = 15;
const MOTION_SCALE = 10;

/**
 * [64]: 20 means and 20 deviations of MFCCs 1 … 20, 8 mean absolute frame-to-frame changes of the first 8, 12 pitch-class
 * shares (times 4), then log tempo, pulse clarity, onsets' mean and deviation.
 */
export function descriptor(source: Features): Float64Array {
  const cepstra = cepstralTrack(source.mel);
  const column = (c: number) => Array.from({ length: source.mel.frames }, (_, f) => cepstra[f * CEPSTRA + c]);
  const columns = Array.from({ length: CEPSTRA }, (_, c) => column(c));
  const averages = columns.map(mean);
  const deviations = columns.map((x, c) => Math.sqrt(mean(x.map((v) => (v - averages[c]) ** 2))));
  const motions = columns.slice(0, 8).map((x) => mean(x.slice(1).map((v, i) => Math.abs(v - x[i]))));
  const pitch = Array.from({ length: 12 }, (_, p) =>
    mean(Array.from({ length: source.chroma.frames }, (_, f) => source.chroma.values[f * 12 + p])),
  );
  const total = pitch.reduce((a, b) => a + b, 0) || 1;
  const track = onsets(source.mel);
  const bpm = tempo(track);
  const rise = mean(track.envelope);
  return Float64Array.of(
    ...averages.map((v) => v / MEAN_SCALE),
    ...deviations.map((v) => v / DEVIATION_SCALE),
    ...motions.map((v) => v / MOTION_SCALE),
    ...pitch.map((v) => (4 * v) / total),
    bpm > 0 ? Math.log2(bpm / 120) : 0,
    pulseClarity(track),
    rise,
    Math.sqrt(mean(track.envelope.map((v) => (v - rise) ** 2))),
  );
}

/** MFCCs 1 … 20 of every frame, [frames, 20]. */
function cepstralTrack({ values, width, frames }: Track): Float32Array {
  const filters = Array.from({ length: CEPSTRA }, (_, c) => ({
    start: 0,
    weights: Float64Array.from(
      { length: width },
      (_, b) => Math.sqrt(2 / width) * Math.cos((Math.PI * (c + 1) * (2 * b + 1)) / (2 * width)),
    ),
  }));
  const out = new Float32Array(frames * CEPSTRA);
  const [bank, frame] = [{ bands: CEPSTRA, filters }, new Float64Array(width)];
  for (let f = 0; f < frames; f++) {
    frame.set(values.subarray(f * width, (f + 1) * width));
    applyMel(bank, frame, out, f * CEPSTRA);
  }
  return out;
}

/** Mean Euclidean distance of all pairs of vectors; 0 for fewer than two. */
export function diversity(vectors: ArrayLike<number>[]): number {
  return mean(vectors.flatMap((a, i) => vectors.slice(i + 1).map((b) => distance(a, b))));
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
