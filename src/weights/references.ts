// Weights made of other weights, while they load: functions from reference to reference. Equal calls give the same reference, which is what
// the executors know a weight by.
import { MelodyError } from '../errors.ts';
import { f32ToF16 } from '../graph/half.ts';
import { readFloats, readWhole } from '../graph/stock.ts';
import { elementsOf, type WeightRef } from '../graph/tensor.ts';
import type { Scope } from './weights.ts';

/** One weight at least. */
export type Refs = readonly [WeightRef, ...WeightRef[]];

const numbers = new WeakMap<WeightRef, number>();
let count = 0;
const numberOf = (ref: WeightRef): number => {
  const known = numbers.get(ref) ?? ++count;
  numbers.set(ref, known);
  return known;
};

const made = new WeakMap<WeightRef, Map<string, WeightRef>>(); // by the first of the sources

function derived(sources: Refs, how: string, make: () => WeightRef): WeightRef {
  const [first] = sources;
  const key = `${how} ${sources.map(numberOf)}`;
  const known = made.get(first) ?? new Map<string, WeightRef>();
  made.set(first, known);
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

/** The same elements under another shape. Throws `shape` when the counts differ. */
export function reshaped(ref: WeightRef, shape: readonly number[]): WeightRef {
  if (elementsOf(shape) !== elementsOf(ref.shape))
    throw new MelodyError('shape', `${ref.name}: got [${ref.shape}] to [${shape}], expected equal element counts`);
  return derived([ref], `reshaped ${shape}`, () => ({ ...ref, shape, read: (signal) => ref.read(signal) }));
}

/** A reference that is read whole where its pieces would begin within a word: those of halves must start on even elements. */
function inWords(ref: WeightRef, width: number): WeightRef {
  if (ref.dtype !== 'f16' || width % 2 === 0) return ref;
  return {
    ...ref,
    async *read(signal) {
      yield { offset: 0, data: await readWhole(ref, signal) };
    },
  };
}

/** Entries from … from + n − 1 of the first dimension: one of several matrices that a file keeps as one. Throws `shape`. */
export function rowsOf(ref: WeightRef, from: number, n: number): WeightRef {
  const [rows = 1, ...rest] = ref.shape;
  if (!(from >= 0 && n >= 1 && from + n <= rows))
    throw new MelodyError('shape', `${ref.name}: got rows ${from} to ${from + n} of [${ref.shape}], expected rows that are there`);
  const width = elementsOf(rest);
  const [first, end] = [from * width, (from + n) * width];
  return derived([ref], `rows ${from} ${n}`, () =>
    inWords(
      {
        name: `${ref.name}[${from}:${from + n}]`,
        shape: [n, ...rest],
        dtype: ref.dtype,
        ...(ref.compact && { compact: ref.compact }),
        async *read(signal) {
          for await (const { offset, data } of ref.read(signal)) {
            if (offset >= end) return;
            const [low, high] = [Math.max(first, offset), Math.min(end, offset + data.length)];
            if (low < high) yield { offset: low - first, data: data.subarray(low - offset, high - offset) };
          }
        },
      },
      width,
    ),
  );
}

/** Tensors of one shape and dtype one after another: n × [...] → [n, ...]. Throws `shape`. */
export function stack(refs: Refs): WeightRef {
  const [first] = refs;
  if (!refs.every(({ shape, dtype }) => String(shape) === String(first.shape) && dtype === first.dtype))
    throw new MelodyError(
      'shape',
      `${first.name}: got [${refs.map(({ dtype, shape }) => `${dtype} [${shape}]`)}] to stack, expected one shape and dtype`,
    );
  const size = elementsOf(first.shape);
  return derived(refs, 'stack', () =>
    inWords(
      {
        name: `${first.name} … ${refs.length}`,
        shape: [refs.length, ...first.shape],
        dtype: first.dtype,
        ...(first.compact && { compact: first.compact }),
        async *read(signal) {
          for (const [i, ref] of refs.entries())
            for await (const { offset, data } of ref.read(signal)) yield { offset: i * size + offset, data };
        },
      },
      size,
    ),
  );
}

/** The sum of small tensors of one shape, as f32: the two biases of an LSTM. Throws `shape`. */
export function sumOf(refs: Refs): WeightRef {
  const [{ name, shape }] = refs;
  if (!refs.every((ref) => String(ref.shape) === String(shape)))
    throw new MelodyError('shape', `${name}: got [${refs.map((ref) => `[${ref.shape}]`)}] to add, expected one shape`);
  return derived(refs, 'sum', () => ({
    name,
    shape,
    dtype: 'f32',
    async *read(signal) {
      const sum = new Float32Array(elementsOf(shape));
      for (const ref of refs) for (const [i, value] of (await readFloats(ref, signal)).entries()) sum[i] = (sum[i] ?? 0) + value;
      yield { offset: 0, data: sum };
    },
  }));
}

/**
 * Weight normalisation (Salimans & Kingma 2016) folded: w = v · g / ‖v‖, the norm over all but the first dimension. g [N, 1, …] or [N], v [N, …],
 * w f32 as v.
 */
export function folded(g: WeightRef, v: WeightRef): WeightRef {
  return derived([v, g], 'folded', () => ({
    name: v.name,
    shape: v.shape,
    dtype: 'f32',
    async *read(signal) {
      const [gains, values] = await Promise.all([readFloats(g, signal), readFloats(v, signal)]);
      const width = values.length / gains.length;
      for (const [row, gain] of gains.entries()) {
        const direction = values.subarray(row * width, (row + 1) * width);
        const scale = gain / Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
        for (const [i, x] of direction.entries()) direction[i] = x * scale;
      }
      yield { offset: 0, data: values };
    },
  }));
}

/** Every number of a small tensor through `of`, as f32. `how` names the function: equal names must mean equal ones. */
export function mapped(ref: WeightRef, how: string, of: (value: number) => number): WeightRef {
  return derived([ref], `mapped ${how}`, () => ({
    name: ref.name,
    shape: ref.shape,
    dtype: 'f32',
    async *read(signal) {
      yield { offset: 0, data: (await readFloats(ref, signal)).map(of) };
    },
  }));
}

/** The weight of a convolution, plain or with weight norm in either of PyTorch's spellings; its name in the scope, or '' where it is the scope. */
export function convWeight(w: Scope, name: string, shape: readonly number[]): WeightRef {
  const of = (field: string) => (name === '' ? field : `${name}.${field}`);
  const gains = shape.map((n, i) => (i === 0 ? n : 1));
  const parametrized = of('parametrizations.weight.original');
  if (w.has(`${parametrized}1`)) return folded(w.get(`${parametrized}0`, gains), w.get(`${parametrized}1`, shape));
  if (w.has(of('weight_v'))) return folded(w.get(of('weight_g'), gains), w.get(of('weight_v'), shape));
  return w.get(of('weight'), shape);
}

/** The largest number that half precision holds. */
const LARGEST_HALF = 65_504;

/** The first number whose magnitude passes `most`, or -1. A loop: millions of numbers take seconds with a function each. */
function firstOver(values: Float32Array, most: number): number {
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i] as number) > most) return i;
  return -1;
}

