// Kernel families that no other engine is compared on: how to record each, seeded inputs, and its formula in double precision.
import type { Graph } from '../../graph/graph.ts';
import { elementsOf, type Tensor } from '../../graph/tensor.ts';
import { rope } from '../../ops/attention.ts';
import { conv1d } from '../../ops/conv.ts';
import { diffusionStep, overlapAdd, segment } from '../../ops/diffusion.ts';
import { copy, film, snake } from '../../ops/elementwise.ts';
import { embedding } from '../../ops/gather.ts';
import { swiglu } from '../../ops/matmul.ts';
import { groupNorm } from '../../ops/norm.ts';
import { rvqEncode } from '../../ops/quantize.ts';
import { normalNoise, normalNoiseReference, seedWords } from '../../ops/random.ts';
import { sruScan } from '../../ops/recurrent.ts';
import { sampleToken, sampleTokenReference, samplingParams } from '../../ops/sample.ts';
import { halfOf, istft, stft } from '../../ops/spectrum.ts';
import { uniform } from './cases.ts';
import type { Named } from './measure.ts';
import { preparePlan, weight } from './own.ts';
import * as reference from './reference_families.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const generate = (n: number, f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i));

interface Family {
  name: string;
  flops: number;
  /** Numbers that must be read and written at least once. */
  values: number;
  /** `input` declares a seeded input, uniform in ±scale, and gives its values too. */
  record(
    g: Graph,
    input: (name: string, shape: number[], scale?: number) => [Tensor, Float32Array],
  ): [y: Tensor, reference: () => Float64Array];
}

function named({ name, flops, values, record }: Family): Named {
  return {
    name,
    storage: 'f32',
    flops,
    bytes: 4 * values,
    prepare: (gpu) => {
      const feeds: Record<string, Float32Array> = {};
      let expected: () => Float64Array;
      return preparePlan(
        gpu,
        (g) => {
          const [y, f] = record(g, (name, shape, scale) => {
            feeds[name] = uniform(elementsOf(shape), Object.keys(feeds).length + 1, scale);
            return [g.input(name, shape), feeds[name]];
          });
          expected = f;
          return { y, feeds };
        },
        () => expected(),
      );
    },
  };
}

/** One SRU layer's scan, both directions, with its own skip group (system.md §5). */
export const sruScanCase = (name: string, rows: number, steps: number, width: number): Named =>
  named({
    name,
    flops: 22 * rows * steps * width,
    values: 5 * rows * steps * width,
    record(g, input) {
      const [u, values] = input('u', [rows, steps, 4 * width], 2);
      const v = uniform(2 * width, 9);
      const b = uniform(2 * width, 10);
      const y = sruScan(g, u, { v: weight('v', v, [2, width]), b: weight('b', b, [2, width]), directions: 2 });
      return [y, () => reference.sruScan(values, v, b, { rows, steps, width })];
    },
  });

export const depthwiseCase = (name: string, length: number, channels: number, kernel: number): Named =>
  named({
    name,
    flops: 2 * length * channels * kernel,
    values: 2 * length * channels + channels * kernel,
    record(g, input) {
      const [x, values] = input('x', [length, channels]);
      const w = uniform(channels * kernel, 9);
      const left = (kernel - 1) / 2;
      const y = conv1d(g, x, weight('w', w, [channels, 1, kernel]), { groups: channels, padding: left });
      const tap = (t: number, c: number, j: number) =>
        t + j - left < 0 || t + j - left >= length ? 0 : values[(t + j - left) * channels + c];
      return [
        y,
        () =>
          generate(length * channels, (i) => {
            let sum = 0;
            for (let j = 0; j < kernel; j++) sum += w[(i % channels) * kernel + j] * tap(Math.floor(i / channels), i % channels, j);
            return sum;
          }),
      ];
    },
  });

export const groupNormCase = (name: string, length: number, channels: number, groups: number): Named =>
  named({
    name,
    flops: 8 * length * channels,
    values: 2 * length * channels,
    record(g, input) {
      const [x, values] = input('x', [length, channels], 3);
      const w = uniform(channels, 9);
      const b = uniform(channels, 10);
      const y = groupNorm(g, x, weight('w', w, [channels]), weight('b', b, [channels]), { groups, eps: 1e-5 });
      return [y, () => reference.groupNorm(values, w, b, { length, channels, groups, eps: 1e-5 })];
    },
  });

