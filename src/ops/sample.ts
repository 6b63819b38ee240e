// Choosing the next token. Integer arithmetic from the rounded logits on: equal logits give equal tokens on every device.

import { exp2 } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, isScalar, type ParamValue, within } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, constantRef } from './constant.ts';
import { philox, STREAM, seedWords, wideMultiply } from './random.ts';
import { powerOfTwo } from './spread.ts';

export const SORT_THREADS = 256;
export const MAX_VOCAB = 2048; // a key holds 11 bits of token; the sort's memory is 8 KiB of the guaranteed 16

/** 2^20 · 2^(−i/256): the fractional part of a power of two. */
export const EXP2 = constantRef('sample_token.exp2', [257], 'u32', () =>
  Uint32Array.from({ length: 257 }, (_, i) => Math.round(2 ** 20 * exp2(-i / 256))),
);

export interface Sampling {
  /** > 0; below 1 sharpens, above 1 flattens. 0 takes the most likely token. */
  readonly temperature: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Keep the most likely tokens that hold this share of the probability, (0, 1]; 1 keeps all. */
  readonly topP: number;
}

/** The integers the kernel works with, of numbers that were checked before; they are run-time numbers, so one plan serves every setting. */
export function samplingParams(sampling: Sampling): { topK: number; topP: number; rate: number } {
  const { temperature, topK, topP } = sampling;
  return {
    topK: temperature === 0 ? 1 : topK || MAX_VOCAB,
    topP: Math.min(2 ** 32 - 1, Math.floor(topP * 2 ** 32)),
    rate: Math.min(2 ** 32 - 1, Math.round((65536 * Math.LOG2E) / Math.max(temperature, 1e-3))),
  };
}

export interface SampleOptions {
  readonly topK: ParamValue;
  readonly topP: ParamValue;
  readonly rate: ParamValue;
  readonly seed: readonly [low: ParamValue, high: ParamValue];
  /** Counter of the draw: the token's position in the piece. */
  readonly position: ParamValue;
  readonly stream?: ParamValue | undefined;
  /** A u32 tensor for the id, which stays on the GPU, and where in it. */
  readonly into: Tensor;
  readonly at?: ParamValue | undefined;
  /** Logits are [2, vocab] and mixed first: of · the first row + rest · the second, where of + rest = 1. */
  readonly guidance?: { readonly of: ParamValue; readonly rest: ParamValue } | undefined;
}

/** What kernels of lib/draw read of a draw among `vocab` logits. */
export const drawParams = (vocab: number, { topK, topP, rate, seed }: Pick<SampleOptions, 'topK' | 'topP' | 'rate' | 'seed'>) => ({
  vocab,
  size: Math.max(SORT_THREADS, powerOfTwo(vocab)),
  top_k: within(topK, 1, 2 ** 32 - 1),
  top_p: topP,
  rate,
  seed_low: seed[0],
  seed_high: seed[1],
});

/** Draw one token of logits [vocab], or [2, vocab] with `guidance`, into `into[at]`. vocab ≤ 2048. Throws `shape`. */
export function sampleToken(g: Graph, logits: Tensor, options: SampleOptions): Tensor {
  const { guidance } = options;
  const vocab = elementsOf(logits.shape) / (guidance ? 2 : 1);
  if (guidance) expectShape('sample_token', 'logits', logits, [2, vocab]);
  if (vocab > MAX_VOCAB) throw new MelodyError('shape', `sample_token: got ${vocab} logits, expected at most ${MAX_VOCAB}`);
  const places = elementsOf(options.into.shape);
  const at = within(options.at ?? 0, 0, places - 1);
  if (options.into.dtype !== 'u32' || (!isScalar(at) && at >= places))
    throw new MelodyError(
      'shape',
      `sample_token: cannot write id ${String(at)} of ${options.into.dtype} [${options.into.shape}], expected u32 and a place in it`,
    );
  g.dispatch(K.sample_token, {
    in: { logits, exp2_table: constant(g, EXP2) },
    out: { id: options.into },
    params: {
      ...drawParams(vocab, options),
      position: options.position,
      stream: options.stream ?? STREAM.tokens,
      at,
      guidance: guidance?.of ?? 1,
      rest: guidance?.rest ?? 0,
    },
    meaning: { GUIDED: guidance ? 1 : 0 },
    tuning: { WG: SORT_THREADS },
    grid: [1],
  });
  return options.into;
}

/** The token the kernel draws, computed here: for tests and for checks across machines. */
export function sampleTokenReference(
  logits: Float32Array,
  sampling: Sampling,
  seed: number,
  position: number,
  stream: number = STREAM.tokens,
): number {
  const { topK, topP, rate } = samplingParams(sampling);
  const steps = Array.from(logits, (l) =>
    Number.isFinite(l) ? roundEven(Math.fround(l * 4096)) : l === Infinity ? 0x3fffffff : -0x3fffffff,
  );
  const best = steps.reduce((a, b) => Math.max(a, b));
  const ranked = steps
    .map((s, token) => ({ token, distance: Math.min(best - s, 0x1ffffe) }))
    .sort((a, b) => a.distance - b.distance || a.token - b.token)
    .slice(0, topK);
  const weights = ranked.map(({ distance }) => weightOf(distance, rate));
  const firstAbove = (threshold: number) => {
    let sum = 0;
    for (const [rank, w] of weights.entries()) {
      sum += w;
      if (sum > threshold) return rank;
    }
    return weights.length - 1;
  };
  const total = weights.reduce((a, b) => a + b);
  const last = firstAbove(wideMultiply(total - 1, topP)[0]);
  const nucleus = weights.slice(0, last + 1).reduce((a, b) => a + b);
  const random = philox([position, stream, 0, 0], seedWords(seed))[0];
  return ranked[firstAbove(wideMultiply(nucleus, random)[0])].token;
}

function weightOf(distance: number, rate: number): number {
  const [high, low] = wideMultiply(distance, rate);
  if (high >= 4096) return 0;
  const exponent = ((high << 20) | (low >>> 12)) >>> 0;
  const whole = exponent >>> 16;
  if (whole > 20) return 0;
  const table = EXP2.data();
  const at = (exponent >>> 8) & 255;
  return (table[at] - (((table[at] - table[at + 1]) * (exponent & 255)) >>> 8)) >>> whole;
}

/** Ties to even, as WGSL's round; clamped as in the kernel. */
function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.max(-1e9, Math.min(1e9, rounded));
}
