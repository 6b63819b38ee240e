// Bring your own kernel: a .wgsl file of the house's convention (src/gpu/kernel_file.mjs), its shapes in a JSON file.
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { uniform } from '../../cases/case.ts';
import { MelodyError } from '../../errors.ts';
import { Gpu } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { parseKernel } from '../../gpu/kernel_file.mjs';
import { Graph } from '../../graph/graph.ts';
import { f16ToF32, f32ToF16 } from '../../graph/half.ts';
import { bytesOf, elementsOf, type Tensor } from '../../graph/tensor.ts';
import { compileWith, type Measurable, type Prepared } from './prepare_case.ts';
import { type CustomCase, fail, read, readShapes } from './shapes_file.ts';

type Values = Float32Array | Uint32Array;
type Reference = (inputs: Record<string, Values>, params: Record<string, number>) => Record<string, ArrayLike<number>>;

function readKernel(path: string): Kernel {
  const name = basename(path, '.wgsl');
  try {
    return parseKernel(name, read(path), (lib) => read(join(dirname(path), 'lib', `${lib}.wgsl`)));
  } catch (cause) {
    if (cause instanceof MelodyError) throw cause;
    const message = (cause as Error).message;
    throw new MelodyError('kernel', `${path}: not of the kernel convention: ${message}`, 'see bench/examples/README.md', { cause });
  }
}

async function loadReference(shapesPath: string, name: string | undefined): Promise<Reference | undefined> {
  if (name === undefined) return undefined;
  const path = resolve(dirname(shapesPath), name);
  const module = await import(pathToFileURL(path).href).catch((cause: unknown) =>
    fail(path, `cannot be loaded: ${(cause as Error).message}`),
  );
  if (typeof module.default !== 'function') fail(path, 'its default export must be a function (inputs, params) => outputs');
  return module.default as Reference;
}

/** All outputs in one array, in the order of the bindings, so that all are checked. */
function joined(parts: readonly ArrayLike<number>[]): Float64Array {
  const out = new Float64Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** What the reference gave, once it is known to be what the case has. */
function expectedOf(c: CustomCase, given: Record<string, ArrayLike<number>> | undefined): Float64Array {
  return joined(
    Object.entries(c.outputs).map(([id, { shape }]) => {
      const part = given?.[id];
      if (part?.length !== elementsOf(shape))
        throw new MelodyError(
          'invalid_argument',
          `the reference gave ${part?.length ?? 'no'} numbers for "${id}", expected ${elementsOf(shape)}`,
        );
      return part;
    }),
  );
}

/** f16 bits two to a 32-bit word, an odd count padded with zero. */
function pairs(bits: Uint16Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bits.length / 2));
  new Uint16Array(words.buffer).set(bits);
  return words;
}

async function prepare(gpu: Gpu, kernel: Kernel, c: CustomCase, reference: Reference | undefined): Promise<Prepared> {
  const values: Record<string, Values> = {};
  const g = new Graph(gpu.caps);
  const ins: Record<string, Tensor> = {};
  const outs: Record<string, Tensor> = {};
  const feeds: Record<string, Float32Array | Uint32Array> = {};
  Object.entries(c.inputs ?? {}).forEach(([id, { shape, dtype = 'f32', scale = 1, below = 1 }], seed) => {
    const numbers = uniform(elementsOf(shape), seed + 1, dtype === 'u32' ? 1 : scale);
    if (dtype !== 'f16') {
      values[id] = dtype === 'f32' ? numbers : Uint32Array.from(numbers, (v) => Math.floor(((v + 1) / 2) * below));
      ins[id] = g.input(id, shape, dtype);
      feeds[id] = values[id];
    } else {
      const bits = f32ToF16(numbers);
      values[id] = f16ToF32(bits);
      const words = pairs(bits);
      ins[id] = g.input(id, [words.length], 'u32');
      feeds[id] = words;
    }
  });
  for (const [id, { shape, dtype }] of Object.entries(c.outputs)) outs[id] = g.temp(shape, dtype, id);
  g.dispatch(kernel, {
    in: ins,
    out: outs,
    params: c.params,
    variant: c.variant,
    meaning: Object.fromEntries(Object.entries(c.overrides ?? {}).filter(([id]) => id in kernel.meaning)),
    tuning: { ...c.consts, ...c.overrides },
    grid: c.grid,
    label: c.name,
    flops: c.flops,
    bytes: c.bytes,
  });
  for (const [id, tensor] of Object.entries(outs)) g.output(id, tensor);
  const { plan, settle, dispose } = await compileWith(gpu, g, feeds);
  return {
    plan,
    settle,
    dispatches: 1,
    async read() {
      plan.run();
      const parts = Object.entries(outs).map(async ([id, { dtype }]) =>
        dtype === 'u32' ? new Uint32Array(await plan.readBytes(id)) : plan.read(id),
      );
      return joined(await Promise.all(parts));
    },
    reference: reference && (() => expectedOf(c, reference(values, c.params))),
    dispose,
  };
}

/** The cases of a kernel file and its shapes. Throws `io`, `kernel`, `invalid_argument`. */
export async function customKernels(kernelPath: string, shapesPath: string): Promise<Measurable[]> {
  const kernel = readKernel(kernelPath);
  const file = readShapes(shapesPath, kernel);
  const reference = await loadReference(shapesPath, file.reference);
  return file.cases.map((c) => {
    const tensors = [...Object.values(c.inputs ?? {}), ...Object.values(c.outputs)];
    const half = Object.values(c.inputs ?? {}).some((t) => t.dtype === 'f16');
    return {
      name: c.name,
      storage: half ? ('f16' as const) : ('f32' as const),
      flops: c.flops ?? 0,
      bytes: c.bytes ?? tensors.reduce((n, { shape, dtype = 'f32' }) => n + bytesOf(elementsOf(shape), dtype), 0),
      prepare: async (where) => {
        if (where instanceof Gpu) return prepare(where, kernel, c, reference);
        throw new MelodyError('invalid_argument', `${c.name}: WGSL runs on a GPU; got --device cpu`, 'use --device gpu');
      },
    };
  });
}
