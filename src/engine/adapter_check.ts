// Does this GPU compute right? Asked once of every adapter and driver, before they make their first music: noise never goes out unsaid.
// One family of kernels a line, all in one submit; `melody doctor` looks closer.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/graph.ts';
import { f16ToF32, f32ToF16 } from '../graph/half.ts';
import { Plan } from '../graph/plan.ts';
import { Residents } from '../graph/residents.ts';
import { elementsOf, state, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { attention, rope } from '../ops/attention.ts';
import { constant, constantRef } from '../ops/constant.ts';
import { conv1d } from '../ops/conv.ts';
import { diffusionStep, overlapAdd, segment } from '../ops/diffusion.ts';
import { copy, film } from '../ops/elementwise.ts';
import { embedding } from '../ops/gather.ts';
import { linear, swiglu } from '../ops/matmul.ts';
import { layerNorm, rmsNorm } from '../ops/norm.ts';
import { phaseAdvance, phaseAdvanceReference, phaseSum, pitchTurns, polarTurns } from '../ops/phase.ts';
import { rvqEncode } from '../ops/quantize.ts';
import { normalNoise, normalNoiseReference, randomWords, seedWords } from '../ops/random.ts';
import { sruScan } from '../ops/recurrent.ts';
import { sampleToken, sampleTokenReference, samplingParams } from '../ops/sample.ts';
import { halfOf, istft, polar } from '../ops/spectrum.ts';
import { countNonFinite } from '../ops/watch.ts';

/** Largest Σ(y − r)² / Σr²: rounding is a thousand times less, a wrong kernel a thousand times more. */
const LIMIT = 1e-6;

type Numbers = ArrayLike<number>;
interface Kit {
  readonly g: Graph;
  /** An input of known normal values. */
  x(shape: number[], scale?: number): [Tensor, Float32Array];
  /** A weight of known normal values. */
  w(shape: number[], scale?: number, dtype?: 'f32' | 'f16'): [WeightRef, Float32Array];
  /** The same as a tensor of integers below `end`. */
  ids(count: number, end: number): [Tensor, Uint32Array];
}
type Family = [name: string, record: (k: Kit) => [y: Tensor, expected: () => Numbers]];

function list(n: number, of: (i: number) => number): Float64Array {
  const all = new Float64Array(n);
  for (let i = 0; i < n; i++) all[i] = of(i);
  return all;
}
function sum(n: number, of: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += of(i);
  return total;
}
const at = (i: number, cols: number): [row: number, col: number] => [Math.floor(i / cols), i % cols];
const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** x [rows, inner] · wᵀ + b, w [cols, inner]. */
function product({ g, x, w }: Kit, rows: number, inner: number, cols: number): [Tensor, () => Numbers] {
  const [[a, as], [m, ms], [b, bs]] = [x([rows, inner]), w([cols, inner], inner ** -0.5, 'f16'), w([cols])];
  const dot = (r: number, c: number) => sum(inner, (k) => as[r * inner + k] * ms[c * inner + k]) + bs[c];
  return [linear(g, a, m, { bias: b }), () => list(rows * cols, (i) => dot(...at(i, cols)))];
}

function attended({ g, x }: Kit, queries: number, keys: number, heads: number, width: number): [Tensor, () => Numbers] {
  const row = heads * width;
  const [[q, qs], [k, ks], [v, vs]] = [x([1, queries, row]), x([1, keys, row]), x([1, keys, row])];
  const one = (t: number, c: number) => {
    const h = c - (c % width);
    const weights = list(keys, (s) => Math.exp(sum(width, (d) => qs[t * row + h + d] * ks[s * row + h + d]) / Math.sqrt(width)));
    return sum(keys, (s) => weights[s] * vs[s * row + c]) / sum(keys, (s) => weights[s]);
  };
  return [attention(g, q, k, v, { heads }), () => list(queries * row, (i) => one(...at(i, row)))];
}

function normed({ g, x, w }: Kit, centre: boolean): [Tensor, () => Numbers] {
  const [rows, cols, eps] = [5, 68, 1e-6];
  const [[a, as], [m, ms], [b, bs]] = [x([rows, cols], 3), w([cols]), w([cols])];
  const y = centre ? layerNorm(g, a, m, b, { eps }) : rmsNorm(g, a, m, { eps });
  const one = (r: number, c: number) => {
    const value = (k: number) => as[r * cols + k];
    const mean = centre ? sum(cols, value) / cols : 0;
    const variance = sum(cols, (k) => (value(k) - mean) ** 2) / cols;
    return ((value(c) - mean) / Math.sqrt(variance + eps)) * ms[c] + (centre ? bs[c] : 0);
  };
  return [y, () => list(rows * cols, (i) => one(...at(i, cols)))];
}

function convolved({ g, x, w }: Kit, length: number, from: number, to: number, groups: number): [Tensor, () => Numbers] {
  const [taps, inner] = [7, from / groups];
  const [[a, as], [m, ms]] = [x([length, from]), w([to, inner, taps], (inner * taps) ** -0.5, 'f16')];
  const one = (t: number, c: number) =>
    sum(taps * inner, (i) => {
      const [j, k] = at(i, inner);
      const [step, channel] = [t + j - (taps >> 1), Math.floor(c / (to / groups)) * inner + k];
      return step < 0 || step >= length ? 0 : ms[(c * inner + k) * taps + j] * as[step * from + channel];
    });
  return [conv1d(g, a, m, { groups, padding: taps >> 1 }), () => list(length * to, (i) => one(...at(i, to)))];
}

const FAMILIES: readonly Family[] = [
  ['matrix products', (k) => product(k, 37, 68, 44)],
  ['vector times matrix', (k) => product(k, 1, 68, 44)],
  ['attention', (k) => attended(k, 9, 33, 2, 32)],
  ['attention of one query', (k) => attended(k, 1, 33, 2, 32)],
  ['layer norm', (k) => normed(k, true)],
  ['RMS norm', (k) => normed(k, false)],
  ['convolution', (k) => convolved(k, 37, 12, 20, 1)],
  ['depthwise convolution', (k) => convolved(k, 37, 20, 20, 20)],
  [
    'SwiGLU',
    ({ g, x, w }) => {
      const [[a, as], [gate, gates], [up, ups]] = [x([1, 32]), w([24, 32], 0.3, 'f16'), w([24, 32], 0.3, 'f16')];
      const dot = (m: Numbers, c: number) => sum(32, (k) => as[k] * m[c * 32 + k]);
      return [swiglu(g, a, gate, up), () => list(24, (c) => dot(gates, c) * sigmoid(dot(gates, c)) * dot(ups, c))];
    },
  ],
  [
    'rotary positions',
    ({ g, x }) => {
      const [a, as] = x([1, 9, 40]);
      const one = (t: number, c: number) => {
        const [d, i] = [c % 20, t * 40 + c];
        const angle = t * 10_000 ** (-(d % 10) / 10);
        return as[i] * Math.cos(angle) + as[d < 10 ? i + 10 : i - 10] * Math.sin(angle) * (d < 10 ? -1 : 1);
      };
      return [rope(g, a, { heads: 2 }), () => list(360, (i) => one(...at(i, 40)))];
    },
  ],
  [
    'embedding',
    ({ g, w, ids }) => {
      const [[table, values], [index, rows]] = [w([50, 32], 1, 'f16'), ids(21, 50)];
      return [embedding(g, table, index), () => list(21 * 32, (i) => values[rows[at(i, 32)[0]] * 32 + (i % 32)])];
    },
  ],
  [
    'recurrent scan', // of two lanes a direction; docs/system.md §5
    ({ g, x, w }) => {
      const [steps, width] = [9, 4];
      const [[u, us], [v, vs], [b, bs]] = [x([1, steps, 4 * width], 2), w([2, width]), w([2, width])];
      const lane = (l: number) => {
        let c = 0;
        const out = new Float64Array(steps);
        for (let n = 0; n < steps; n++) {
          const t = l < width / 2 ? n : steps - 1 - n;
          const [u0, u1, u2, u3] = [0, 1, 2, 3].map((group) => us[(t * 4 + group) * width + l]);
          const [f, r] = [sigmoid(u1 + bs[l] + vs[l] * c), sigmoid(u2 + bs[width + l] + vs[width + l] * c)];
          c = u0 + (c - u0) * f;
          out[t] = u3 + (c - u3) * r;
        }
        return out;
      };
      const expected = () => {
        const lanes = [0, 1, 2, 3].map(lane);
        return list(steps * width, (i) => lanes[i % width][at(i, width)[0]]);
      };
      return [sruScan(g, u, { v, b, directions: 2 }), expected];
    },
  ],
  [
    'segments and overlap-add',
    ({ g, x }) => {
      const [a, as] = x([37, 8]);
      return [overlapAdd(g, segment(g, a, { size: 8 }), 37), () => as.map((v) => 2 * v)];
    },
  ],
  [
    'modulation',
    ({ g, x }) => {
      const [[a, as], [m, ms], [b, bs]] = [x([5, 68]), x([5, 68]), x([5, 68])];
      return [film(g, a, m, b), () => as.map((v, i) => v * ms[i] + bs[i])];
    },
  ],
  [
    'diffusion step',
    ({ g, x }) => {
      const [[z, zs], [v, vs], [free, frees], [mask, moves]] = [x([37, 8]), x([37, 8]), x([37, 8]), x([37])];
      moves.forEach((_, frame) => {
        moves[frame] = frame % 3 ? 1 : 0;
      });
      const y = copy(g, z);
      diffusionStep(g, y, v, free, { mask, omega: 0.3, guidance: 2.5, into: y });
      const moved = (i: number) => Math.cos(0.3) * zs[i] - Math.sin(0.3) * (2.5 * vs[i] - 1.5 * frees[i]);
      return [y, () => list(37 * 8, (i) => (moves[at(i, 8)[0]] ? moved(i) : zs[i]))];
    },
  ],
  [
    'vector quantiser',
    ({ g, x, w }) => {
      const [items, levels, entries, dim] = [3, 3, 16, 8];
      const [[a, as], [books, codes]] = [x([items, dim], 2), w([levels, entries, dim])];
      const encode = (item: number) => {
        const rest = Float64Array.from(as.subarray(item * dim, (item + 1) * dim));
        return Array.from({ length: levels }, (_, level) => {
          const code = (e: number, d: number) => codes[(level * entries + e) * dim + d];
          const distance = list(entries, (e) => sum(dim, (d) => (rest[d] - code(e, d)) ** 2));
          const best = distance.indexOf(Math.min(...distance));
          for (let d = 0; d < dim; d++) rest[d] -= code(best, d);
          return best;
        });
      };
      return [rvqEncode(g, a, books), () => [0, 1, 2].flatMap(encode)];
    },
  ],
  ['noise', ({ g }) => [normalNoise(g, [403], { seed: seedWords(42), stream: 0 }), () => normalNoiseReference(403, 42, 0)]],
  [
    'token sampling',
    ({ g, x }) => {
      const [logits, values] = x([300], 2);
      const sampling = { temperature: 0.9, topK: 150, topP: 0.9 };
      const into = g.temp([1], 'u32', 'token');
      sampleToken(g, logits, { ...samplingParams(sampling), seed: seedWords(42), position: 5, into });
      return [into, () => [sampleTokenReference(values, sampling, 42, 5)]];
    },
  ],
  [
    'inverse Fourier transform', // of log magnitudes and phases, as the decoder's head gives them
    ({ g, x }) => {
      const [frames, size, hop, bins] = [5, 16, 4, 9];
      const [a, as] = x([frames, 2 * halfOf(bins)]);
      const row = 2 * halfOf(bins);
      const hann = (n: number) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size);
      const wave = (t: number, n: number) =>
        sum(bins, (k) => {
          const [m, p] = [Math.exp(Math.min(as[t * row + k], 2)), as[t * row + bins + k]];
          const share =
            k === 0 || k === size / 2 ? Math.cos(p) * (k === 0 || n % 2 === 0 ? 1 : -1) : 2 * Math.cos(p + (2 * Math.PI * k * n) / size);
          return (m * share * hann(n)) / size / 1.5;
        });
      const one = (i: number) =>
        sum(frames, (t) => {
          const n = i - t * hop + (size - hop) / 2;
          return n < 0 || n >= size ? 0 : wave(t, n);
        });
      return [istft(g, polar(g, a, { bins, limit: 2 }), { size, hop }), () => list(frames * hop, one)];
    },
  ],
  [
    'running phase', // chosen among pitches, or of a direction with noise; summed up, then a spectrum
    ({ g, x }) => {
      const [rows, bins, directed, row, epsRow] = [7, 9, 7, 30, 12];
      const framing = { size: 16, hop: 4, sampleRate: 8000, pitches: { lowest: 60, count: 5, bins: 3 }, reference: 440, bins, directed };
      const [[a, as], [noise, eps]] = [x([rows, row]), x([rows, epsRow])];
      const turns = pitchTurns(framing.pitches, framing, 442);
      const words = (name: string, data: Uint32Array) =>
        constant(
          g,
          constantRef(name, [data.length], 'u32', () => data),
        );
      const [start, drift] = [randomWords(bins, 1, 0), randomWords(bins, 2, 0)];
      const u = phaseAdvance(g, a, noise, words('quick turns', turns), framing);
      const { phase } = phaseSum(g, u, { start: words('quick start', start), drift: words('quick drift', drift), first: 2 });
      const advance = phaseAdvanceReference(as, eps, turns, { ...framing, row, epsRow });
      const running = (t: number, k: number) =>
        start[k] / 2 ** 32 + sum(Math.max(0, t - 1), (j) => advance[(j + 2) * bins + k] + drift[k] / 2 ** 32);
      const half = halfOf(bins);
      const one = (t: number, c: number) => {
        const k = c % half;
        if (k >= bins) return 0;
        const angle = 2 * Math.PI * running(t, k);
        return Math.exp(Math.min(as[t * row + k], 1)) * (c < half ? Math.cos(angle) : Math.sin(angle));
      };
      return [polarTurns(g, a, phase, { limit: 1 }), () => list(rows * 2 * half, (i) => one(...at(i, 2 * half)))];
    },
  ],
  [
    'watch for NaN',
    ({ g, x }) => {
      const [a, as] = x([100]);
      as.set([Number.NaN, Infinity, -Infinity], 41);
      const counts = state('counts', [1], 'u32');
      countNonFinite(g, a, counts, 0);
      return [counts, () => [3]];
    },
  ],
];

