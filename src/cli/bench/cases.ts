// Named shapes: what is measured, with seeded inputs, an f64 reference and the work counted by its formula.

import type { ConvShape } from './reference.ts';
import * as reference from './reference.ts';

/** What a case computes, as data, so that every engine (ours and others) builds the same thing. */
export type PeerWork =
  | { op: 'matmul'; m: number; k: number; n: number } // x[m,k] · w[k,n]
  | { op: 'softmax'; rows: number; cols: number }
  | { op: 'layer_norm'; rows: number; cols: number; eps: number }
  | ({ op: 'conv1d' } & ConvShape)
  | ({ op: 'conv_transpose1d' } & ConvShape)
  | { op: 'attention'; heads: number; queries: number; keys: number; headDim: number }
  | { op: 'elementwise_chain'; steps: number; size: number };

/** All that our own bench measures. */
export type Work = PeerWork | { op: 'rms_norm'; rows: number; cols: number; eps: number };

/** Inputs by name: `x` or `q,k,v` are activations; `w`, `b`, `a` are weights. */
export type Inputs = Record<string, Float32Array>;

export interface Case<W extends Work = Work> {
  name: string;
  work: W;
  /** Floating-point operations of one run by the textbook formula (a multiply-add counts 2). */
  flops: number;
  /** f32 bytes that must be read and written at least once. */
  bytes: number;
}

/** Uniform numbers in [−1, 1) from a seed (mulberry32); the same on every engine and machine. */
export function uniform(size: number, seed: number, scale = 1): Float32Array {
  const out = new Float32Array(size);
  let state = seed >>> 0;
  for (let i = 0; i < size; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    out[i] = (((t ^ (t >>> 14)) >>> 0) / 2147483648 - 1) * scale;
  }
  return out;
}

export function inputsOf({ work: w }: Case): Inputs {
  switch (w.op) {
    case 'matmul':
      return { x: uniform(w.m * w.k, 1), w: uniform(w.k * w.n, 2, 1 / Math.sqrt(w.k)) };
    case 'softmax':
      return { x: uniform(w.rows * w.cols, 1, 4) };
    case 'rms_norm':
      return { x: uniform(w.rows * w.cols, 1, 3), w: uniform(w.cols, 2) };
    case 'layer_norm':
      return { x: uniform(w.rows * w.cols, 1, 3).map((v) => v + 0.5), w: uniform(w.cols, 2), b: uniform(w.cols, 3) };
    case 'conv1d':
    case 'conv_transpose1d': {
      const size = w.inChannels * w.outChannels * w.kernel;
      const scale = 1 / Math.sqrt(w.inChannels * (w.op === 'conv1d' ? w.kernel : w.kernel / w.stride));
      return { x: uniform(w.inChannels * w.length, 1), w: uniform(size, 2, scale), b: uniform(w.outChannels, 3) };
    }
    case 'attention': {
      const kv = w.heads * w.keys * w.headDim;
      return { q: uniform(w.heads * w.queries * w.headDim, 1, 2), k: uniform(kv, 2, 2), v: uniform(kv, 3) };
    }
    case 'elementwise_chain':
      // 0.8…1.0 keeps two hundred products in range.
      return { x: uniform(w.size, 1), a: uniform(w.size, 2, 0.1).map((v) => 0.9 + v), b: uniform(w.size, 3) };
  }
}

export function referenceOf({ work: w }: Case, i: Inputs): Float64Array {
  switch (w.op) {
    case 'matmul':
      return reference.matmul(i.x, i.w, w.m, w.k, w.n);
    case 'softmax':
      return reference.softmax(i.x, w.rows, w.cols);
    case 'rms_norm':
      return reference.rmsNorm(i.x, i.w, w.rows, w.cols, w.eps);
    case 'layer_norm':
      return reference.layerNorm(i.x, i.w, i.b, w.rows, w.cols, w.eps);
    case 'conv1d':
      return reference.conv1d(i.x, i.w, i.b, w);
    case 'conv_transpose1d':
      return reference.convTranspose1d(i.x, i.w, i.b, w);
    case 'attention':
      return reference.attention(i.q, i.k, i.v, w.heads, w.queries, w.keys, w.headDim);
    case 'elementwise_chain':
      return reference.elementwiseChain(i.x, i.a, i.b, w.steps);
  }
}

