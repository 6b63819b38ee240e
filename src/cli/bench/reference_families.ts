// Plain f64 references of the families in families_*.ts, written to be read, not to be fast.
import type { Act } from '../../ops/act.ts';

/** The error function by its Maclaurin series, to 1e-12 for |x| ≤ 5; ±1 beyond. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const ACTIVATIONS: { readonly [A in Act]: (x: number) => number } = {
  none: (x) => x,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x > 0 ? x : 0.1 * x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  exp: Math.exp,
};

export const activate = (act: Act, x: number): number => ACTIVATIONS[act](x);

/**
 * The SRU's scan (docs/system.md §5), first half of the lanes forward, second half backward in time.
 * u[rows,steps,4·width] in blocks u0 u1 u2 u3, v and b [2,width] with rows f and r → [rows,steps,width].
 */
export function sruScan(
  u: ArrayLike<number>,
  v: ArrayLike<number>,
  b: ArrayLike<number>,
  { rows, steps, width }: { rows: number; steps: number; width: number },
): Float64Array {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const y = new Float64Array(rows * steps * width);
  for (let r = 0; r < rows; r++) {
    for (let lane = 0; lane < width; lane++) {
      let c = 0;
      for (let step = 0; step < steps; step++) {
        const t = lane < width / 2 ? step : steps - 1 - step;
        const [u0, u1, u2, u3] = [0, 1, 2, 3].map((group) => u[((r * steps + t) * 4 + group) * width + lane]);
        const f = sigmoid(u1 + b[lane] + v[lane] * c);
        const gate = sigmoid(u2 + b[width + lane] + v[width + lane] * c);
        c = u0 + (c - u0) * f;
        y[(r * steps + t) * width + lane] = u3 + (c - u3) * gate;
      }
    }
  }
  return y;
}

/** Each run of channels / groups channels normalised over its channels and the whole length; x[length,channels]. */
export function groupNorm(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  { length, channels, groups, eps }: { length: number; channels: number; groups: number; eps: number },
): Float64Array {
  const y = new Float64Array(length * channels);
  const size = channels / groups;
  for (let group = 0; group < groups; group++) {
    const at: number[] = [];
    for (let t = 0; t < length; t++) for (let c = 0; c < size; c++) at.push(t * channels + group * size + c);
    const mean = at.reduce((sum, i) => sum + x[i], 0) / at.length;
    const variance = at.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / at.length;
    for (const i of at) y[i] = ((x[i] - mean) / Math.sqrt(variance + eps)) * w[i % channels] + b[i % channels];
  }
  return y;
}

/** Nearest code of every level, each coding what the levels before left over; x[items,dim], books[levels,entries,dim] → [items,levels]. */
export function rvqEncode(
  x: ArrayLike<number>,
  books: ArrayLike<number>,
  { items, levels, entries, dim }: { items: number; levels: number; entries: number; dim: number },
): Float64Array {
  const codes = new Float64Array(items * levels);
  for (let item = 0; item < items; item++) {
    const rest = Float64Array.from({ length: dim }, (_, d) => x[item * dim + d]);
    for (let level = 0; level < levels; level++) {
      let best = Number.POSITIVE_INFINITY;
      for (let entry = 0; entry < entries; entry++) {
        let distance = 0;
        for (let d = 0; d < dim; d++) distance += (rest[d] - books[(level * entries + entry) * dim + d]) ** 2;
        if (distance >= best) continue;
        best = distance;
        codes[item * levels + level] = entry;
      }
      for (let d = 0; d < dim; d++) rest[d] -= books[(level * entries + codes[item * levels + level]) * dim + d];
    }
  }
  return codes;
}

interface Frames {
  frames: number;
  size: number;
  hop: number;
}

const hann = (i: number, size: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size);

/** Frame t centred on t·hop + hop/2, zeros outside, periodic Hann; x[frames·hop] → [frames, real bins then imaginary bins]. */
export function stft(x: ArrayLike<number>, { frames, size, hop }: Frames): Float64Array {
  const bins = size / 2 + 1;
  const half = Math.ceil(bins / 2) * 2; // rows are whole groups of four
  const y = new Float64Array(frames * 2 * half);
  const turn = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  for (let t = 0; t < frames; t++) {
    for (let n = 0; n < size; n++) {
      const at = t * hop - (size - hop) / 2 + n;
      if (at < 0 || at >= x.length) continue;
      const value = x[at] * hann(n, size);
      for (let k = 0; k < bins; k++) {
        y[t * 2 * half + k] += value * turn[(k * n) % size];
        y[t * 2 * half + half + k] += value * turn[(k * n + size / 4) % size]; // cos(a + π/2) = −sin(a)
      }
    }
  }
  return y;
}

/** Inverse for size = 4·hop: inverse real DFT of each frame, Hann again, overlap-added, over 1.5. Inverse of `stft` away from the ends. */
export function istft(x: ArrayLike<number>, { frames, size, hop }: Frames): Float64Array {
  const bins = size / 2 + 1;
  const half = Math.ceil(bins / 2) * 2;
  const y = new Float64Array(frames * hop);
  const turn = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  for (let t = 0; t < frames; t++) {
    for (let n = 0; n < size; n++) {
      const at = t * hop - (size - hop) / 2 + n;
      if (at < 0 || at >= y.length) continue;
      let sum = 0;
      for (let k = 0; k < bins; k++) {
        const share = k === 0 || k === size / 2 ? 1 : 2;
        sum += share * (x[t * 2 * half + k] * turn[(k * n) % size] + x[t * 2 * half + half + k] * turn[(k * n + size / 4) % size]);
      }
      y[at] += (sum / size) * (hann(n, size) / 1.5);
    }
  }
  return y;
}
