// How much memory a job will take, known before it starts: the job is rehearsed on a machine that records and counts, and runs nothing.
import { MelodyError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { type PlanBytes, placesOf } from '../graph/places.ts';
import type { TensorStorage } from '../graph/tensor.ts';
import { aborted, type Checked, type Engine, MAX_PLANS, type Machine } from './engine.ts';

/**
 * Bytes of the buffers of the executor, a GPU or the CPU. On the CPU, where twice as much is free, plans are compiled ahead, so that the copy of a
 * result may come on top of the peak (measured: 1 %).
 */
export interface MemoryForecast {
  /** Weights that the job reads. */
  readonly weights: number;
  /** Its states, temporaries, inputs and outputs. */
  readonly buffers: number;
  /** Most at one time, with what is there already. */
  readonly peak: number;
}

/**
 * Rehearse a job: `act` does on a Machine what it will do on the engine. Reads headers of weights, touches no GPU. Throws what recording
 * throws, above all `limit` for a tensor that does not fit the adapter and `weights` for one that does not fit the model.
 */
export async function forecast<Model extends Checked>(
  engine: Engine<Model>,
  signal: AbortSignal | undefined,
  act: (m: Machine<Model>) => Promise<unknown>,
): Promise<MemoryForecast> {
  const rehearsal = new Rehearsal(engine, signal);
  await act(rehearsal);
  const { result } = rehearsal;
  plansOf.set(result, rehearsal);
  return result;
}

/** Of a job that was rehearsed: its plans, in the order of their first use, and what they share. */
interface Plans {
  readonly recorded: ReadonlyMap<string, (g: Graph) => void>;
  readonly shared: number;
}
const plansOf = new WeakMap<MemoryForecast, Plans>();

/**
 * On the CPU a plan is compiled by this thread while its threads compute the one before. Where twice what the job takes is free; what fails
 * here fails again, and is told, where it is used.
 */
export async function compileAhead(engine: Engine, predicted: MemoryForecast | undefined, signal: AbortSignal | undefined): Promise<void> {
  const plans = predicted && plansOf.get(predicted);
  if (!plans || engine.device.caps.executor !== 'cpu' || 2 * plans.recorded.size > MAX_PLANS) return;
  if (2 * predicted.peak > (engine.room ?? Number.MAX_VALUE)) return;
  try {
    engine.device.reserveWorkspace?.(plans.shared);
    for (const [name, record] of plans.recorded) if (!signal?.aborted) await engine.plan(name, record); // no signal: another job may wait for it
  } catch {
    // disposed, lost, or out of memory
  }
}

/** What jobs that were rehearsed take in all, by what decides their sizes. */
const rehearsed = new WeakMap<Engine, Map<string, number>>();
const MOST_SHAPES = 256;

/**
 * Rehearses a job unless one of the same `shape` was rehearsed before and twice what that takes in all is free, which spares a tenth of a
 * second: then it fits whatever of it is there already. undefined stands for that.
 */
export async function forecastOnce(
  engine: Engine,
  shape: object,
  rehearse: () => Promise<MemoryForecast>,
): Promise<MemoryForecast | undefined> {
  const known = rehearsed.get(engine) ?? new Map<string, number>();
  rehearsed.set(engine, known);
  const key = JSON.stringify(shape);
  if (2 * (known.get(key) ?? Infinity) <= (engine.room ?? Number.MAX_VALUE)) return undefined;
  const predicted = await rehearse();
  if (known.size >= MOST_SHAPES) known.clear(); // a server meets any number of them
  known.set(key, predicted.weights + predicted.buffers);
  return predicted;
}

/** Whether the job fits, as far as is known: most GPUs set no limit, since WebGPU does not tell. */
export function hasRoom({ device, room = Infinity }: Engine, predicted: MemoryForecast | undefined): boolean {
  return !predicted || predicted.peak - device.memory.bytes <= room;
}

/** Throws `out_of_memory` where the job cannot fit. */
export function checkRoom(engine: Engine, predicted: MemoryForecast | undefined): void {
  if (!predicted || hasRoom(engine, predicted)) return;
  const { weights, buffers, peak } = predicted;
  const { memory, caps } = engine.device;
  const inUse = memory.bytes;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new MelodyError(
    'out_of_memory',
    `this needs ${mb(peak - inUse)} more memory (weights ${mb(weights)}, buffers ${mb(buffers)}, ${mb(inUse)} in use); ` +
      `got ${mb(engine.room as number)} free on ${caps.name}`,
    'use a smaller model, f16 weights or fewer parallel windows, or free some memory',
  );
}

/** Numbers that are not zero in what a rehearsal reads: none of its embeddings has more, and megabytes of sound stay untouched memory. */
const EMBEDDING = 4096;

class Rehearsal<Model extends Checked> implements Machine<Model>, Plans {
  readonly model: Model;
  readonly recoveries = 0;
  readonly residents;
  readonly #engine: Engine<Model>;
  readonly #signal: AbortSignal | undefined;
  readonly #plans: Map<string, number>; // bytes of each plan's own buffers, least recently used first
  readonly #seen = new Map<string, PlanBytes & { graph: Graph }>(); // plans of this job
  readonly recorded = new Map<string, (g: Graph) => void>();
  readonly #states = new Set<TensorStorage>();
  readonly #weights = new Map<object, Set<string>>(); // layouts of each
  #weightBytes = 0;
  #bufferBytes = 0;
  shared = 0; // of the job's plans
  #workspace: number; // that there is
  #bytes: number;
  #peak: number;

  constructor(engine: Engine<Model>, signal: AbortSignal | undefined) {
    this.#engine = engine;
    this.#signal = signal;
    this.model = engine.model;
    this.#plans = engine.planBytes();
    this.#workspace = engine.device.workspaceBytes ?? 0;
    this.#bytes = engine.device.memory.bytes;
    this.#peak = this.#bytes;
    this.residents = {
      write: () => {},
      clear: () => {},
      read: async ({ storage }: { storage: TensorStorage }) => this.#readBack(storage.bytes),
    };
  }

  get result(): MemoryForecast {
    return { weights: this.#weightBytes, buffers: this.#bufferBytes + this.shared, peak: this.#peak };
  }

  async plan(name: string, record: (g: Graph) => void) {
    const { graph, own, shared } = this.#seen.get(name) ?? this.#record(name, record);
    if (!this.#plans.delete(name)) {
      this.#add(own + Math.max(0, shared - this.#workspace));
      this.#workspace = Math.max(shared, this.#workspace);
    }
    this.#plans.set(name, own);
    for (const [oldest, bytes] of this.#plans) {
      if (this.#plans.size <= MAX_PLANS) break;
      this.#plans.delete(oldest);
      this.#add(-bytes);
    }
    const bytesOf = (output: string) => graph.outputs.get(output)?.storage.bytes ?? 0;
    return {
      run: () => {},
      read: async (output: string) => new Float32Array(this.#readBack(bytesOf(output))).fill(1, 0, EMBEDDING), // these must have a direction
      readBytes: async (output: string) => this.#readBack(bytesOf(output)),
    };
  }

  keep<T>(name: string, make: () => T): T {
    return this.#engine.keep(name, make);
  }

  async settle(): Promise<void> {
    if (this.#signal?.aborted) throw aborted();
  }

  resilient<T>(stage: () => Promise<T>): Promise<T> {
    return stage();
  }

  #record(name: string, record: (g: Graph) => void): PlanBytes & { graph: Graph } {
    const graph = this.#engine.graph(name, record);
    this.recorded.set(name, record);
    const seen = { graph, ...this.#engine.bytesOfPlan(graph) };
    this.#seen.set(name, seen);
    this.#bufferBytes += seen.own;
    this.shared = Math.max(this.shared, seen.shared);
    for (const storage of placesOf(graph).persistent) this.#need(storage);
    return seen;
  }

  /** A weight or state of a plan: counted once, and added unless it is on the GPU already. */
  #need(storage: TensorStorage): void {
    const { weight } = storage;
    if (weight) {
      const layouts = this.#weights.get(weight.ref) ?? new Set<string>();
      this.#weights.set(weight.ref, layouts);
      if (layouts.has(weight.layout.key)) return;
      layouts.add(weight.layout.key);
      this.#weightBytes += this.#engine.bytesOf(storage);
    } else {
      if (this.#states.has(storage)) return;
      this.#states.add(storage);
      this.#bufferBytes += this.#engine.bytesOf(storage);
    }
    if (!this.#engine.residents.holds(storage)) this.#add(this.#engine.bytesOf(storage));
  }

  #add(bytes: number): void {
    this.#bytes += bytes;
    this.#peak = Math.max(this.#peak, this.#bytes);
  }

  /** What a read brings: zeros. Beside it the device holds a copy for the way back. */
  #readBack(bytes: number): ArrayBuffer {
    const copy = this.#engine.bytesOfBuffer(bytes);
    this.#add(copy);
    this.#add(-copy);
    return new ArrayBuffer(bytes);
  }
}
