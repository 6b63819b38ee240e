// How the matrices of networks of attention lie in memory: the one table of what may be asked for, in the library and on the command line.
import { MelodyError } from '../errors.ts';
import { compact, halved, inBytes } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

/** 'f32' as computed with; 'f16' half of it; 'int8' a quarter, on the CPU alone. */
export type Precision = 'f32' | 'f16' | 'int8';

const TABLE: Readonly<
  Record<
    Precision,
    { readonly of: (w: Scope, name: string, shape: readonly number[]) => ReturnType<Scope['get']>; readonly cpuAlone?: true }
  >
> = {
  f32: { of: (w, name, shape) => w.get(name, shape) },
  f16: { of: (w, name, shape) => compact(halved(w.get(name, shape))) },
  int8: { of: (w, name, shape) => inBytes(w.get(name, shape)), cpuAlone: true },
};

export const PRECISIONS = Object.keys(TABLE) as readonly Precision[];

/** Is it one of them? */
export const isPrecision = (value: unknown): value is Precision => PRECISIONS.some((name) => name === value);

/** What was asked for, or the default: f16 on a GPU, f32 on the CPU. Throws `invalid_argument`. */
export function precisionFor(asked: unknown, executor: string, adapter: string): Precision {
  const cpu = executor === 'cpu';
  if (asked === undefined) return cpu ? 'f32' : 'f16';
  if (!isPrecision(asked))
    throw new MelodyError(
      'invalid_argument',
      `precision must be ${PRECISIONS.map((name) => `"${name}"`).join(', ')}; got ${JSON.stringify(asked)}`,
    );
  if (TABLE[asked].cpuAlone && !cpu)
    throw new MelodyError(
      'invalid_argument',
      `precision "${asked}" is the CPU's alone; this is ${adapter}`,
      'leave it out, or load with device "cpu"',
    );
  return asked;
}

/** The scope with its matrices as asked for; vectors stay what they are. */
export function inPrecision(w: Scope, precision: Precision): Scope {
  if (precision === 'f32') return w;
  return {
    path: w.path,
    at: (prefix) => inPrecision(w.at(prefix), precision),
    get: (name, shape) => (shape.length > 1 ? TABLE[precision].of(w, name, shape) : w.get(name, shape)),
    has: (name) => w.has(name),
  };
}
