// Bring your own kernel: a .wgsl file of the house's convention (src/gpu/kernel_file.mjs), its shapes in a JSON file.
import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MelodyError } from '../../errors.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { parseKernel } from '../../gpu/kernel_file.mjs';
import { Graph } from '../../graph/graph.ts';
import { f16ToF32, f32ToF16 } from '../../graph/half.ts';
import { Plan } from '../../graph/plan.ts';
import { Residents } from '../../graph/residents.ts';
import { elementsOf, type Tensor } from '../../graph/tensor.ts';
import { uniform } from './cases.ts';
import type { Named, Prepared } from './measure.ts';

/** One entry of the shapes file. */
interface CustomCase {
  name: string;
  /**
   * Shapes of the kernel's read bindings; `dtype` f16 is stored as pairs in 32-bit words. Values are seeded: uniform in ±scale, or whole
   * numbers under `below` where the dtype is u32.
   */
  inputs?: Record<string, { shape: number[]; dtype?: 'f32' | 'f16' | 'u32'; scale?: number; below?: number }>;
  /** Shapes of its written bindings. */
  outputs: Record<string, { shape: number[]; dtype?: 'f32' | 'u32' }>;
  params: Record<string, number>;
  /** Workgroups along x, y, z. */
  grid: [number, number?, number?];
  variant?: string;
  consts?: Record<string, number>;
  overrides?: Record<string, number>;
  /** Floating-point operations and bytes of one run, for the rates. Bytes default to the size of all tensors. */
  flops?: number;
  bytes?: number;
}

interface ShapesFile {
  /**
   * A module beside the shapes file whose default export is (inputs, params) => outputs: an array by input name and numbers in,
   * an array by output name back, in double precision. Without it the output is timed unchecked, and the table says so.
   */
  reference?: string;
  cases: CustomCase[];
}

type Values = Float32Array | Uint32Array;
type Reference = (inputs: Record<string, Values>, params: Record<string, number>) => Record<string, ArrayLike<number>>;

const fail = (file: string, what: string): never => {
  throw new MelodyError('invalid_argument', `${file}: ${what}`, 'see bench/examples/README.md');
};

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MelodyError('io', `${path}: cannot be read: ${(cause as Error).message}`, undefined, { cause });
  }
}

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

const isShape = (x: unknown): x is number[] => Array.isArray(x) && x.length > 0 && x.every((d) => Number.isInteger(d) && d > 0);

/** Fails unless the object has exactly these keys. */
function checkKeys(file: string, what: string, got: object, expected: readonly string[]): void {
  const keys = Object.keys(got);
  if (keys.length !== expected.length || keys.some((k) => !expected.includes(k)))
    fail(file, `${what}; got [${keys.join(', ')}], expected [${expected.join(', ')}]`);
}

/** What a case chooses of the kernel must be there, and be numbers of its types. */
function checkNumbers(path: string, where: string, c: CustomCase, kernel: Kernel): void {
  for (const [field, type] of Object.entries(kernel.params)) {
    const value: unknown = c.params[field];
    if (!(type === 'f32' ? Number.isFinite(value) : Number.isInteger(value)))
      fail(path, `${where}: param "${field}" must be a ${type === 'f32' ? '' : 'whole '}number; got ${JSON.stringify(value)}`);
  }
  for (const what of ['consts', 'overrides'] as const)
    for (const [id, value] of Object.entries(c[what] ?? {})) {
      if (!(id in kernel[what]))
        fail(path, `${where}: ${what} must be the kernel's; got "${id}", expected some of [${Object.keys(kernel[what]).join(', ')}]`);
      if (!Number.isFinite(value)) fail(path, `${where}: "${id}" of ${what} must be a number; got ${JSON.stringify(value)}`);
    }
  if (c.variant !== undefined && !kernel.variants.includes(c.variant))
    fail(path, `${where}: variant must be the kernel's; got "${c.variant}", expected one of [${kernel.variants.join(', ')}]`);
}

function readShapes(path: string, kernel: Kernel): ShapesFile {
  let file: ShapesFile;
  try {
    file = JSON.parse(read(path)) as ShapesFile;
  } catch (cause) {
    if (cause instanceof MelodyError) throw cause;
    return fail(path, `not JSON: ${(cause as Error).message}`);
  }
  if (!Array.isArray(file?.cases) || file.cases.length === 0) fail(path, '"cases" must be a list with at least one entry');
  const bound = (mode: 'read' | 'write') => Object.keys(kernel.bindings).filter((id) => kernel.bindings[id] === mode);
  file.cases.forEach((c, i) => {
    const where = `case ${i} "${c?.name}"`;
    if (typeof c?.name !== 'string') fail(path, `case ${i} has no "name"`);
    checkKeys(path, `${where}: inputs must be the kernel's`, c.inputs ?? {}, bound('read'));
    checkKeys(path, `${where}: outputs must be the kernel's`, c.outputs ?? {}, bound('write'));
    checkKeys(path, `${where}: params must be the kernel's`, c.params ?? {}, Object.keys(kernel.params));
    for (const [id, { shape }] of Object.entries({ ...c.inputs, ...c.outputs }))
      if (!isShape(shape)) fail(path, `${where}: shape of "${id}" must be a list of positive whole numbers; got ${JSON.stringify(shape)}`);
    for (const [id, { dtype = 'f32', below = 1 }] of Object.entries(c.inputs ?? {})) {
      if (!['f32', 'f16', 'u32'].includes(dtype))
        fail(path, `${where}: dtype of "${id}" must be f32, f16 or u32; got ${JSON.stringify(dtype)}`);
      if (!Number.isInteger(below) || below < 1 || below > 2 ** 24)
        fail(path, `${where}: "below" of "${id}" must be a whole number from 1 to 2^24; got ${JSON.stringify(below)}`);
    }
    for (const [id, { dtype = 'f32' }] of Object.entries(c.outputs))
      if (dtype !== 'f32' && dtype !== 'u32')
        fail(path, `${where}: dtype of output "${id}" must be f32 or u32; got ${JSON.stringify(dtype)}`);
    checkNumbers(path, where, c, kernel);
    if (!isShape(c.grid) || c.grid.length > 3)
      fail(path, `${where}: grid must be 1 to 3 positive whole numbers; got ${JSON.stringify(c.grid)}`);
  });
  return file;
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
    consts: c.consts,
    overrides: c.overrides,
    grid: c.grid,
    label: c.name,
    flops: c.flops,
    bytes: c.bytes,
  });
  for (const [id, tensor] of Object.entries(outs)) g.output(id, tensor);
  const residents = new Residents(gpu);
  const plan = await Plan.compile(residents, g);
  for (const [id, data] of Object.entries(feeds)) plan.write(id, data);
  return {
    plan,
    dispatches: 1,
    async read() {
      plan.run();
      const parts = Object.entries(outs).map(async ([id, { dtype }]) =>
        dtype === 'u32' ? new Uint32Array(await plan.readBytes(id)) : plan.read(id),
      );
      return joined(await Promise.all(parts));
    },
    reference: reference && (() => expectedOf(c, reference(values, c.params))),
    dispose() {
      plan.dispose();
      residents.dispose();
    },
  };
}

/** The cases of a kernel file and its shapes. Throws `io`, `kernel`, `invalid_argument`. */
export async function customKernels(kernelPath: string, shapesPath: string): Promise<Named[]> {
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
      bytes: c.bytes ?? 4 * tensors.reduce((n, { shape }) => n + elementsOf(shape), 0),
      prepare: (gpu) => prepare(gpu, kernel, c, reference),
    };
  });
}
