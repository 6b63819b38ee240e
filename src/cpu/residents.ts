// What stays in the CPU's memory between plans: weights, laid out once, and states. The counterpart of graph/residents.ts.
import { MelodyError } from '../errors.ts';
import { readWhole } from '../graph/residents.ts';
import { elementsOf, type Tensor, type TensorStorage, type WeightLayout, type WeightMatrix, type WeightRef } from '../graph/tensor.ts';
import type { Cpu } from './cpu.ts';
import { JOB } from './layout.ts';
import { cpuBytes, formOf, matrixOf, packing } from './panels.ts';

const COMING = 'weights as they come';
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

interface LoadOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
}

export class CpuResidents {
  readonly cpu: Cpu;
  #weights = new Map<WeightRef, Map<string, Promise<number>>>();
  #states = new Map<TensorStorage, number>();

  constructor(cpu: Cpu) {
    this.cpu = cpu;
  }

  /** Places of the given weight and state storages, loading what is not there yet. */
  async ensure(storages: Iterable<TensorStorage>, options: LoadOptions = {}): Promise<Map<TensorStorage, number>> {
    const found = new Map<TensorStorage, number>();
    for (const storage of new Set(storages)) {
      if (options.signal?.aborted) throw new MelodyError('aborted', 'loading weights was aborted');
      found.set(storage, storage.kind === 'state' ? this.#state(storage) : await this.#weight(storage, options));
    }
    return found;
  }

  /** Overwrite a state from its first element. */
  write(target: Tensor, data: Float32Array | Uint32Array | Int32Array): void {
    if (data.byteLength > target.storage.bytes)
      throw new MelodyError(
        'shape',
        `write ${target.storage.label}: got ${data.byteLength} bytes, expected at most ${target.storage.bytes}`,
      );
    this.cpu.write(this.#state(target.storage), data);
  }

  /** Zero a state. */
  clear(target: Tensor): void {
    this.cpu.fill(this.#state(target.storage), target.storage.bytes);
  }

  /** Copy of a state's elements. */
  read(target: Tensor): Promise<ArrayBuffer> {
    return this.cpu.read(this.#state(target.storage), target.storage.bytes);
  }

  holds(storage: TensorStorage): boolean {
    const { weight } = storage;
    return weight ? this.#weights.get(weight.ref)?.has(weight.layout.key) === true : this.#states.has(storage);
  }

  /** Free one state; recording it again starts from zero. */
  release(target: Tensor): void {
    const at = this.#states.get(target.storage);
    if (at !== undefined) this.cpu.free(at);
    this.#states.delete(target.storage);
  }

  dispose(): void {
    this.cpu.free(...this.#states.values());
    for (const layouts of this.#weights.values())
      for (const pending of layouts.values())
        void pending.then(
          (at) => this.cpu.free(at),
          () => {},
        );
    this.#states.clear();
    this.#weights.clear();
  }

  #state(storage: TensorStorage): number {
    if (storage.kind !== 'state') throw new MelodyError('graph', `"${storage.label}" is ${storage.kind}; expected state`);
    let at = this.#states.get(storage);
    if (at === undefined) {
      at = this.cpu.buffer(storage.bytes, storage.label);
      this.cpu.fill(at, Math.ceil(storage.bytes / 4) * 4);
      this.#states.set(storage, at);
    }
    return at;
  }

  #weight(storage: TensorStorage, options: LoadOptions): Promise<number> {
    const { weight } = storage;
    if (!weight) throw new MelodyError('graph', `"${storage.label}" has no weight to load`);
    const layouts = this.#weights.get(weight.ref) ?? new Map<string, Promise<number>>();
    this.#weights.set(weight.ref, layouts);
    let pending = layouts.get(weight.layout.key);
    if (!pending) {
      pending = this.#load(storage, weight.ref, weight.layout, options.signal).then((at) => {
        options.onBytes?.(storage.bytes);
        return at;
      });
      layouts.set(weight.layout.key, pending);
      pending.catch(() => layouts.delete(weight.layout.key)); // a failed load may be tried again
    }
    return pending;
  }

  async #load(storage: TensorStorage, ref: WeightRef, layout: WeightLayout, signal?: AbortSignal): Promise<number> {
    const matrix = matrixOf(storage);
    if (matrix) return this.#matrix(storage, ref, matrix, signal);
    const data = await readWhole(ref, signal);
    const at = this.cpu.buffer(cpuBytes(storage), storage.label);
    const packed = layout.pack ? layout.pack(data, ref.shape) : data;
    if (packed instanceof Uint16Array) {
      const from = this.cpu.pool.take(packed.byteLength, COMING);
      this.cpu.put(from, bytesOf(packed));
      this.#lay({ from, to: at, form: formOf(storage, true), values: packed.length }, undefined);
    } else this.cpu.put(at, bytesOf(packed)); // nobody knows of this place yet
    return at;
  }

  /** A matrix goes piece by piece to where the threads lay it out from: nowhere else is it whole. */
  async #matrix(storage: TensorStorage, ref: WeightRef, matrix: WeightMatrix, signal?: AbortSignal): Promise<number> {
    const { pool } = this.cpu;
    const halves = ref.dtype === 'f16';
    const values = elementsOf(ref.shape);
    const at = this.cpu.buffer(cpuBytes(storage), storage.label); // first, so that what is taken for a while lies behind it
    let from: number | undefined;
    try {
      from = pool.take(values * (halves ? 2 : 4), COMING);
      for await (const { offset, data } of ref.read(signal)) this.cpu.put(from + offset * data.BYTES_PER_ELEMENT, bytesOf(data));
      this.#lay({ from, to: at, form: formOf(storage, halves), values }, matrix);
      return at;
    } catch (error) {
      this.cpu.free(at);
      if (from !== undefined) pool.give(from);
      throw error;
    }
  }

  /** Values to their place by the threads, in order with all else that they do. */
  #lay(what: { from: number; to: number; form: number; values: number }, matrix: WeightMatrix | undefined): void {
    const { pool } = this.cpu;
    const { words, parts } = packing(what, matrix);
    const description = pool.take(words.byteLength, 'how weights lie');
    this.cpu.put(description, new Uint8Array(words.buffer));
    pool.post(JOB.pack, [description, parts], { holds: [what.from, description], report: true });
  }
}
