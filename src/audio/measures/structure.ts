/** Form of a clip from the self-similarity of its 1 s cells (chroma and timbre): repetition, section changes, structureness. */
import { type Features, meanOver } from './features.ts';
import { mfcc } from './timbre.ts';

/** Form of a clip of 12 s or more: what returns, and where new parts begin. */
export interface Structure {
  /** Mean of the three most similar lag diagonals outside ± 4 s, 0 … 1; chance is about e^-2 = 0.14. */
  repetition: number;
  /** Lag of the most similar one, seconds. */
  repetitionLag: number;
  /** Peaks a minute of Foote's checkerboard novelty. */
  noveltyPeaksPerMinute: number;
  /** Structureness (MusDr SI): largest fitness of a segment, by its length; 0 where the clip is too short. */
  structureness: {
    /** Segments of 3 to 8 s. */
    short: number;
    /** Segments of 8 to 15 s. */
    medium: number;
    /** Segments of 15 s and more. */
    long: number;
  };
}

/** A square similarity matrix, s[i * n + j] in 0 … 1, ones on the diagonal. */
export interface Similarity {
  n: number;
  s: Float64Array;
}

const MIN_LAG = 5;

/** Undefined for clips under 12 s: too few cells to speak of form. */
export function structure(source: Features): Structure | undefined {
  if (source.duration < 12) return undefined;
  const ssm = similarity(cells(source));
  return {
    ...repetition(ssm),
    noveltyPeaksPerMinute: (noveltyPeaks(ssm).length * 60) / ssm.n,
    structureness: {
      short: structureness(ssm, 3, 8),
      medium: structureness(ssm, 8, 15),
      long: structureness(ssm, 15, Math.floor(ssm.n / 2)),
    },
  };
}

/** One vector a second: 12 shares of pitch class, 12 cepstral coefficients (1 … 12). */
function cells({ chroma, mel, duration }: Features): Float64Array[] {
  return Array.from({ length: Math.floor(duration) }, (_, i) => {
    const pitch = meanOver(chroma, i, i + 1) ?? new Float64Array(12);
    const total = pitch.reduce((a, b) => a + b, 0) || 1;
    const timbre = mfcc(meanOver(mel, i, i + 1) ?? new Float64Array(mel.width), 13).subarray(1);
    return Float64Array.of(...pitch.map((v) => v / total), ...timbre);
  });
}

/** Spread below which a dimension counts as constant: a share of pitch class, dB of a cepstral coefficient. */
const floorOf = (dimension: number) => (dimension < 12 ? 0.002 : 0.05);

/** exp(-mean squared difference in standard deviations), so unrelated cells lie near e^-2. */
export function similarity(vectors: Float64Array[]): Similarity {
  const n = vectors.length;
  const width = vectors[0].length;
  const z = vectors.map((v) => v.slice());
  for (let d = 0; d < width; d++) {
    const average = vectors.reduce((s, v) => s + v[d], 0) / n;
    const spread = Math.sqrt(vectors.reduce((s, v) => s + (v[d] - average) ** 2, 0) / n);
    for (const v of z) v[d] = (v[d] - average) / Math.max(spread, floorOf(d));
  }
  const s = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let distance = 0;
      for (let d = 0; d < width; d++) distance += (z[i][d] - z[j][d]) ** 2;
      s[i * n + j] = s[j * n + i] = Math.exp(-distance / width);
    }
  }
  return { n, s };
}

/** Lags whose diagonal has at least 4 cells and an eighth of the clip. */
export function repetition({ n, s }: Similarity): { repetition: number; repetitionLag: number } {
  const diagonals: { lag: number; value: number }[] = [];
  for (let lag = MIN_LAG; lag <= n - Math.max(4, Math.ceil(n / 8)); lag++) {
    let sum = 0;
    for (let i = lag; i < n; i++) sum += s[i * n + i - lag];
    diagonals.push({ lag, value: sum / (n - lag) });
  }
  const top = diagonals.sort((a, b) => b.value - a.value).slice(0, 3);
  if (top.length === 0) return { repetition: 0, repetitionLag: 0 };
  return { repetition: top.reduce((sum, { value }) => sum + value, 0) / top.length, repetitionLag: top[0].lag };
}

const KERNEL = 6;

