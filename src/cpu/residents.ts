// What stays in the CPU's memory between plans: weights, laid out once, and states. The counterpart of graph/residents.ts.
import type { HostData } from '../graph/places.ts';
import { readWhole, Stock } from '../graph/stock.ts';
import { elementsOf, type Tensor, type TensorStorage, type WeightMatrix, type WeightRef } from '../graph/tensor.ts';
import type { Cpu } from './cpu.ts';
import { JOB } from './layout.ts';
import { cpuBytes, formOf, matrixOf, packing } from './panels.ts';

const COMING = 'weights as they come';
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export class CpuResidents extends Stock<number> {
  readonly cpu: Cpu;

  constructor(cpu: Cpu) {
    super(cpu, 1);
    this.cpu = cpu;
  }

  /** Zero a state. */
  clear(target: Tensor): void {
    this.cpu.fill(this.state(target.storage), target.storage.bytes);
  }

  protected make({ bytes, label }: TensorStorage): number {
    const at = this.cpu.buffer(bytes, label);
    this.cpu.fill(at, Math.ceil(bytes / 4) * 4);
    return at;
  }

  protected put(at: number, data: HostData): void {
    this.cpu.write(at, data);
  }

  protected async load(
    storage: TensorStorage,
    { ref, layout }: NonNullable<TensorStorage['weight']>,
    signal?: AbortSignal,
  ): Promise<number> {
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
