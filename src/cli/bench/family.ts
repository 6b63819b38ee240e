// What a kernel family is to the bench and the self-test: how to record it, seeded inputs, and its formula in double precision.
import type { Graph } from '../../graph/graph.ts';
import { elementsOf, type Tensor } from '../../graph/tensor.ts';
import { uniform } from './cases.ts';
import type { Named } from './measure.ts';
import { preparePlan } from './own.ts';

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const generate = (n: number, f: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => f(i));

export interface Family {
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

/** One family on one shape. */
export function named({ name, flops, values, record }: Family): Named {
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

/** `count` known ids below `words` on the GPU: a weight, since inputs are f32. */
export function knownIds(g: Graph, shape: readonly number[], words: number): { tensor: Tensor; values: number[] } {
  const values = Array.from({ length: elementsOf(shape) }, (_, i) => (i * 7919) % words);
  const ids = {
    name: 'ids',
    shape,
    dtype: 'u32' as const,
    async *read() {
      yield { offset: 0, data: Uint32Array.from(values) };
    },
  };
  return { tensor: g.weight(ids, { key: 'flat', dtype: 'u32' }), values };
}
