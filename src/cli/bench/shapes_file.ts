// The shapes file of a kernel from outside: what it may say, and the words for what it says wrong.
import { readFileSync } from 'node:fs';
import { MelodyError } from '../../errors.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { isObject } from '../../pipeline/checks.ts';

/** One entry of the shapes file. */
export interface CustomCase {
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

export interface ShapesFile {
  /**
   * A module beside the shapes file whose default export is (inputs, params) => outputs: an array by input name and numbers in,
   * an array by output name back, in double precision. Without it the output is timed unchecked, and the table says so.
   */
  reference?: string;
  cases: CustomCase[];
}

export const fail = (file: string, what: string): never => {
  throw new MelodyError('invalid_argument', `${file}: ${what}`, 'see bench/examples/README.md');
};

export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MelodyError('io', `${path}: cannot be read: ${(cause as Error).message}`, undefined, { cause });
  }
}

const isShape = (x: unknown): x is number[] => Array.isArray(x) && x.length > 0 && x.every((d) => Number.isInteger(d) && d > 0);

/** The values of a parameter: its kind, and the words for it. */
const PARAMS: Readonly<Record<'u32' | 'i32' | 'f32', readonly [fits: (x: unknown) => boolean, what: string]>> = {
  u32: [(x) => Number.isInteger(x) && (x as number) >= 0 && (x as number) < 2 ** 32, 'a whole number from 0 to 2^32 - 1'],
  i32: [(x) => Number.isInteger(x) && Math.abs((x as number) + 0.5) < 2 ** 31, 'a whole number from -2^31 to 2^31 - 1'],
  f32: [Number.isFinite, 'a number'],
};

/** Fails unless it is an object of no other keys than these: a misspelt one would be passed over. */
function checkObject(path: string, where: string, got: unknown, allowed?: readonly string[]): void {
  if (!isObject(got)) fail(path, `${where} must be an object; got ${JSON.stringify(got)}`);
  for (const key of Object.keys(got as object))
    if (allowed && !allowed.includes(key)) fail(path, `${where}: unknown key "${key}"; expected some of [${allowed.join(', ')}]`);
}

/** Fails unless the object has exactly these keys. */
function checkKeys(path: string, what: string, got: object, expected: readonly string[]): void {
  const keys = Object.keys(got);
  if (keys.length !== expected.length || keys.some((k) => !expected.includes(k)))
    fail(path, `${what}; got [${keys.join(', ')}], expected [${expected.join(', ')}]`);
}

/** What a case chooses of the kernel must be there, and be numbers of its types. */
function checkNumbers(path: string, where: string, c: CustomCase, kernel: Kernel): void {
  for (const [field, type] of Object.entries(kernel.params)) {
    const [fits, what] = PARAMS[type];
    if (!fits(c.params[field])) fail(path, `${where}: param "${field}" must be ${what}; got ${JSON.stringify(c.params[field])}`);
  }
  const { consts, overrides, meaning } = kernel;
  for (const [what, known] of Object.entries({ consts, overrides: { ...overrides, ...meaning } }))
    for (const [id, value] of Object.entries(c[what as 'consts' | 'overrides'] ?? {})) {
      if (!Object.hasOwn(known, id))
        fail(path, `${where}: ${what} must be the kernel's; got "${id}", expected some of [${Object.keys(known).join(', ')}]`);
      if (!Number.isFinite(value)) fail(path, `${where}: "${id}" of ${what} must be a number; got ${JSON.stringify(value)}`);
    }
  if (c.variant !== undefined && !kernel.variants.includes(c.variant))
    fail(path, `${where}: variant must be the kernel's; got ${JSON.stringify(c.variant)}, expected one of [${kernel.variants.join(', ')}]`);
  for (const what of ['flops', 'bytes'] as const)
    if (c[what] !== undefined && !(Number.isFinite(c[what]) && c[what] >= 0))
      fail(path, `${where}: "${what}" must be a number from 0 on; got ${JSON.stringify(c[what])}`);
}

