/** Onsets, tempo, beats and groove, from the log-mel track of features.ts. */
import { mean } from '../statistics.ts';
import type { Track } from './features.ts';

export interface Onsets {
  /** Mean over mel bands of the rise in dB since the frame before, [frames]. */
  envelope: Float64Array;
  /** Frames a second. */
  rate: number;
  /** Time of frame 0, seconds: a sharp onset shows in the first window that it enters, so frames are dated near their end. */
  start: number;
}

/** mel: log power in dB, as of `melTrack`. */
export function onsets(mel: Track): Onsets {
  const { values, width, frames, rate } = mel;
  const envelope = new Float64Array(frames);
  for (let f = 1; f < frames; f++) {
    let rise = 0;
    for (let b = 0; b < width; b++) rise += Math.max(0, values[f * width + b] - values[(f - 1) * width + b]);
    envelope[f] = rise / width;
  }
  return { envelope, rate, start: lateEdge(mel) };
}

/** End of frame 0 less half a hop. */
function lateEdge({ start, rate }: Track): number {
  return 2 * start - 0.5 / rate;
}

/**
 * Autocorrelation of the mean-free envelope for lags 0 … maxLag, each divided by its number of products. The envelope is
 * smoothed by 1 2 1 first: a click is one frame wide, and without it a lag between two frames would lose to its double.
 */
function autocorrelation(envelope: Float64Array, maxLag: number): Float64Array {
  const average = mean(envelope);
  const last = envelope.length - 1;
  const x = envelope.map((v, n) => (envelope[Math.max(0, n - 1)] + 2 * v + envelope[Math.min(last, n + 1)]) / 4 - average);
  const r = new Float64Array(Math.min(maxLag, x.length - 1) + 1);
  for (let lag = 0; lag < r.length; lag++) {
    let sum = 0;
    for (let n = lag; n < x.length; n++) sum += x[n] * x[n - lag];
    r[lag] = sum / (x.length - lag);
  }
  return r;
}

const MIN_BPM = 30;
const MAX_BPM = 300;

/** Top of the parabola through r at lag - 1, lag, lag + 1: [lag, value]. */
function parabola(r: Float64Array, lag: number): [number, number] {
  const [a, b, c] = [r[lag - 1], r[lag], r[lag + 1]];
  const curve = a - 2 * b + c;
  if (!(curve < 0) || b < a || b < c) return [lag, b];
  const shift = (0.5 * (a - c)) / curve;
  return [lag + shift, b - 0.25 * (a - c) * shift];
}

/**
 * Tempo in BPM: the lag whose autocorrelation times a log-normal prior (120 BPM, one octave) is largest, 30 … 300 BPM, then
 * made precise at the peak of up to 8 times that lag. 0 where nothing repeats. Octave errors are in its nature.
 */
export function tempo({ envelope, rate }: Onsets): number {
  const slowest = (60 / MIN_BPM) * rate;
  const r = autocorrelation(envelope, Math.ceil(8 * slowest));
  let best = 0;
  let lag = 0;
  for (let k = Math.ceil((60 / MAX_BPM) * rate); k <= Math.min(slowest, r.length - 2); k++) {
    const weighted = r[k] * Math.exp(-0.5 * Math.log2((60 * rate) / k / 120) ** 2);
    if (weighted > best) {
      best = weighted;
      lag = k;
    }
  }
  if (lag === 0) return 0;
  let [period] = parabola(r, lag);
  for (let times = 2; times <= 8; times++) {
    const near = Math.round(period * times);
    // Only as far as the lag leaves half of the clip to compare.
    if (near + 2 >= Math.min(r.length, envelope.length / 2)) break;
    const peak = [near - 1, near, near + 1].reduce((a, b) => (r[b] > r[a] ? b : a));
    if (r[peak] < 0.5 * best) break;
    period = parabola(r, peak)[0] / times;
  }
  return (60 * rate) / period;
}

/** Largest r(lag) / r(0) for lags of 0.2 … 2 s (MIRtoolbox "MaxAutocor"): near 1 for a steady beat, near 0 for none. */
export function pulseClarity({ envelope, rate }: Onsets): number {
  const r = autocorrelation(envelope, Math.ceil(2 * rate) + 1);
  if (!(r[0] > 1e-9)) return 0;
  let best = 0;
  for (let lag = Math.ceil(0.2 * rate); lag < r.length - 1; lag++) best = Math.max(best, parabola(r, lag)[1] / r[0]);
  return Math.min(1, best);
}

const TOLERANCE = 0.04;

/** `bpm` times whichever of the factors brings it nearest to `target` on a log scale. */
function folded(bpm: number, target: number, factors: number[]): number {
  const off = (factor: number) => Math.abs(Math.log((bpm * factor) / target));
  return bpm * factors.reduce((a, b) => (off(b) < off(a) ? b : a));
}

