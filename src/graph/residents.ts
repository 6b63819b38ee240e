// What stays on the GPU between plans: weights, uploaded once per layout, and states.
import { MelodyError } from '../errors.ts';
import { GPU_USAGE, type Gpu } from '../gpu/device.ts';
import { f16ToF32 } from './half.ts';
import { bytesOf, elementsOf, type Tensor, type TensorStorage, type WeightLayout, type WeightRef } from './tensor.ts';

const USAGE = GPU_USAGE.STORAGE | GPU_USAGE.COPY_SRC | GPU_USAGE.COPY_DST;
const UPLOADS_AT_ONCE = 8;
/** What weights being rearranged may hold of JS memory together. One that is larger waits until it is alone. */
const HELD_BYTES = 64 * 2 ** 20;

/** GPU copies shared by all plans of one loaded model. `dispose` frees them all. */
export class Residents {
  readonly gpu: Gpu;
  #weights = new Map<WeightRef, Map<string, Promise<GPUBuffer>>>();
  #states = new Map<TensorStorage, GPUBuffer>();
  #held = 0;
  #waiting: (() => void)[] = [];

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  /** Buffers of the given weight and state storages, uploading what is not there yet. `onBytes` is called for each weight's upload. */
  async ensure(
    storages: Iterable<TensorStorage>,
    options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined } = {},
  ): Promise<Map<TensorStorage, GPUBuffer>> {
    const found = new Map<TensorStorage, GPUBuffer>();
    const queue = [...new Set(storages)];
    const worker = async () => {
      for (let storage = queue.pop(); storage; storage = queue.pop()) {
        if (options.signal?.aborted) throw new MelodyError('aborted', 'loading weights was aborted');
        found.set(storage, storage.kind === 'state' ? this.#state(storage) : await this.#weight(storage, options));
      }
    };
    await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, worker));
    return found;
  }

  /** Overwrite a state from its first element. */
  write(target: Tensor, data: Float32Array | Uint32Array | Int32Array): void {
    if (data.byteLength > target.storage.bytes)
      throw new MelodyError(
        'shape',
        `write ${target.storage.label}: got ${data.byteLength} bytes, expected at most ${target.storage.bytes}`,
      );
    this.gpu.device.queue.writeBuffer(this.#state(target.storage), 0, data as GPUAllowSharedBufferSource);
  }

  /** Zero a state. */
  clear(target: Tensor): void {
    const encoder = this.gpu.device.createCommandEncoder();
    encoder.clearBuffer(this.#state(target.storage));
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Copy of a state's elements. */
  async read(target: Tensor): Promise<ArrayBuffer> {
    return this.gpu.read(this.#state(target.storage), target.storage.bytes);
  }

  /** Is the storage's buffer on the GPU, or on its way? */
  holds(storage: TensorStorage): boolean {
    const { weight } = storage;
    return weight ? this.#weights.get(weight.ref)?.has(weight.layout.key) === true : this.#states.has(storage);
  }

  /** Forget the buffers that the GPU had no memory for: they exist in name only, and are asked for again. */
  async dropRefused(): Promise<void> {
    const refused = new Set(this.gpu.refused); // more may come while this waits
    if (refused.size === 0) return;
    for (const [storage, buffer] of this.#states) if (refused.has(buffer)) this.#states.delete(storage);
    for (const layouts of this.#weights.values())
      for (const [key, pending] of layouts) {
        const buffer = await pending.catch(() => undefined);
        if (buffer && refused.has(buffer)) layouts.delete(key);
      }
    for (const buffer of refused) this.gpu.free(buffer);
  }

  /** Free the GPU buffer of one state; recording it again starts from zero. */
  release(target: Tensor): void {
    const buffer = this.#states.get(target.storage);
    if (buffer) this.gpu.free(buffer);
    this.#states.delete(target.storage);
  }

  dispose(): void {
    for (const buffer of this.#states.values()) this.gpu.free(buffer);
    for (const layouts of this.#weights.values())
      for (const pending of layouts.values())
        void pending.then(
          (buffer) => this.gpu.free(buffer),
          () => {},
        );
    this.#states.clear();
    this.#weights.clear();
  }

  #state(storage: TensorStorage): GPUBuffer {
    if (storage.kind !== 'state') throw new MelodyError('graph', `"${storage.label}" is ${storage.kind}; expected state`);
    let buffer = this.#states.get(storage);
    if (!buffer) {
      buffer = this.gpu.buffer(storage.bytes, USAGE, storage.label);
      this.#states.set(storage, buffer);
    }
    return buffer;
  }

  #weight(
    storage: TensorStorage,
    options: { signal?: AbortSignal | undefined; onBytes?: ((bytes: number) => void) | undefined },
  ): Promise<GPUBuffer> {
    const weight = storage.weight;
    if (!weight) throw new MelodyError('graph', `"${storage.label}" has no weight to load`);
    const layouts = this.#weights.get(weight.ref) ?? new Map<string, Promise<GPUBuffer>>();
    this.#weights.set(weight.ref, layouts);
    let pending = layouts.get(weight.layout.key);
    if (!pending) {
      pending = this.#upload(storage, weight, options.signal).then((buffer) => {
        options.onBytes?.(storage.bytes);
        return buffer;
      });
      layouts.set(weight.layout.key, pending);
      pending.catch(() => layouts.delete(weight.layout.key)); // a failed upload may be tried again
    }
    return pending;
  }

  async #upload(storage: TensorStorage, { ref, layout }: NonNullable<TensorStorage['weight']>, signal?: AbortSignal): Promise<GPUBuffer> {
    const queue = this.gpu.device.queue;
    if (!layout.pack) {
      const buffer = this.gpu.buffer(storage.bytes, USAGE, storage.label);
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
    const buffer = this.gpu.buffer(storage.bytes, USAGE, storage.label);
    writeWords(this.gpu.device.queue, buffer, 0, packed);
    return buffer;
  }
}

/** All elements of a weight in one array (f16 as bits). */
export async function readWhole(ref: WeightRef, signal?: AbortSignal): Promise<Float32Array | Uint16Array | Int32Array | Uint32Array> {
  const total = elementsOf(ref.shape);
  const arrays = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array };
  const whole = new arrays[ref.dtype](total);
  for await (const { offset, data } of ref.read(signal)) whole.set(data, offset);
  return whole;
}

/** All elements of a float weight as f32. */
export async function readFloats(ref: WeightRef, signal?: AbortSignal): Promise<Float32Array> {
  const data = await readWhole(ref, signal);
  return data instanceof Uint16Array ? f16ToF32(data) : Float32Array.from(data);
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
