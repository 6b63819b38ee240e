/** Key and harmony, from the chroma track of features.ts. Pitch class 0 is C. */
import { cosine, mean } from '../statistics.ts';
import { type Features, windows } from './features.ts';

/** Krumhansl and Kessler's probe-tone profiles of C major and C minor. */
export const MAJOR_PROFILE = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
export const MINOR_PROFILE = [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
const NAMES = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];

/** A major or minor key, and how certain it is. */
export interface Key {
  /** Pitch class, 0 (C) to 11 (B). */
  tonic: number;
  /** Major or minor. */
  mode: 'major' | 'minor';
  /** For example "F# minor". */
  name: string;
  /** Pearson correlation with the best of the 24 rotated profiles; 0 for a flat or empty chroma. */
  clarity: number;
  /** (best - second) / best. */
  margin: number;
  /** Clarity > 0.85 and margin > 0.05: random chroma reaches 0.81 at the 95th percentile, a lone pitch ties. */
  clear: boolean;
}

/** chroma [12]. */
export function key(chroma: ArrayLike<number>): Key {
  const scores = Array.from({ length: 24 }, (_, i) => {
    const profile = i < 12 ? MAJOR_PROFILE : MINOR_PROFILE;
    const rotated = profile.map((_, pitch) => profile[(pitch - (i % 12) + 12) % 12]);
    return { i, r: pearson(chroma, rotated) };
  }).sort((a, b) => b.r - a.r);
  const [best, second] = scores;
  const tonic = best.i % 12;
  const mode = best.i < 12 ? 'major' : 'minor';
  const clarity = Math.max(0, best.r);
  const margin = clarity > 0 ? (best.r - second.r) / best.r : 0;
  return { tonic, mode, name: `${NAMES[tonic]} ${mode}`, clarity, margin, clear: clarity > 0.85 && margin > 0.05 };
}

/** Pearson correlation; 0 when one side is constant. */
function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const ma = mean(a);
  const mb = mean(b);
  const x = Array.from(a, (v) => v - ma);
  const spread = Math.hypot(...x);
  if (spread <= 1e-9 * Math.max(Math.abs(ma), 1e-30)) return 0;
  return cosine(
    x,
    Array.from(b, (v) => v - mb),
  );
}

/** MIREX weight of an estimated key against the true one: same 1, fifth 0.5, relative 0.3, parallel 0.2, else 0. */
export function keyScore(estimated: Pick<Key, 'tonic' | 'mode'>, truth: Pick<Key, 'tonic' | 'mode'>): number {
  const apart = (estimated.tonic - truth.tonic + 12) % 12;
  if (estimated.mode === truth.mode) return apart === 0 ? 1 : apart === 7 || apart === 5 ? 0.5 : 0;
  if (apart === 0) return 0.2;
  return apart === (truth.mode === 'major' ? 9 : 3) ? 0.3 : 0;
}

/** Key and harmony of a clip. */
export interface Tonality {
  /** Key of the whole clip. */
  key: Key;
  /** Mean MIREX weight of the keys of 8 s windows (hop 4 s) against the key of the clip. */
  keyStability: number;
  /** Mean cosine of successive 4 s chroma, and of each with their mean: 1 for one chord, about 0.8 for random ones. */
  chromaConsistency: number;
  /** Mean cosine of each 4 s chroma with the mean chroma. */
  chromaToMean: number;
  /** Mean distance of successive 1 s tonal centroids: 0 for a drone, more for a steady key with moving chords. */
  harmonicChange: number;
  /** Mean entropy of 4 s chroma in bits: 0 one note, 3.585 all twelve alike. */
  pitchClassEntropy: number;
}

/** Undefined where no pitch was found at all. */
export function tonality({ chroma, duration }: Features): Tonality | undefined {
  const pitched = (seconds: number, hop: number) => windows(chroma, duration, seconds, hop).filter((w) => w.some((v) => v > 0));
  const [whole] = pitched(Math.max(duration, 1e-3), Math.max(duration, 1e-3));
  if (!whole) return undefined;
  const global = key(whole);
  const fours = pitched(4, 4);
  const average = Float64Array.from(whole.keys(), (i) => mean(fours.map((w) => w[i] / sum(w))));
  const centroids = pitched(1, 1).map(tonalCentroid);
  const successive = fours.slice(1).map((w, i) => cosine(w, fours[i]));
  return {
    key: global,
    keyStability: mean(pitched(8, 4).map((w) => keyScore(key(w), global))),
    chromaConsistency: successive.length ? mean(successive) : 1,
    chromaToMean: mean(fours.map((w) => cosine(w, average))),
    harmonicChange: mean(centroids.slice(1).map((c, i) => Math.hypot(...c.map((v, d) => v - centroids[i][d])))),
    pitchClassEntropy: mean(fours.map(entropy)),
  };
}

/** -sum p log2 p, bits. */
export function entropy(chroma: ArrayLike<number>): number {
  const total = sum(chroma);
  return Array.from(chroma).reduce((bits, v) => (v > 0 ? bits - (v / total) * Math.log2(v / total) : bits), 0);
}

/** Harte's 6-D tonal centroid: circles of fifths, minor thirds and major thirds, radii 1, 1, 0.5. */
function tonalCentroid(chroma: ArrayLike<number>): number[] {
  const total = sum(chroma) || 1;
  const circles: [number, number][] = [
    [(7 * Math.PI) / 6, 1],
    [(3 * Math.PI) / 2, 1],
    [(2 * Math.PI) / 3, 0.5],
  ];
  return circles.flatMap(([step, radius]) =>
    [Math.sin, Math.cos].map((turn) => (radius * Array.from(chroma).reduce((s, v, pitch) => s + v * turn(step * pitch), 0)) / total),
  );
}

function sum(values: ArrayLike<number>): number {
  return mean(values) * values.length;
}