function checkInput(path: string, where: string, id: string, given: NonNullable<CustomCase['inputs']>[string]): void {
  checkObject(path, `${where}: input "${id}"`, given, ['shape', 'dtype', 'scale', 'below']);
  const { shape, dtype = 'f32', scale, below } = given;
  if (!isShape(shape)) fail(path, `${where}: shape of "${id}" must be a list of positive whole numbers; got ${JSON.stringify(shape)}`);
  if (!['f32', 'f16', 'u32'].includes(dtype))
    fail(path, `${where}: dtype of "${id}" must be f32, f16 or u32; got ${JSON.stringify(dtype)}`);
  if (scale !== undefined && !(Number.isFinite(scale) && dtype !== 'u32'))
    fail(path, `${where}: "scale" of "${id}" must be a number, for f32 or f16; got ${JSON.stringify(scale)} for ${dtype}`);
  if (below !== undefined && !(Number.isInteger(below) && below >= 1 && below <= 2 ** 24 && dtype === 'u32'))
    fail(path, `${where}: "below" of "${id}" must be a whole number from 1 to 2^24, for u32; got ${JSON.stringify(below)} for ${dtype}`);
}

function checkOutput(path: string, where: string, id: string, given: CustomCase['outputs'][string]): void {
  checkObject(path, `${where}: output "${id}"`, given, ['shape', 'dtype']);
  const { shape, dtype = 'f32' } = given;
  if (!isShape(shape)) fail(path, `${where}: shape of "${id}" must be a list of positive whole numbers; got ${JSON.stringify(shape)}`);
  if (dtype !== 'f32' && dtype !== 'u32') fail(path, `${where}: dtype of output "${id}" must be f32 or u32; got ${JSON.stringify(dtype)}`);
}

const CASE_KEYS = ['name', 'inputs', 'outputs', 'params', 'grid', 'variant', 'consts', 'overrides', 'flops', 'bytes'];

/** Throws `io`, `invalid_argument`. */
export function readShapes(path: string, kernel: Kernel): ShapesFile {
  let file: ShapesFile;
  try {
    file = JSON.parse(read(path)) as ShapesFile;
  } catch (cause) {
    if (cause instanceof MelodyError) throw cause;
    return fail(path, `not JSON: ${(cause as Error).message}`);
  }
  checkObject(path, 'the file', file, ['reference', 'cases']);
  if (file.reference !== undefined && typeof file.reference !== 'string')
    fail(path, `"reference" must be the name of a module; got ${JSON.stringify(file.reference)}`);
  if (!Array.isArray(file.cases) || file.cases.length === 0) fail(path, '"cases" must be a list with at least one entry');
  const bound = (mode: 'read' | 'write') => Object.keys(kernel.bindings).filter((id) => kernel.bindings[id] === mode);
  const names = new Set<string>();
  file.cases.forEach((c, i) => {
    if (typeof c?.name !== 'string') fail(path, `case ${i} has no "name"`);
    const where = `case ${i} "${c.name}"`;
    if (names.has(c.name)) fail(path, `${where}: another case has that name`);
    names.add(c.name);
    checkObject(path, where, c, CASE_KEYS);
    for (const key of ['inputs', 'outputs', 'params', 'consts', 'overrides'] as const)
      if (c[key] !== undefined) checkObject(path, `${where}: "${key}"`, c[key]);
    checkKeys(path, `${where}: inputs must be the kernel's`, c.inputs ?? {}, bound('read'));
    checkKeys(path, `${where}: outputs must be the kernel's`, c.outputs ?? {}, bound('write'));
    checkKeys(path, `${where}: params must be the kernel's`, c.params ?? {}, Object.keys(kernel.params));
    for (const [id, given] of Object.entries(c.inputs ?? {})) checkInput(path, where, id, given);
    for (const [id, given] of Object.entries(c.outputs)) checkOutput(path, where, id, given);
    checkNumbers(path, where, c, kernel);
    if (!isShape(c.grid) || c.grid.length > 3)
      fail(path, `${where}: grid must be 1 to 3 positive whole numbers; got ${JSON.stringify(c.grid)}`);
  });
  return file;
}