/** What is recorded is the same on every call, so that its kernels can be named before they run. */
function record(gpu: Gpu) {
  const g = new Graph(gpu.caps);
  const inputs: Record<string, Float32Array> = {};
  let seed = 0;
  const normals = (n: number, scale = 1) => normalNoiseReference(n, ++seed, 0).map((v) => v * scale);
  const held = (name: string, shape: readonly number[], dtype: WeightRef['dtype'], data: Float32Array | Uint16Array | Uint32Array) => {
    async function* read() {
      yield { offset: 0, data };
    }
    return { name, shape, dtype, read };
  };
  const kit: Kit = {
    g,
    x(shape, scale) {
      const name = `x${seed}`;
      inputs[name] = normals(elementsOf(shape), scale);
      return [g.input(name, shape), inputs[name]];
    },
    w(shape, scale, dtype = 'f32') {
      const values = normals(elementsOf(shape), scale);
      if (dtype === 'f32') return [held(`w${seed}`, shape, dtype, values), values];
      const half = f32ToF16(values);
      return [held(`w${seed}`, shape, dtype, half), f16ToF32(half)];
    },
    ids(count, end) {
      const data = Uint32Array.from({ length: count }, (_, i) => (i * 7919) % end);
      return [g.weight(held(`ids${++seed}`, [count], 'u32', data), { key: 'flat', dtype: 'u32' }), data];
    },
  };
  const families = FAMILIES.map(([name, of]) => {
    const [y, expected] = of(kit);
    return { name, y: g.output(name, y), expected };
  });
  return { g, inputs, families };
}

