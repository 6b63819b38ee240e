// Records dispatches. Looks eager, runs nothing: ops call dispatch(), Plan.compile turns the record into GPU work.
import { MelodyError } from '../errors.ts';
import type { Caps } from '../gpu/caps.ts';
import type { Kernel, Specialisation } from '../gpu/kernel.ts';
import { type DType, elementsOf, makeStorage, type Tensor, type TensorStorage, type WeightLayout, type WeightRef } from './tensor.ts';

/** A number given at run time: value = run[name] * scale + offset. */
export interface Scalar {
  readonly scalar: string;
  readonly scale: number;
  readonly offset: number;
  /** The values that the op allows; see within. */
  readonly range?: readonly [least: number, most: number] | undefined;
}

export type ParamValue = number | Scalar;

export const isScalar = (value: ParamValue): value is Scalar => typeof value !== 'number';
/** scalar + n, as a parameter. */
export const plus = (value: ParamValue, n: number): ParamValue =>
  isScalar(value) ? { ...value, offset: value.offset + n, range: undefined } : value + n;
/** scalar · n, as a parameter. */
export const times = (value: ParamValue, n: number): ParamValue =>
  isScalar(value) ? { ...value, scale: value.scale * n, offset: value.offset * n, range: undefined } : value * n;
/** The parameter as it is; given at run time, a run refuses it outside least … most. */
export const within = (value: ParamValue, least: number, most: number): ParamValue =>
  isScalar(value) ? { ...value, range: [least, most] } : value;

type Named<K extends Kernel, Mode> = { [N in keyof K['bindings'] as K['bindings'][N] extends Mode ? N : never]: Tensor };

export interface DispatchOptions<K extends Kernel> {
  /** Input tensors by binding name. */
  readonly in: Named<K, 'read'>;
  /** Output tensors by binding name. A storage may not be both in and out of one dispatch (WebGPU forbids it). */
  readonly out: Named<K, 'write'>;
  readonly params: { [F in keyof K['params']]: ParamValue };
  /** Flags that change what is computed; see Kernel. The rest is as the kernel's file has it. */
  readonly meaning?: { readonly [M in keyof K['meaning']]?: number } | undefined;
  /** How a GPU computes it: the form of storage, workgroup sizes, register tiles. */
  readonly variant?: K['variants'][number] | undefined;
  readonly tuning?: { readonly [T in keyof K['consts'] | keyof K['overrides']]?: number } | undefined;
  /** Workgroups along x, y, z; see grid1d. */
  readonly grid: readonly [number, number?, number?];
  /** For people: what this dispatch is, e.g. the weight's path. */
  readonly label?: string | undefined;
  /** Floating-point operations and bytes moved, for profiles; a multiply-add counts two. */
  readonly flops?: number | undefined;
  readonly bytes?: number | undefined;
}

/**
 * One recorded kernel launch. What it computes follows from its kernel, tensors (in binding order, inputs first), params and meaning, which are
 * all that an executor without a GPU reads; `how` and `grid` are a GPU's.
 */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly params: { readonly [field: string]: ParamValue };
  /** A value for each of kernel.meaning, defaults included. */
  readonly meaning: { readonly [id: string]: number };
  readonly how: Specialisation;
  readonly grid: readonly [number, number, number];
  readonly label: string;
  readonly flops: number;
  readonly bytes: number;
}

export class Graph {
  readonly caps: Caps;
  readonly dispatches: Dispatch[] = [];
  readonly inputs = new Map<string, Tensor>();
  readonly outputs = new Map<string, Tensor>();
  readonly scalars = new Set<string>();
  /** Nothing is chosen by its results, so that they may differ in their last bits between machines; see CompileOptions.relaxed. */
  relaxed = false;
  #weights = new Map<WeightRef, Map<string, Tensor>>();
  #written = new Set<TensorStorage>();
  #scope: string[] = [];

  constructor(caps: Caps) {
    this.caps = caps;
  }

  /** A tensor the host fills before each run: plan.run({}, { name: data }). */
  input(name: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    if (this.inputs.has(name)) throw new MelodyError('graph', `input "${name}" is declared twice`);
    const tensor = this.#tensor('input', shape, dtype, name);
    this.inputs.set(name, tensor);
    return tensor;
  }

  /** A tensor that lives within one run. Ops use it for their results. */
  temp(shape: readonly number[], dtype: DType = 'f32', label = 'temp'): Tensor {
    return this.#tensor('temp', shape, dtype, [...this.#scope, label].join('/'));
  }

  /** Name a result: it keeps a buffer of its own, and plan.read(name) copies it out. */
  output(name: string, x: Tensor): Tensor {
    if (this.outputs.has(name)) throw new MelodyError('graph', `output "${name}" is declared twice`);
    if (x.storage.kind === 'temp') x.storage.kind = 'output';
    this.outputs.set(name, x);
    return x;
  }

  /** A weight on the GPU in the given layout; recorded once per layout, uploaded once per Residents. */
  weight(ref: WeightRef, layout: WeightLayout): Tensor {
    const layouts = this.#weights.get(ref) ?? new Map<string, Tensor>();
    this.#weights.set(ref, layouts);
    let tensor = layouts.get(layout.key);
    if (!tensor) {
      const storage = makeStorage('weight', ref.shape, layout.dtype, ref.name, { ref, layout });
      this.#checkSize(storage);
      tensor = { shape: ref.shape, dtype: layout.dtype, storage };
      layouts.set(layout.key, tensor);
    }
    return tensor;
  }

  /** A number that varies between runs without another compile; give it to plan.run({ name }). */
  scalar(name: string): Scalar {
    this.scalars.add(name);
    return { scalar: name, scale: 1, offset: 0 };
  }

