// Tables that code makes: quantiles, DFT bases, mel filters. Computed at first use, uploaded like any weight.
import type { Graph } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';

export interface Constant<A extends Float32Array | Uint32Array> extends WeightRef {
  data(): A;
}

/** A weight whose elements `make` computes, once. */
export function constantRef<A extends Float32Array | Uint32Array>(
  name: string,
  shape: readonly number[],
  dtype: 'f32' | 'u32',
  make: () => A,
): Constant<A> {
  let made: A | undefined;
  const data = () => {
    made ??= make();
    return made;
  };
  return {
    name,
    shape,
    dtype,
    data,
    async *read() {
      yield { offset: 0, data: data() };
    },
  };
}

/** The constant on the GPU, in its own order. */
export const constant = (g: Graph, ref: Constant<Float32Array | Uint32Array>): Tensor =>
  g.weight(ref, { key: 'constant', dtype: ref.dtype });

const shared = new Map<string, Constant<Float32Array | Uint32Array>>();

/** The one constant of that name: equal names must mean equal elements. For tables whose size is known only while recording. */
export function sharedConstant(name: string, shape: readonly number[], make: () => Float32Array): Constant<Float32Array>;
export function sharedConstant(name: string, shape: readonly number[], make: () => Uint32Array, dtype: 'u32'): Constant<Uint32Array>;
export function sharedConstant(
  name: string,
  shape: readonly number[],
  make: () => Float32Array | Uint32Array,
  dtype: 'f32' | 'u32' = 'f32',
) {
  const known = shared.get(name);
  if (known) return known;
  const made = constantRef(name, shape, dtype, make);
  shared.set(name, made);
  return made;
}
