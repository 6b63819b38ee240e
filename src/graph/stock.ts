// What stays on a device between plans, whatever the device is: weights, loaded once per layout, and states.
import { MelodyError } from '../errors.ts';
import { f16ToF32 } from './half.ts';
import type { HostData } from './places.ts';
import { elementsOf, type Tensor, type TensorStorage, type WeightRef } from './tensor.ts';

export interface LoadOptions {
  signal?: AbortSignal | undefined;
  /** Called with the bytes of each weight that was loaded. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** What a stock asks of the device itself. */
interface StockDevice<Place> {
  read(place: Place, bytes: number): Promise<ArrayBuffer>;
  free(place: Place): void;
}

/** Weights and states of one loaded model, shared by all its plans. `Place` is where one lies: a buffer or an address. */
export abstract class Stock<Place> {
  readonly #device: StockDevice<Place>;
  readonly #atOnce: number;
  protected readonly weights = new Map<WeightRef, Map<string, Promise<Place>>>();
  protected readonly states = new Map<TensorStorage, Place>();

  /** Weights are loaded `atOnce` at a time. */
  constructor(device: StockDevice<Place>, atOnce: number) {
    this.#device = device;
    this.#atOnce = atOnce;
  }

  /** A place for a state, filled with zeros. */
  protected abstract make(storage: TensorStorage): Place;
  protected abstract load(storage: TensorStorage, weight: NonNullable<TensorStorage['weight']>, signal?: AbortSignal): Promise<Place>;
  protected abstract put(place: Place, data: HostData): void;

  /** Places of the given weight and state storages, loading what is not there yet. */
  async ensure(storages: Iterable<TensorStorage>, options: LoadOptions = {}): Promise<Map<TensorStorage, Place>> {
    const found = new Map<TensorStorage, Place>();
    const queue = new Set(storages).values();
    const worker = async () => {
      for (const storage of queue) {
        if (options.signal?.aborted) throw new MelodyError('aborted', 'loading weights was aborted');
        found.set(storage, storage.kind === 'state' ? this.state(storage) : await this.#weight(storage, options));
      }
    };
    await Promise.all(Array.from({ length: this.#atOnce }, worker));
    return found;
  }

  /** Overwrite a state from its first element. Throws `shape` for more data than it holds. */
  write({ storage }: Tensor, data: HostData): void {
    if (data.byteLength > storage.bytes)
      throw new MelodyError('shape', `write ${storage.label}: got ${data.byteLength} bytes, expected at most ${storage.bytes}`);
    this.put(this.state(storage), data);
  }

  /** Copy of a state's elements. */
  async read({ storage }: Tensor): Promise<ArrayBuffer> {
    return this.#device.read(this.state(storage), storage.bytes);
  }

  /** Is the storage on the device, or on its way? */
  holds(storage: TensorStorage): boolean {
    const { weight } = storage;
    return weight ? this.weights.get(weight.ref)?.has(weight.layout.key) === true : this.states.has(storage);
  }

  /** Free one state; recording it again starts from zero. */
  release({ storage }: Tensor): void {
    const place = this.states.get(storage);
    if (place !== undefined) this.#device.free(place);
    this.states.delete(storage);
  }

  /** Free all of them. */
  dispose(): void {
    const free = (place: Place) => this.#device.free(place);
    for (const place of this.states.values()) free(place);
    for (const layouts of this.weights.values()) for (const pending of layouts.values()) void pending.then(free, () => {});
    this.states.clear();
    this.weights.clear();
  }

  protected state(storage: TensorStorage): Place {
    if (storage.kind !== 'state') throw new MelodyError('graph', `"${storage.label}" is ${storage.kind}; expected state`);
    const place = this.states.get(storage) ?? this.make(storage);
    this.states.set(storage, place);
    return place;
  }

  #weight(storage: TensorStorage, options: LoadOptions): Promise<Place> {
    const { weight } = storage;
    if (!weight) throw new MelodyError('graph', `"${storage.label}" has no weight to load`);
    const layouts = this.weights.get(weight.ref) ?? new Map<string, Promise<Place>>();
    this.weights.set(weight.ref, layouts);
    let pending = layouts.get(weight.layout.key);
    if (!pending) {
      pending = this.load(storage, weight, options.signal).then((place) => {
        options.onBytes?.(storage.bytes);
        return place;
      });
      layouts.set(weight.layout.key, pending);
      pending.catch(() => layouts.delete(weight.layout.key)); // a failed load may be tried again
    }
    return pending;
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