/**
 * The same weight in half precision: half the memory of a GPU. Reading throws `weights` where a number is too large for it. f16 stays as it is, and
 * so do tensors of an odd number of elements, which halves do not fill.
 */
export function halved(ref: WeightRef): WeightRef {
  if (ref.dtype !== 'f32' || elementsOf(ref.shape) % 2 !== 0) return ref;
  return derived([ref], 'halved', () => ({
    name: ref.name,
    shape: ref.shape,
    dtype: 'f16',
    async *read(signal) {
      for await (const { offset, data } of ref.read(signal)) {
        const floats = data as Float32Array;
        const large = firstOver(floats, LARGEST_HALF);
        if (large >= 0)
          throw new MelodyError(
            'weights',
            `${ref.name}: got ${floats[large]} at element ${offset + large}, expected at most ${LARGEST_HALF}: half precision holds no more`,
            'load it with full precision: precision "f32"',
          );
        yield { offset, data: f32ToF16(floats) };
      }
    },
  }));
}

/** The same weight, which an executor that widens halves is to keep as it is; others than f16 stay what they are. */
export function compact(ref: WeightRef): WeightRef {
  if (ref.dtype !== 'f16' || ref.compact) return ref;
  return derived([ref], 'compact', () => ({ ...ref, compact: 'f16', read: (signal) => ref.read(signal) }));
}

/** The same weight, whose matrices the CPU keeps as bytes with a scale a row: a quarter of the memory, within half of 1/127 of a row's largest number. */
export function inBytes(ref: WeightRef): WeightRef {
  if (ref.compact || (ref.dtype !== 'f32' && ref.dtype !== 'f16')) return ref;
  return derived([ref], 'bytes', () => ({ ...ref, compact: 'int8', read: (signal) => ref.read(signal) }));
}
