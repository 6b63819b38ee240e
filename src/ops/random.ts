// Counter-based random numbers: the same bytes on every GPU and here. Philox4x32-10 words; normals by a table of quantiles in
// integer arithmetic, because log and cos differ between devices.
import { exp } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { type Graph, grid1d, type ParamValue } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, constantRef } from './constant.ts';

/** A seed of up to 53 bits as the two key words of Philox. Throws `invalid_argument` unless it is a whole number in 0…2^53−1. */
export function seedWords(seed: number): [low: number, high: number] {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new MelodyError('invalid_argument', `seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}; got ${String(seed)}`);
  return [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
}

/** Independent uses of one seed. A stream is a word of the counter, so streams never overlap. */
export const STREAM = { noise: 0, tokens: 1, ancestral: 2, encoder: 3, controls: 4, jitter: 5, phase: 6, timbre: 7 } as const;

export interface NoiseOptions {
  readonly seed: readonly [low: ParamValue, high: ParamValue];
  readonly stream: ParamValue;
  /** First block of four values: noise of a later chunk continues where the earlier one ended. */
  readonly block?: ParamValue;
  /** Blocks after which the noise begins again, for circular pieces. Default 0: never. */
  readonly period?: ParamValue;
  readonly into?: Tensor;
}

/** Standard normal noise of `shape`, in steps of 2^-20, |value| ≤ 6.4. Block b of four values is a function of (seed, stream, b mod period). */
export function normalNoise(g: Graph, shape: readonly number[], options: NoiseOptions): Tensor {
  const n = elementsOf(shape);
  const y = options.into ?? g.temp(shape, 'f32', 'noise');
  if (elementsOf(y.shape) !== n) throw new MelodyError('shape', `normal_noise: got [${y.shape}] to write to, expected [${shape}]`);
  const [seed_low, seed_high] = options.seed;
  g.dispatch(K.normal_noise, {
    in: { table: constant(g, QUANTILES) },
    out: { y },
    params: { n, block: options.block ?? 0, period: options.period ?? 0, stream: options.stream, seed_low, seed_high },
    grid: grid1d(g.caps, Math.ceil(n / 4), 64),
  });
  return y;
}

/** The same numbers without a GPU: `n` values from block `block` on. */
export function normalNoiseReference(n: number, seed: number, stream: number, block = 0, period = 2 ** 32): Float32Array {
  const y = new Float32Array(n);
  const key = seedWords(seed);
  for (let i = 0; i < n; i += 4) {
    const words = philox([(block + i / 4) % period, stream, 0, 0], key);
    for (let j = 0; j < 4 && i + j < n; j++) y[i + j] = normalOf(words[j]);
  }
  return y;
}

/** Philox4x32-10 (Salmon et al., SC 2011): four words of a counter (four words) and a key (two words). */
export function philox(counter: readonly number[], key: readonly number[]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [hi0, lo0] = wideMultiply(0xd2511f53, c0);
    const [hi1, lo1] = wideMultiply(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(hi1 ^ c1 ^ k0) >>> 0, lo1, (hi0 ^ c3 ^ k1) >>> 0, lo0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** High and low words of a·b for 32-bit words. */
export function wideMultiply(a: number, b: number): [high: number, low: number] {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const mid1 = a1 * b0 + ((a0 * b0) >>> 16);
  const mid2 = a0 * b1 + (mid1 & 0xffff);
  return [(a1 * b1 + (mid1 >>> 16) + (mid2 >>> 16)) >>> 0, Math.imul(a, b) >>> 0];
}

/** `n` random words of the seed, the first of this stream. */
export function randomWords(n: number, seed: number, stream: number): Uint32Array {
  const key = seedWords(seed);
  return Uint32Array.from({ length: n }, (_, i) => philox([i >>> 2, stream, 0, 0], key)[i % 4]);
}

function normalOf(bits: number): number {
  const tail = ((bits & 0x7fffffff) | 1) >>> 0;
  const zeros = Math.clz32(tail);
  const mantissa = (tail << zeros) >>> 0;
  const table = QUANTILES.data();
  const knot = (31 - zeros) * KNOTS + ((mantissa >>> 26) & 31);
  const step = table[knot] - table[knot + 1];
  const value = table[knot] - ((step * ((mantissa >>> 10) & 0xffff) + 0x8000) >>> 16);
  return (bits >= 0x80000000 ? -value : value) * 2 ** -20;
}

const OCTAVES = 31;
const KNOTS = 33; // 32 intervals an octave, both ends kept so that octaves do not depend on each other

/**
 * Quantiles of the half normal in units of 2^-20: entry [k, j] is x with P(X > x) = 2^k (1 + j/32) / 2^32.
 */
const QUANTILES = constantRef('normal_noise.quantiles', [OCTAVES * KNOTS], 'u32', () => {
  const table = new Uint32Array(OCTAVES * KNOTS);
  let x = 6; // below the first; Newton's steps bring it from each to the next, and come close from below
  for (let k = 0; k < OCTAVES; k++)
    for (let j = 0; j < KNOTS; j++) {
      const p = (2 ** k * (1 + j / 32)) / 2 ** 32;
      for (let i = 0; i < 6; i++) x += (normalTail(x) - p) / density(x);
      let cell = Math.floor(x * 2 ** 37);
      while (normalTail((cell + 1) / 2 ** 37) > p) cell += 1;
      table[k * KNOTS + j] = Math.round((cell + 0.5) / 2 ** 17); // the middle of the cell of 2^-37 in which the tail passes p
    }
  return table;
});

const density = (x: number): number => 0.3989422804014327 * exp((x * x) / -2);

/** P(X > x) of the standard normal: the Taylor series of Φ near 0, Laplace's continued fraction beyond. */
function normalTail(x: number): number {
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 3; n < 80; n += 2) sum += term *= (x * x) / n;
    return 0.5 - density(x) * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / fraction;
  return density(x) / fraction;
}
