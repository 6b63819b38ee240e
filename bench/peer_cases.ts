// The shapes that our engine and the others are compared on, as plain data: seeded inputs and work that every engine builds for itself.
// The formulas are those of src/cases, turned into the layouts that most engines have.
import { attentionReference } from '../src/cases/attention.ts';
import { softmaxReference } from '../src/cases/biased_attention.ts';
import { uniform } from '../src/cases/case.ts';
import { convReference, convTransposeReference } from '../src/cases/conv.ts';
import { product } from '../src/cases/matmul.ts';
import { normReference } from '../src/cases/norm.ts';
import { f16ToF32, f32ToF16 } from '../src/graph/half.ts';
import { transpose } from './transpose.ts';

export interface ConvShape {
  inChannels: number;
  outChannels: number;
  /** Input length. */
  length: number;
  kernel: number;
  stride: number;
  dilation: number;
  /** Zeros on both ends (conv), or samples cut from both ends (transposed). */
  padding: number;
}

export function convLength(s: ConvShape): number {
  return Math.floor((s.length + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride) + 1;
}

export function convTransposeLength(s: ConvShape): number {
  return (s.length - 1) * s.stride - 2 * s.padding + s.dilation * (s.kernel - 1) + 1;
}

/** What a case computes. x of a convolution is [C, L], q, k and v of attention [H, T, Dh]. */
export type PeerWork =
  | { op: 'matmul'; m: number; k: number; n: number } // x[m,k] · w[k,n]
  | { op: 'softmax'; rows: number; cols: number }
  | { op: 'layer_norm'; rows: number; cols: number; eps: number }
  | ({ op: 'conv1d' } & ConvShape)
  | ({ op: 'conv_transpose1d' } & ConvShape)
  | { op: 'attention'; heads: number; queries: number; keys: number; headDim: number }
  | { op: 'elementwise_chain'; steps: number; size: number };

/** Inputs by name: `x` or `q,k,v` are activations; `w`, `b`, `a` are weights. */
export type Inputs = Record<string, Float32Array>;

export interface PeerCase {
  name: string;
  work: PeerWork;
  /** Floating-point operations of one run by the textbook formula (a multiply-add counts 2). */
  flops: number;
  /** f32 bytes that must be read and written at least once. */
  bytes: number;
}

export function inputsOf({ work: w }: PeerCase): Inputs {
  switch (w.op) {
    case 'matmul':
      return { x: uniform(w.m * w.k, 1), w: uniform(w.k * w.n, 2, 1 / Math.sqrt(w.k)) };
    case 'softmax':
      return { x: uniform(w.rows * w.cols, 1, 4) };
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

/** Storages worth measuring: f16 only where there is a weight matrix to store. */
export function storagesOf({ work }: PeerCase): ('f32' | 'f16')[] {
  return ['matmul', 'conv1d', 'conv_transpose1d'].includes(work.op) ? ['f32', 'f16'] : ['f32'];
}

/** The inputs that a run with this storage really sees: the reference must see the same rounded weights. */
export function storedInputs(c: PeerCase, storage: 'f32' | 'f16'): Inputs {
  const inputs = inputsOf(c);
  return storage === 'f16' && inputs.w ? { ...inputs, w: f16ToF32(f32ToF16(inputs.w)) } : inputs;
}

export function referenceOf({ work: w }: PeerCase, i: Inputs): Float64Array {
  switch (w.op) {
    case 'matmul':
      return product(i.x, transpose(i.w, [w.k, w.n], [1, 0]), w.m, w.k, w.n);
    case 'softmax':
      return softmaxReference(i.x, w.cols);
    case 'layer_norm':
      return normReference(i.x, i.w, i.b, w.eps, true);
    case 'conv1d':
    case 'conv_transpose1d': {
      const { inChannels: cin, outChannels: cout, length: len, kernel: taps, stride, dilation, padding } = w;
      const size = { len, cin, cout, taps, stride, dilation, padding: [padding, padding] as const };
      const x = transpose(i.x, [cin, len], [1, 0]);
      const y = w.op === 'conv1d' ? convReference(size, x, i.w, i.b) : convTransposeReference(size, x, i.w, i.b);
      return transpose(y, [y.length / cout, cout], [1, 0]);
    }
    case 'attention': {
      const headsLast = (x: Float32Array) => transpose(x, [w.heads, x.length / w.heads / w.headDim, w.headDim], [1, 0, 2]);
      const size = { tq: w.queries, tk: w.keys, heads: w.heads, dh: w.headDim };
      const y = attentionReference(size, headsLast(i.q), headsLast(i.k), headsLast(i.v));
      return transpose(y, [w.queries, w.heads, w.headDim], [1, 0, 2]);
    }
    case 'elementwise_chain':
      return Float64Array.from(i.x, (x, n) => {
        for (let step = 0; step < w.steps; step++) x = step % 2 === 0 ? x * i.a[n] : x + i.b[n];
        return x;
      });
  }
}

function countOf(w: PeerWork): { flops: number; values: number } {
  switch (w.op) {
    case 'matmul':
      return { flops: 2 * w.m * w.k * w.n, values: w.m * w.k + w.k * w.n + w.m * w.n };
    case 'softmax': // max, subtract, exp, sum, divide
      return { flops: 5 * w.rows * w.cols, values: 2 * w.rows * w.cols };
    case 'layer_norm': // mean, variance (3), normalise (2), affine (2)
      return { flops: 8 * w.rows * w.cols, values: 2 * w.rows * w.cols + 2 * w.cols };
    case 'conv1d': {
      const out = convLength(w);
      const taps = w.inChannels * w.outChannels * w.kernel;
      return { flops: 2 * taps * out, values: w.inChannels * w.length + taps + w.outChannels * (out + 1) };
    }
    case 'conv_transpose1d': {
      const taps = w.inChannels * w.outChannels * w.kernel;
      const out = convTransposeLength(w);
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

export function peerCase(name: string, work: PeerWork): PeerCase {
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
export const PEER_CASES: readonly PeerCase[] = [
  peerCase('matmul_512', { op: 'matmul', m: 512, k: 512, n: 512 }),
  peerCase('matmul_1024', { op: 'matmul', m: 1024, k: 1024, n: 1024 }),
  peerCase('matmul_1x512x2048', { op: 'matmul', m: 1, k: 512, n: 2048 }),
  peerCase('softmax_1024', { op: 'softmax', rows: 1024, cols: 1024 }),
  peerCase('layer_norm_1024x512', { op: 'layer_norm', rows: 1024, cols: 512, eps: 1e-5 }),
  peerCase('conv1d_k7_d1', conv7(1)),
  peerCase('conv1d_k7_d3', conv7(3)),
  peerCase('conv_transpose1d_k16_s8', {
    op: 'conv_transpose1d',
    inChannels: 128,
    outChannels: 64,
    length: 512,
    kernel: 16,
    stride: 8,
    dilation: 1,
    padding: 4,
  }),
  peerCase('attention_8x512x64', { op: 'attention', heads: 8, queries: 512, keys: 512, headDim: 64 }),
  peerCase('elementwise_chain_200', { op: 'elementwise_chain', steps: 200, size: 1024 }),
];
