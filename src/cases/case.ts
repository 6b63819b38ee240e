// One case of an op: how to record it on seeded data, at any size, and its formula in double precision. First-load check, `melody doctor`,
// bench and tests run the same cases, on any executor.
import type { Caps } from '../gpu/caps.ts';
import { Graph } from '../graph/graph.ts';
import { f16ToF32, f32ToF16 } from '../graph/half.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { fuseElementwise } from '../ops/fuse.ts';

export type Values = ArrayLike<number>;
export type FloatStorage = 'f32' | 'f16';

export interface Case {
  readonly name: string;
  /** How its weight matrices are stored. Default f32. The reference sees the rounded weights. */
  readonly storage?: FloatStorage | undefined;
  /** Record it once. The reference is a function, because many a run needs no comparison. */
  record(kit: Kit): [y: Tensor, reference: () => Values];
}

/** A case of the size at which it is timed. */
export interface Measured extends Case {
  /** Floating-point operations of one run by the textbook formula; a multiply-add counts two. */
  readonly flops: number;
  /** Numbers that must be read and written at least once. */
  readonly values: number;
}

export const measured = (c: Case, flops: number, values: number): Measured => ({ ...c, flops, values });

/** Where a case takes its graph and its seeded data from: uniform in ±scale, and until the graph runs a case may write over f32 values. */
export interface Kit {
  readonly g: Graph;
  x(shape: readonly number[], scale?: number): [input: Tensor, values: Float32Array];
  w(shape: readonly number[], scale?: number, storage?: FloatStorage): [weight: WeightRef, values: Float32Array];
  /** Integers below `end`. */
  ids(shape: readonly number[], end: number): [ids: Tensor, values: Uint32Array];
}

export interface Recorded {
  readonly g: Graph;
  /** What a run is given, by name. */
  readonly inputs: { readonly [name: string]: Float32Array };
  /** Of each case, in order. The output in the graph has the case's place as its name. */
  readonly results: readonly { readonly y: Tensor; reference(): Values }[];
}

/** All cases in one graph, as an executor with these capabilities would run them. The same call records the same. */
export function recordCases(caps: Caps, cases: readonly Case[]): Recorded {
  const g = new Graph(caps);
  const inputs: Record<string, Float32Array> = {};
  let seed = 0;
  const hold = (shape: readonly number[], dtype: WeightRef['dtype'], data: Float32Array | Uint16Array | Uint32Array): WeightRef => ({
    name: `w${++seed}`,
    shape,
    dtype,
    async *read() {
      yield { offset: 0, data };
    },
  });
  const kit: Kit = {
    g,
    x(shape, scale) {
      const name = `x${++seed}`;
      inputs[name] = uniform(elementsOf(shape), seed, scale);
      return [g.input(name, shape), inputs[name]];
    },
    w(shape, scale, storage = 'f32') {
      const values = uniform(elementsOf(shape), seed + 1, scale);
      if (storage === 'f32') return [hold(shape, storage, values), values];
      const half = f32ToF16(values);
      return [hold(shape, storage, half), f16ToF32(half)];
    },
    ids(shape, end) {
      const data = Uint32Array.from({ length: elementsOf(shape) }, (_, i) => (i * 7919) % end);
      return [g.weight(hold(shape, 'u32', data), { key: 'flat', dtype: 'u32' }), data];
    },
  };
  const results = cases.map((c, i) => {
    const [y, reference] = c.record(kit);
    return { y: g.output(String(i), y), reference };
  });
  fuseElementwise(g); // as the engine does
  return { g, inputs, results };
}

/** The bytes of a result as numbers. */
export const numbersOf = ({ dtype }: Tensor, bytes: ArrayBuffer): Float32Array | Uint32Array =>
  dtype === 'u32' ? new Uint32Array(bytes) : new Float32Array(bytes);

/** Uniform numbers in ±scale from a seed (mulberry32), the same on every machine. */
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

export function list(n: number, of: (i: number) => number): Float64Array {
  const all = new Float64Array(n);
  for (let i = 0; i < n; i++) all[i] = of(i);
  return all;
}

export function sum(n: number, of: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += of(i);
  return total;
}

/** Row and column of element i of a matrix of `cols` columns. */
export const at = (i: number, cols: number): [row: number, col: number] => [Math.floor(i / cols), i % cols];

export const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
export const silu = (v: number): number => v * sigmoid(v);
