// Seeded test data, weights made of arrays, and the error measure of every kernel test.
import { expect } from 'vitest';
import type { WeightRef } from '../../src/graph/tensor.ts';

/** A small seeded generator (mulberry32), uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `n` values uniform in [-scale, scale), as f32. */
export function randomArray(n: number, seed: number, scale = 1): Float32Array {
  const next = seeded(seed);
  return Float32Array.from({ length: n }, () => (next() * 2 - 1) * scale);
}

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** f32 to f16 bits, nearest even; finite range only (tests keep to it). */
export function toHalf(value: number): number {
  f32[0] = value;
  const sign = (u32[0] >>> 16) & 0x8000;
  const magnitude = Math.abs(f32[0]);
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(magnitude || 1e-30)), -14);
  const steps = magnitude / 2 ** (exponent - 10);
  let rounded = Math.floor(steps);
  const rest = steps - rounded;
  if (rest > 0.5 || (rest === 0.5 && rounded % 2 === 1)) rounded += 1;
  return sign | (exponent === -14 && rounded < 1024 ? rounded : (exponent + 14) * 1024 + rounded);
}

export function fromHalf(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  const magnitude =
    exponent === 0
      ? mantissa * 2 ** -24
      : exponent === 31
        ? mantissa
          ? Number.NaN
          : Infinity
        : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** The values an f16 file would hold. */
export const roundHalf = (values: Float32Array): Float32Array => values.map((v) => fromHalf(toHalf(v)));

/** A weight held in memory, stored as f32 or f16. */
export function weightOf(values: Float32Array, shape: readonly number[], dtype: 'f32' | 'f16' = 'f32', name = 'test.weight'): WeightRef {
  const data = dtype === 'f32' ? values : Uint16Array.from(values, toHalf);
  return {
    name,
    shape,
    dtype,
    async *read() {
      yield { offset: 0, data };
    },
  };
}

/** Normalised mean squared error: Σ(a−b)² / Σb². */
export function nmse(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (got[i] - expected[i]) ** 2;
    power += expected[i] ** 2;
  }
  return power === 0 ? error : error / power;
}

/** Fails unless lengths agree, all is finite and NMSE ≤ limit (1e-7 for f32 kernels, 1e-6 for f16 weights against the rounded weights). */
export function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, limit = 1e-7): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) if (!Number.isFinite(got[i])) throw new Error(`value ${i} is ${got[i]}, expected ${expected[i]}`);
  expect(nmse(got, expected)).toBeLessThanOrEqual(limit);
}