/** Cells where a Gaussian-tapered 12 s checkerboard along the diagonal has a local maximum of at least 0.15. */
export function noveltyPeaks({ n, s }: Similarity): number[] {
  const novelty = Array.from({ length: n }, (_, c) => {
    let within = 0;
    let across = 0;
    let withinWeight = 0;
    let acrossWeight = 0;
    for (let i = -KERNEL; i < KERNEL; i++) {
      for (let j = -KERNEL; j < KERNEL; j++) {
        // A cell is always like itself, which says nothing about its section.
        if (i === j || c + i < 0 || c + j < 0 || c + i >= n || c + j >= n) continue;
        const weight = Math.exp(-((i + 0.5) ** 2 + (j + 0.5) ** 2) / (2 * (KERNEL / 2) ** 2));
        const similar = weight * s[(c + i) * n + c + j];
        if (i < 0 === j < 0) {
          within += similar;
          withinWeight += weight;
        } else {
          across += similar;
          acrossWeight += weight;
        }
      }
    }
    return withinWeight > 0 && acrossWeight > 0 ? within / withinWeight - across / acrossWeight : 0;
  });
  const peaks: number[] = [];
  for (let c = 3; c <= n - 3; c++) {
    const around = novelty.slice(Math.max(0, c - 3), c + 4);
    if (novelty[c] >= 0.15 && novelty[c] === Math.max(...around) && novelty[c - 1] < novelty[c]) peaks.push(c);
  }
  return peaks;
}

/**
 * Largest fitness (Müller and Grosche) of the segments of minLength … maxLength cells. Lengths grow by an eighth and starts
 * by an eighth of the length, which keeps a ten-minute clip to about a second.
 */
export function structureness(ssm: Similarity, minLength: number, maxLength: number): number {
  const scores = thresholded(ssm);
  let best = 0;
  for (let length = minLength; length <= Math.min(maxLength, ssm.n); length += Math.max(1, length >> 3)) {
    for (let start = 0; start + length <= ssm.n; start += Math.max(1, length >> 3)) {
      best = Math.max(best, fitness(scores, ssm.n, start, length));
    }
  }
  return best;
}

const KEPT = 0.2;
const PENALTY = -2;

/** The most similar fifth of the matrix scaled to 0 … 1, the rest a penalty; as in Müller's scape plots. */
function thresholded({ n, s }: Similarity): Float64Array {
  const sorted = s.slice().sort();
  const threshold = sorted[Math.floor((1 - KEPT) * (sorted.length - 1))];
  const out = new Float64Array(n * n);
  for (let i = 0; i < out.length; i++) out[i] = s[i] > threshold ? (s[i] - threshold) / (1 - threshold) : PENALTY;
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}

/**
 * How well repetitions of the segment [start, start + length) explain the clip: harmonic mean of normalised score and coverage
 * of the best family of non-overlapping paths, both without the segment's own trivial match.
 *
 * Dynamic programming over rows (clip) and columns (segment); each state carries the score, and of its family the summed
 * path length and the covered rows. `idle` is the state between paths. Steps: (1,1), (2,1), (1,2).
 */
function fitness(scores: Float64Array, n: number, start: number, length: number): number {
  const at = (row: number, m: number) => scores[row * n + start + m];
  const blank = () => ({
    score: new Float64Array(length).fill(-Infinity),
    steps: new Float64Array(length),
    rows: new Float64Array(length),
  });
  let two = blank();
  let one = blank();
  let now = blank();
  let idle = { score: 0, steps: 0, rows: 0 };
  for (let row = 0; row < n; row++) {
    for (let m = 0; m < length; m++) {
      let best = m === 0 ? idle.score : one.score[m - 1];
      let steps = m === 0 ? idle.steps : one.steps[m - 1];
      let rows = m === 0 ? idle.rows : one.rows[m - 1];
      let advance = 1;
      if (m > 0 && two.score[m - 1] > best) {
        best = two.score[m - 1];
        steps = two.steps[m - 1];
        rows = two.rows[m - 1];
        advance = 2;
      }
      if (m > 1 && one.score[m - 2] > best) {
        best = one.score[m - 2];
        steps = one.steps[m - 2];
        rows = one.rows[m - 2];
        advance = 1;
      }
      now.score[m] = best + at(row, m);
      now.steps[m] = steps + 1;
      now.rows[m] = rows + advance;
    }
    const end = length - 1;
    if (now.score[end] > idle.score) idle = { score: now.score[end], steps: now.steps[end], rows: now.rows[end] };
    [two, one, now] = [one, now, two];
  }
  if (idle.steps === 0) return 0;
  const score = Math.max(0, (idle.score - length) / idle.steps);
  const coverage = Math.max(0, (idle.rows - length) / n);
  return score + coverage > 0 ? (2 * score * coverage) / (score + coverage) : 0;
}
