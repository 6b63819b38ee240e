// What stays on the GPU between plans: weights, uploaded once per layout, and states.
import { MelodyError } from '../errors.ts';
import { GPU_USAGE, type Gpu } from '../gpu/device.ts';
import type { HostData } from './places.ts';
import { readWhole, Stock } from './stock.ts';
import { bytesOf, elementsOf, type Tensor, type TensorStorage, type WeightLayout, type WeightRef } from './tensor.ts';

const USAGE = GPU_USAGE.STORAGE | GPU_USAGE.COPY_SRC | GPU_USAGE.COPY_DST;
const UPLOADS_AT_ONCE = 8;
/** What weights being rearranged may hold of JS memory together. One that is larger waits until it is alone. */
const HELD_BYTES = 64 * 2 ** 20;

/** GPU copies shared by all plans of one loaded model. `dispose` frees them all. */
export class Residents extends Stock<GPUBuffer> {
  readonly gpu: Gpu;
  #held = 0;
  #waiting: (() => void)[] = [];

  constructor(gpu: Gpu) {
    super(gpu, UPLOADS_AT_ONCE);
    this.gpu = gpu;
  }

  /** Zero a state. */
  clear(target: Tensor): void {
    const encoder = this.gpu.device.createCommandEncoder();
    encoder.clearBuffer(this.state(target.storage));
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Forget the buffers that the GPU had no memory for: they exist in name only, and are asked for again. */
  async dropRefused(): Promise<void> {
    const refused = new Set(this.gpu.refused); // more may come while this waits
    if (refused.size === 0) return;
    for (const [storage, buffer] of this.states) if (refused.has(buffer)) this.states.delete(storage);
    for (const layouts of this.weights.values())
      for (const [key, pending] of layouts) {
        const buffer = await pending.catch(() => undefined);
        if (buffer && refused.has(buffer)) layouts.delete(key);
      }
    for (const buffer of refused) this.gpu.free(buffer);
  }

  protected make({ bytes, label }: TensorStorage): GPUBuffer {
    return this.gpu.buffer(bytes, USAGE, label);
  }

  protected put(buffer: GPUBuffer, data: HostData): void {
    this.gpu.device.queue.writeBuffer(buffer, 0, data as GPUAllowSharedBufferSource);
  }

  protected async load(
    storage: TensorStorage,
    { ref, layout }: NonNullable<TensorStorage['weight']>,
    signal?: AbortSignal,
  ): Promise<GPUBuffer> {
    const queue = this.gpu.device.queue;
    if (!layout.pack) {
      const buffer = this.make(storage);
      try {
        for await (const { offset, data } of ref.read(signal)) writeWords(queue, buffer, offset * data.BYTES_PER_ELEMENT, data);
        return buffer;
      } catch (error) {
        this.gpu.free(buffer);
        throw error;
      }
    }
    const need = bytesOf(elementsOf(ref.shape), ref.dtype) + storage.bytes; // as read and as packed
    while (this.#held > 0 && this.#held + need > HELD_BYTES) await new Promise<void>((go) => this.#waiting.push(go));
    this.#held += need;
    try {
      return await this.#uploadPacked(storage, ref, layout.pack, signal);
    } finally {
      this.#held -= need;
      for (const go of this.#waiting.splice(0)) go();
    }
  }

  async #uploadPacked(
    storage: TensorStorage,
    ref: WeightRef,
    pack: NonNullable<WeightLayout['pack']>,
    signal: AbortSignal | undefined,
  ): Promise<GPUBuffer> {
    const packed = pack(await readWhole(ref, signal), ref.shape);
    if (Math.ceil(packed.byteLength / 4) * 4 !== storage.bytes)
      throw new MelodyError('graph', `${storage.label}: packed into ${packed.byteLength} bytes; expected ${storage.bytes}`);
    const buffer = this.make(storage);
    writeWords(this.gpu.device.queue, buffer, 0, packed);
    return buffer;
  }
}

/** writeBuffer wants multiples of four bytes: an odd count of f16 is padded. Pieces of f16 must start on even elements. */
function writeWords(queue: GPUQueue, buffer: GPUBuffer, byteOffset: number, data: ArrayBufferView): void {
  let bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length % 4) {
    const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
    padded.set(bytes);
    bytes = padded;
  }
  queue.writeBuffer(buffer, byteOffset, bytes as GPUAllowSharedBufferSource);
}