function countOf(w: Work): { flops: number; values: number } {
  switch (w.op) {
    case 'matmul':
      return { flops: 2 * w.m * w.k * w.n, values: w.m * w.k + w.k * w.n + w.m * w.n };
    case 'softmax': // max, subtract, exp, sum, divide
      return { flops: 5 * w.rows * w.cols, values: 2 * w.rows * w.cols };
    case 'rms_norm': // square, sum, normalise, weight
      return { flops: 4 * w.rows * w.cols, values: 2 * w.rows * w.cols + w.cols };
    case 'layer_norm': // mean, variance (3), normalise (2), affine (2)
      return { flops: 8 * w.rows * w.cols, values: 2 * w.rows * w.cols + 2 * w.cols };
    case 'conv1d': {
      const out = reference.convLength(w);
      const taps = w.inChannels * w.outChannels * w.kernel;
      return { flops: 2 * taps * out, values: w.inChannels * w.length + taps + w.outChannels * (out + 1) };
    }
    case 'conv_transpose1d': {
      const taps = w.inChannels * w.outChannels * w.kernel;
      const out = reference.convTransposeLength(w);
      return { flops: 2 * taps * w.length, values: w.inChannels * w.length + taps + w.outChannels * (out + 1) };
    }
    case 'attention': {
      const pairs = w.heads * w.queries * w.keys;
      return { flops: 4 * pairs * w.headDim, values: 2 * w.heads * (w.queries + w.keys) * w.headDim };
    }
    case 'elementwise_chain':
      return { flops: w.steps * w.size, values: 3 * w.steps * w.size };
  }
}

export function makeCase<W extends Work>(name: string, work: W): Case<W> {
  const { flops, values } = countOf(work);
  return { name, work, flops, bytes: 4 * values };
}

const same = (kernel: number, dilation: number) => ((kernel - 1) * dilation) / 2;
const conv7 = (dilation: number): PeerWork => ({
  op: 'conv1d',
  inChannels: 128,
  outChannels: 128,
  length: 4096,
  kernel: 7,
  stride: 1,
  dilation,
  padding: same(7, dilation),
});

/** The shapes that every engine is compared on. */
export const PEER_CASES: readonly Case<PeerWork>[] = [
  makeCase('matmul_512', { op: 'matmul', m: 512, k: 512, n: 512 }),
  makeCase('matmul_1024', { op: 'matmul', m: 1024, k: 1024, n: 1024 }),
  makeCase('matmul_1x512x2048', { op: 'matmul', m: 1, k: 512, n: 2048 }),
  makeCase('softmax_1024', { op: 'softmax', rows: 1024, cols: 1024 }),
  makeCase('layer_norm_1024x512', { op: 'layer_norm', rows: 1024, cols: 512, eps: 1e-5 }),
  makeCase('conv1d_k7_d1', conv7(1)),
  makeCase('conv1d_k7_d3', conv7(3)),
  makeCase('conv_transpose1d_k16_s8', {
    op: 'conv_transpose1d',
    inChannels: 128,
    outChannels: 64,
    length: 512,
    kernel: 16,
    stride: 8,
    dilation: 1,
    padding: 4,
  }),
  makeCase('attention_8x512x64', { op: 'attention', heads: 8, queries: 512, keys: 512, headDim: 64 }),
  makeCase('elementwise_chain_200', { op: 'elementwise_chain', steps: 200, size: 1024 }),
];

const linear = (name: string, m: number, k: number, n: number) => makeCase(name, { op: 'matmul', m, k, n });
const conv = (name: string, channels: number, length: number, kernel: number, dilation: number) =>
  makeCase(name, {
    op: 'conv1d',
    inChannels: channels,
    outChannels: channels,
    length,
    kernel,
    stride: 1,
    dilation,
    padding: same(kernel, dilation),
  });
const up = (name: string, inChannels: number, length: number, kernel: number, stride: number) =>
  makeCase(name, {
    op: 'conv_transpose1d',
    inChannels,
    outChannels: inChannels / 2,
    length,
    kernel,
    stride,
    dilation: 1,
    padding: Math.floor((kernel - stride) / 2),
  });

/** Shapes of the model at the paper's scale (docs/system.md §3, §5, §6): the language model, one diffusion pass, the decoder's stages. */
export const MODEL_CASES: readonly Case[] = [
  linear('lm_decode_ffn', 1, 1024, 4096),
  linear('lm_prefill_ffn', 262, 1024, 4096),
  makeCase('lm_decode_attention', { op: 'attention', heads: 16, queries: 1, keys: 262, headDim: 64 }),
  makeCase('lm_norm', { op: 'rms_norm', rows: 262, cols: 1024, eps: 1e-6 }),
  linear('dpd_coarse_ffn', 80 * 8, 768, 3072),
  makeCase('dpd_coarse_attention', { op: 'attention', heads: 12 * 8, queries: 80, keys: 80, headDim: 64 }),
  linear('dpd_sru', 80 * 64, 768, 1536),
  makeCase('dpd_norm', { op: 'rms_norm', rows: 80 * 64, cols: 768, eps: 1e-6 }),
  up('decoder_up1', 768, 64, 9, 4),
  conv('decoder_k3_d1', 384, 256, 3, 1),
  conv('decoder_k7_d5', 384, 256, 7, 5),
  up('decoder_up4', 192, 768, 7, 2),
];