/** Names of the kernel families that this GPU computes wrong; none on a sound one. Leaves nothing on the GPU. */
export async function quickTest(gpu: Gpu): Promise<string[]> {
  const { g, inputs, families } = record(gpu);
  const residents = new Residents(gpu);
  try {
    const plan = await Plan.compile(residents, g);
    try {
      plan.run({}, inputs);
      const outputs = await Promise.all(families.map(({ name }) => plan.readBytes(name)));
      return families.filter(({ y, expected }, i) => !right(y, outputs[i], expected())).map(({ name }) => name);
    } finally {
      plan.dispose();
    }
  } finally {
    residents.dispose();
  }
}

function right(y: Tensor, bytes: ArrayBuffer, expected: Numbers): boolean {
  const got = y.dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);
  const error = sum(expected.length, (i) => (got[i] - expected[i]) ** 2);
  return got.length === expected.length && error <= LIMIT * sum(expected.length, (i) => expected[i] ** 2);
}

/**
 * Throws `wrong_results` when this GPU computes wrong. An adapter that passed is not asked again until its driver, the WebGPU
 * implementation or our kernels change.
 */
export async function ensureRight(gpu: Gpu): Promise<void> {
  const { dispatches } = record(gpu).g;
  const kernels = new Set(dispatches.map(({ kernel }) => kernel.source));
  const key = `quick test: ${platform.runtime}; ${gpu.caps.name}; ${JSON.stringify(gpu.caps)}; ${[...kernels].join('')}`;
  if (await platform.facts.get(key)) return;
  const wrong = await quickTest(gpu);
  if (wrong.length)
    throw new MelodyError(
      'wrong_results',
      `this GPU computes wrong: ${wrong.join(', ')} (${wrong.length} of ${FAMILIES.length} kinds of kernels, on ${gpu.caps.name})`,
      'update the driver or browser, or use another adapter; `melody doctor` tells more, and please report it',
    );
  await platform.facts.set(key, 'passed');
}
