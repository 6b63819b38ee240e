// Weights made wrong behind the check that reading them does: what a broken file, driver or upload would give.
import type { WeightRef } from '../../src/graph/tensor.ts';
import { scopeAt, type WeightSource } from '../../src/weights/weights.ts';

type Data = Float32Array | Uint16Array | Int32Array | Uint32Array;

/** The weights with every tensor whose name fits `which` changed by `change`, which gets a copy (f16 as bits). */
export function poisoned(source: WeightSource, which: RegExp, change: (data: Data, dtype: WeightRef['dtype']) => Data): WeightSource {
  const refs = new Map<WeightRef, WeightRef>();
  const root: WeightSource = {
    path: '',
    at: (prefix) => scopeAt(root, prefix),
    get(name, shape) {
      const ref = source.get(name, shape);
      if (!which.test(name)) return ref;
      const bad = refs.get(ref) ?? {
        ...ref,
        async *read(signal?: AbortSignal) {
          for await (const { offset, data } of ref.read(signal)) yield { offset, data: change(data.slice(), ref.dtype) };
        },
      };
      refs.set(ref, bad);
      return bad;
    },
    has: (name) => source.has(name),
    prepare: (parts, signal) => source.prepare(parts, signal),
    misfits: () => source.misfits(),
    check: () => source.check(),
    unused: (prefix) => source.unused(prefix),
  };
  return root;
}