export const swigluCase = (name: string, rows: number, dim: number, ffn: number): Named =>
  named({
    name,
    flops: 4 * rows * dim * ffn,
    values: rows * (dim + ffn) + 2 * dim * ffn,
    record(g, input) {
      const [x, values] = input('x', [rows, dim]);
      const gate = uniform(ffn * dim, 9, 1 / Math.sqrt(dim));
      const up = uniform(ffn * dim, 10, 1 / Math.sqrt(dim));
      const y = swiglu(g, x, weight('gate', gate, [ffn, dim]), weight('up', up, [ffn, dim]));
      const product = (m: Float32Array, r: number, f: number) => {
        let sum = 0;
        for (let k = 0; k < dim; k++) sum += values[r * dim + k] * m[f * dim + k];
        return sum;
      };
      return [
        y,
        () =>
          generate(rows * ffn, (i) => {
            const [r, f] = [Math.floor(i / ffn), i % ffn];
            const h = product(gate, r, f);
            return h * sigmoid(h) * product(up, r, f);
          }),
      ];
    },
  });

export const ropeCase = (name: string, length: number, heads: number, headDim: number): Named =>
  named({
    name,
    flops: 3 * length * heads * headDim,
    values: 2 * length * heads * headDim,
    record(g, input) {
      const [x, values] = input('x', [1, length, heads * headDim]);
      const half = headDim / 2;
      return [
        rope(g, x, { heads }),
        () =>
          generate(values.length, (i) => {
            const d = i % headDim;
            const angle = Math.floor(i / (heads * headDim)) * 10_000 ** (-(d % half) / half);
            return d < half
              ? values[i] * Math.cos(angle) - values[i + half] * Math.sin(angle)
              : values[i] * Math.cos(angle) + values[i - half] * Math.sin(angle);
          }),
      ];
    },
  });

export const filmCase = (name: string, rows: number, dim: number): Named =>
  named({
    name,
    flops: 2 * rows * dim,
    values: 4 * rows * dim,
    record(g, input) {
      const [[x, xs], [scale, scales], [shift, shifts]] = ['x', 'scale', 'shift'].map((name) => input(name, [rows, dim]));
      return [film(g, x, scale, shift), () => generate(rows * dim, (i) => xs[i] * scales[i] + shifts[i])];
    },
  });

export const snakeCase = (name: string, rows: number, channels: number): Named =>
  named({
    name,
    flops: 24 * rows * channels,
    values: 2 * rows * channels,
    record(g, input) {
      const [x, values] = input('x', [rows, channels], 3);
      const alpha = uniform(channels, 9, 0.5).map((v) => v + 1);
      const y = snake(g, x, weight('alpha', alpha, [channels]));
      return [y, () => generate(values.length, (i) => values[i] + Math.sin(alpha[i % channels] * values[i]) ** 2 / alpha[i % channels])];
    },
  });

export const embeddingCase = (name: string, words: number, dim: number, count: number): Named =>
  named({
    name,
    flops: 0,
    values: 2 * count * dim,
    record(g) {
      const table = uniform(words * dim, 9);
      const ids = sampledIds(g, count, words);
      const y = embedding(g, weight('table', table, [words, dim]), ids.tensor);
      return [y, () => generate(count * dim, (i) => table[ids.values[Math.floor(i / dim)] * dim + (i % dim)])];
    },
  });

/** Known ids on the GPU: a weight, since inputs are f32. */
function sampledIds(g: Graph, count: number, words: number): { tensor: Tensor; values: number[] } {
  const values = Array.from({ length: count }, (_, i) => (i * 7919) % words);
  const ids = g.weight(
    {
      name: 'ids',
      shape: [count],
      dtype: 'u32',
      async *read() {
        yield { offset: 0, data: Uint32Array.from(values) };
      },
    },
    { key: 'flat', dtype: 'u32' },
  );
  return { tensor: ids, values };
}

export const rvqCase = (name: string, items: number, levels: number, entries: number, dim: number): Named =>
  named({
    name,
    flops: 3 * items * levels * entries * dim,
    values: items * (dim + levels) + levels * entries * dim,
    record(g, input) {
      const [x, values] = input('x', [items, dim]);
      const books = uniform(levels * entries * dim, 9);
      return [
        rvqEncode(g, x, weight('books', books, [levels, entries, dim])),
        () => reference.rvqEncode(values, books, { items, levels, entries, dim }),
      ];
    },
  });