/** How steadily the tempo is kept. */
export interface TempoStability {
  /** Share of 8 s windows (hop 2 s), folded by 1/3, 1/2, 1, 2, 3, within 4 % of the global tempo. */
  share: number;
  /** Coefficient of variation of the folded window tempi. */
  variation: number;
}

/** Undefined for clips under 10 s (fewer than two windows) or without a tempo. */
export function tempoStability({ envelope, rate, start }: Onsets, bpm: number): TempoStability | undefined {
  const size = Math.round(8 * rate);
  const hop = Math.round(2 * rate);
  // A 10 s clip has two windows; the frames that its last window lacks must not cost one.
  const count = Math.floor((envelope.length + start * rate + 4 - size) / hop) + 1;
  if (count < 2 || bpm === 0) return undefined;
  const tempi = Array.from({ length: count }, (_, i) => tempo({ envelope: envelope.subarray(i * hop, i * hop + size), rate, start }))
    .filter((t) => t > 0)
    .map((t) => folded(t, bpm, [1 / 3, 1 / 2, 1, 2, 3]));
  if (tempi.length === 0) return { share: 0, variation: 0 };
  const average = mean(tempi);
  return {
    share: tempi.filter((t) => Math.abs(t / bpm - 1) <= TOLERANCE).length / count,
    variation: Math.sqrt(mean(tempi.map((t) => (t - average) ** 2))) / average,
  };
}

/** Whether the measured tempo is the asked one within 4 %, as it stands and up to a factor of two. */
export function tempoAdherence(asked: number, measured: number): { strict: boolean; folded: boolean } {
  const near = (bpm: number) => Math.abs(bpm / asked - 1) <= TOLERANCE;
  return { strict: near(measured), folded: near(folded(measured, asked, [0.5, 1, 2])) };
}

/** The tempo's octave in [70, 140) BPM, so that an octave error does not move the beats and bars. */
export function walkingTempo(bpm: number): number {
  return bpm > 0 ? 70 * 2 ** (((Math.log2(bpm / 70) % 1) + 1) % 1) : 0;
}

/** How hard beats hold to the tempo (Ellis 2007). */
const TIGHTNESS = 100;

/** Beat times in seconds by dynamic programming: onset strength against log-squared deviation from the period. */
export function beatTimes({ envelope, rate, start }: Onsets, bpm: number): number[] {
  if (bpm === 0) return [];
  const period = (60 * rate) / bpm;
  const deviation = Math.sqrt(mean(envelope.map((v) => v * v))) || 1;
  const score = new Float64Array(envelope.length);
  const previous = new Int32Array(envelope.length).fill(-1);
  for (let t = 0; t < envelope.length; t++) {
    let best = 0;
    for (let p = Math.max(0, Math.round(t - 2 * period)); p <= t - Math.round(period / 2); p++) {
      const value = score[p] - TIGHTNESS * Math.log((t - p) / period) ** 2;
      if (value > best) {
        best = value;
        previous[t] = p;
      }
    }
    score[t] = envelope[t] / deviation + best;
  }
  let last = envelope.length - 1;
  for (let t = Math.max(0, Math.floor(envelope.length - 1.5 * period)); t < envelope.length; t++) if (score[t] > score[last]) last = t;
  const times: number[] = [];
  for (let t = last; t >= 0; t = previous[t]) times.push(start + t / rate);
  return times.reverse();
}

const SLOTS = 4;
const BEATS_PER_BAR = 4;

/**
 * Groove similarity (MusDr GS): onsets on a grid of 16 slots a bar (4 beats), 1 - mean XOR over all pairs of bars.
 * Undefined for fewer than two bars of beats.
 */
export function grooveSimilarity(track: Onsets, beats: number[]): number | undefined {
  const { envelope, rate, start } = track;
  const threshold = mean(envelope) + Math.sqrt(mean(envelope.map((v) => v * v)) - mean(envelope) ** 2) / 2;
  const bars = Math.floor((beats.length - 1) / BEATS_PER_BAR);
  if (bars < 2) return undefined;
  const patterns = new Uint16Array(bars);
  let beat = 0;
  for (let f = 1; f < envelope.length - 1; f++) {
    if (envelope[f] < threshold || envelope[f] < envelope[f - 1] || envelope[f] <= envelope[f + 1]) continue;
    const time = start + f / rate;
    while (beat + 1 < beats.length - 1 && beats[beat + 1] <= time) beat++;
    const slot = beat * SLOTS + Math.round((SLOTS * (time - beats[beat])) / (beats[beat + 1] - beats[beat]));
    const bar = Math.floor(slot / (SLOTS * BEATS_PER_BAR));
    if (slot >= 0 && bar < bars) patterns[bar] |= 1 << (slot % 16);
  }
  let same = 0;
  for (let a = 0; a < bars; a++) for (let b = a + 1; b < bars; b++) same += 1 - ones(patterns[a] ^ patterns[b]) / 16;
  return same / ((bars * (bars - 1)) / 2);
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest; rest &= rest - 1) count++;
  return count;
}