  /** Label what `body` records, for profiles and errors: g.scope('layer 3', () => …). */
  scope<T>(label: string, body: () => T): T {
    this.#scope.push(label);
    try {
      return body();
    } finally {
      this.#scope.pop();
    }
  }

  /** Record one launch. Throws `shape`, `limit` or `graph` now, so that running never does. */
  dispatch<K extends Kernel>(kernel: K, options: DispatchOptions<K>): void {
    const label = [...this.#scope, options.label ?? kernel.name].join('/');
    const named = { ...options.in, ...options.out } as { [id: string]: Tensor | undefined };
    const pick = (mode: 'read' | 'write') =>
      Object.keys(kernel.bindings)
        .filter((id) => kernel.bindings[id] === mode)
        .map((id) => {
          const tensor = named[id];
          if (!tensor) throw new MelodyError('graph', `${label}: binding "${id}" of ${kernel.name} has no tensor`);
          return tensor;
        });
    const inputs = pick('read');
    const outputs = pick('write');
    for (const { storage } of [...inputs, ...outputs]) this.#checkSize(storage); // states are made without a graph that knows the limits
    for (const x of inputs)
      if ((x.storage.kind === 'temp' || x.storage.kind === 'output') && !this.#written.has(x.storage))
        throw new MelodyError('graph', `${label}: reads "${x.storage.label}" before anything writes it`);
    for (const y of outputs) {
      if (y.storage.kind === 'weight' || y.storage.kind === 'input')
        throw new MelodyError('graph', `${label}: writes "${y.storage.label}", which is ${y.storage.kind}; expected temp, state or output`);
      if (inputs.some((x) => x.storage === y.storage) || outputs.filter((o) => o.storage === y.storage).length > 1)
        throw new MelodyError(
          'graph',
          `${label}: "${y.storage.label}" is bound twice with a write; WebGPU forbids it`,
          'write to another tensor',
        );
      this.#written.add(y.storage);
    }
    for (const [field, type] of Object.entries(kernel.params)) this.#checkParam(label, field, type, options.params[field]);
    const grid = [options.grid[0], options.grid[1] ?? 1, options.grid[2] ?? 1] as const;
    for (const n of grid)
      if (!Number.isInteger(n) || n < 1 || n > this.caps.groupsPerAxis)
        throw new MelodyError('limit', `${label}: grid [${grid}]; expected whole numbers from 1 to ${this.caps.groupsPerAxis} per axis`);
    const meaning: Record<string, number> = { ...kernel.meaning, ...(options.meaning as Dispatch['meaning'] | undefined) };
    const [consts, overrides] = [{} as Record<string, number>, { ...meaning }];
    for (const [id, value] of Object.entries(options.tuning ?? {})) (id in kernel.consts ? consts : overrides)[id] = value as number;
    this.dispatches.push({
      kernel,
      inputs,
      outputs,
      params: options.params,
      meaning,
      how: { variant: options.variant, consts, overrides },
      grid,
      label,
      flops: options.flops ?? 0,
      bytes: options.bytes ?? [...inputs, ...outputs].reduce((n, t) => n + t.storage.bytes, 0),
    });
  }

  #tensor(kind: 'input' | 'temp', shape: readonly number[], dtype: DType, label: string): Tensor {
    const storage = makeStorage(kind, shape, dtype, label);
    this.#checkSize(storage);
    return { shape, dtype, storage };
  }

  #checkSize(storage: TensorStorage): void {
    const limit = Math.min(this.caps.storageBinding, this.caps.bufferSize);
    if (storage.bytes > limit)
      throw new MelodyError(
        'limit',
        `${storage.label}: ${storage.bytes} bytes in one tensor (${storage.elements} × ${storage.dtype}); expected at most ${limit}, the limit of ${this.caps.name}`,
        'use a shorter window, a smaller batch, f16 weights, or an adapter with larger bindings',
      );
  }

  #checkParam(label: string, field: string, type: string, value: ParamValue | undefined): void {
    if (value === undefined) throw new MelodyError('graph', `${label}: parameter "${field}" is missing`);
    if (isScalar(value)) {
      if (!this.scalars.has(value.scalar)) throw new MelodyError('graph', `${label}: scalar "${value.scalar}" is not of this graph`);
    } else if (type !== 'f32' && !Number.isInteger(value)) {
      throw new MelodyError('graph', `${label}: parameter "${field}" is ${type}; got ${value}, expected a whole number`);
    }
  }
}

/**
 * Workgroups for `threads` threads in groups of `size`, folded into y when x would pass the limit of an axis.
 * The kernel recovers its number as `wid.x + wid.y * nwg.x` and must test it against the count.
 */
export function grid1d(caps: Caps, threads: number, size: number): [number, number] {
  const groups = Math.ceil(threads / size);
  if (groups <= caps.groupsPerAxis) return [groups, 1];
  const y = Math.ceil(groups / caps.groupsPerAxis);
  return [Math.ceil(groups / y), y];
}

/** Throw `shape` unless the tensor has this shape; `null` matches any size. */
export function expectShape(op: string, what: string, x: { shape: readonly number[] }, expected: readonly (number | null)[]): void {
  const ok = x.shape.length === expected.length && expected.every((d, i) => d === null || d === x.shape[i]);
  if (!ok) throw new MelodyError('shape', `${op}: ${what} does not fit; got [${x.shape}], expected [${expected.map((d) => d ?? '*')}]`);
}

/** Rows and columns of a tensor seen as a matrix: all leading dimensions by the last. */
export function rowsCols(x: Tensor): [rows: number, cols: number] {
  const cols = x.shape[x.shape.length - 1] ?? 1;
  return [elementsOf(x.shape) / cols, cols];
}