export const stftCase = (name: string, frames: number, size: number, hop: number): Named => {
  const width = size + 2;
  return named({
    name,
    flops: 2 * frames * width * size,
    values: frames * (hop + width),
    record(g, input) {
      const [x, values] = input('x', [frames * hop]);
      return [stft(g, x, { size, hop }), () => reference.stft(values, { frames, size, hop })];
    },
  });
};

export const istftCase = (name: string, frames: number, size: number): Named => {
  const hop = size / 4;
  return named({
    name,
    flops: 2 * frames * (size + 2) * size,
    values: frames * (hop + size + 2),
    record(g, input) {
      const [x, values] = input('x', [frames, 2 * halfOf(size / 2 + 1)]);
      return [istft(g, x, { size, hop }), () => reference.istft(values, { frames, size, hop })];
    },
  });
};

export const diffusionStepCase = (name: string, frames: number, dim: number): Named =>
  named({
    name,
    flops: 6 * frames * dim,
    values: 4 * frames * dim,
    record(g, input) {
      const [omega, guidance] = [0.3, 2.5];
      const [[z, zs], [cond, conds], [free, frees]] = ['z', 'cond', 'null'].map((name) => input(name, [frames, dim]));
      const mask = generate(frames, (i) => (i % 3 === 0 ? 0 : 1));
      const frozen = g.weight(weight('mask', Float32Array.from(mask), [frames]), { key: 'flat', dtype: 'f32' });
      const y = copy(g, z); // the step works in place, and no dispatch may write an input
      diffusionStep(g, y, cond, free, { mask: frozen, omega, guidance, into: y });
      const v = (i: number) => guidance * conds[i] + (1 - guidance) * frees[i];
      const moved = (i: number) => Math.cos(omega) * zs[i] - Math.sin(omega) * v(i);
      return [y, () => generate(zs.length, (i) => (mask[Math.floor(i / dim)] ? moved(i) : zs[i]))];
    },
  });

/** overlapAdd(segment(x)) = 2x, system.md §9. */
export const segmentCase = (name: string, length: number, dim: number, size: number): Named =>
  named({
    name,
    flops: length * dim,
    values: 6 * length * dim,
    record(g, input) {
      const [x, values] = input('x', [length, dim]);
      return [overlapAdd(g, segment(g, x, { size }), length), () => generate(values.length, (i) => 2 * values[i])];
    },
  });

export const noiseCase = (name: string, n: number): Named =>
  named({
    name,
    flops: 0,
    values: n,
    record: (g) => [normalNoise(g, [n], { seed: seedWords(42), stream: 0 }), () => Float64Array.from(normalNoiseReference(n, 42, 0))],
  });

export const sampleCase = (name: string, vocab: number): Named =>
  named({
    name,
    flops: 0,
    values: vocab,
    record(g, input) {
      const sampling = { temperature: 0.9, topK: Math.ceil(vocab / 2), topP: 0.9 };
      const [logits, values] = input('logits', [vocab], 4);
      const into = g.temp([1], 'u32', 'token');
      sampleToken(g, logits, { ...samplingParams(sampling), seed: seedWords(42), position: 5, into });
      return [into, () => Float64Array.of(sampleTokenReference(values, sampling, 42, 5))];
    },
  });

/** The families at the paper's sizes (system.md), where one exists, else at those of a small model. */
export const FAMILIES: readonly Named[] = [
  swigluCase('lm_prefill_swiglu', 262, 1024, 1024),
  ropeCase('lm_rope', 262, 16, 64),
  embeddingCase('lm_embedding', 1024, 1024, 262),
  sampleCase('lm_sample', 1024),
  noiseCase('noise_40k', 40_000),
  segmentCase('dpd_segment', 2500, 768, 64),
  sruScanCase('dpd_sru_scan', 80, 64, 256),
  filmCase('dpd_film', 80 * 64, 768),
  diffusionStepCase('dpd_step', 2500, 16),
  rvqCase('rvq_12x1024', 4, 12, 1024, 128),
  depthwiseCase('vae_depthwise_k7', 1000, 256, 7),
  groupNormCase('vae_group_norm', 1000, 256, 8),
  snakeCase('vae_snake', 4096, 96),
  stftCase('stft_2048', 100, 2048, 480),
  istftCase('istft_960', 200, 960),
];
