// One model of any kind on one GPU: compiled plans by name, states, and the recovery from a lost device. It knows no network and no music.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { Gpu, type GpuOptions } from '../gpu/device.ts';
import { Graph } from '../graph/graph.ts';
import { memoryOf } from '../graph/places.ts';
import { Plan } from '../graph/plan.ts';
import { Residents } from '../graph/residents.ts';
import { fuseElementwise } from '../ops/fuse.ts';
import { checkAdapter } from './adapter_check.ts';

export interface EngineOptions extends GpuOptions {
  /** Submit long plans in pieces of this many dispatches; browsers stop tabs whose submits take seconds. */
  dispatchesPerSubmit?: number;
  /** Do without the test that this GPU computes right, which every adapter passes once. */
  untested?: boolean;
  /** Refuse jobs that would need more GPU memory than this, bytes. Default: on software adapters what the machine has free. */
  memoryLimit?: number;
  /** Hears the bytes of each weight as it reaches the GPU. */
  onBytes?: (bytes: number) => void;
}

/** Least recently used plans beyond this are freed: their weights stay. */
export const MAX_PLANS = 24;
const MAX_GRAPHS = 2 * MAX_PLANS;

/** All that the engine asks of a model: that its weights fit what was recorded. Throws `weights` otherwise. */
export interface Checked {
  readonly weights: { check(): void };
}

/** What the stages work on: an engine, or the rehearsal of one (memory.ts). */
export interface Machine<Model = unknown> {
  readonly model: Model;
  readonly residents: Pick<Residents, 'write' | 'clear' | 'read'>;
  readonly recoveries: number;
  /** The plan of that name, recorded and compiled at first use. Equal names must record equal graphs. */
  plan(name: string, record: (g: Graph) => void, signal?: AbortSignal): Promise<Pick<Plan, 'run' | 'read' | 'readBytes'>>;
  /** States that several plans share: made once, found by their name. */
  keep<T>(name: string, make: () => T): T;
  /** Wait until the GPU has done what was submitted. */
  settle(signal?: AbortSignal): Promise<void>;
  /** Run a stage that keeps its inputs on the host, and once more when the device is lost or memory short meanwhile. */
  resilient<T>(stage: () => Promise<T>): Promise<T>;
}

export class Engine<Model extends Checked = Checked> implements Machine<Model> {
  readonly model: Model;
  readonly #entry: () => Promise<GPU>;
  readonly #options: EngineOptions;
  #gpu: Gpu;
  #residents: Residents;
  #plans = new Map<string, Promise<Plan>>();
  #graphs = new Map<string, Graph>();
  #kept = new Map<string, unknown>();
  #recoveries = 0;
  #disposed = false;

  private constructor(model: Model, entry: () => Promise<GPU>, options: EngineOptions, gpu: Gpu) {
    this.model = model;
    this.#entry = entry;
    this.#options = options;
    this.#gpu = gpu;
    this.#residents = new Residents(gpu);
  }

  static async open<Model extends Checked>(model: Model, entry: () => Promise<GPU>, options: EngineOptions = {}): Promise<Engine<Model>> {
    return new Engine(model, entry, options, await openGpu(entry, options));
  }

  get gpu(): Gpu {
    return this.#gpu;
  }

  get residents(): Residents {
    return this.#residents;
  }

  /** How often a lost GPU was opened again. */
  get recoveries(): number {
    return this.#recoveries;
  }

  /** Bytes of GPU memory that may still be taken; undefined where nobody tells: WebGPU does not. */
  get room(): number | undefined {
    const { memoryLimit } = this.#options;
    if (memoryLimit !== undefined) return Math.max(0, memoryLimit - this.#gpu.memory.bytes);
    return this.#gpu.caps.executor !== 'gpu' ? platform.freeMemory() : undefined;
  }

  /** The graph of that name, recorded at first use. Throws what recording throws, and `weights` for tensors that do not fit. */
  graph(name: string, record: (g: Graph) => void): Graph {
    const graph = this.#graphs.get(name) ?? new Graph(this.#gpu.caps);
    if (!this.#graphs.delete(name)) {
      record(graph);
      this.model.weights.check();
      fuseElementwise(graph);
    }
    this.#graphs.set(name, graph); // at the end: the map's order is the order of use
    for (const oldest of this.#graphs.keys()) {
      if (this.#graphs.size <= MAX_GRAPHS) break;
      if (!this.#plans.has(oldest)) this.#graphs.delete(oldest);
    }
    return graph;
  }

  keep<T>(name: string, make: () => T): T {
    if (!this.#kept.has(name)) this.#kept.set(name, make());
    return this.#kept.get(name) as T;
  }

  async plan(name: string, record: (g: Graph) => void, signal?: AbortSignal): Promise<Plan> {
    this.check();
    if (signal?.aborted) throw aborted();
    const known = this.#plans.get(name);
    if (known) {
      this.#plans.delete(name);
      this.#plans.set(name, known);
      return known;
    }
    const plan = Plan.compile(this.#residents, this.graph(name, record), {
      dispatchesPerSubmit: this.#options.dispatchesPerSubmit,
      signal,
      onBytes: this.#options.onBytes,
    });
    this.#plans.set(name, plan);
    plan.catch(() => this.#plans.delete(name));
    for (const [oldest, old] of this.#plans) {
      if (this.#plans.size <= MAX_PLANS) break;
      this.#plans.delete(oldest);
      void old.then(
        (p) => p.dispose(),
        () => {},
      );
    }
    return plan;
  }

  /** Bytes that each plan holds beside weights and states, least recently used first. */
  planBytes(): Map<string, number> {
    return new Map([...this.#plans.keys()].map((name) => [name, memoryOf(this.#graphs.get(name) as Graph).own]));
  }

  /** Every plan in use, by name: what it costs and how big it is. */
  async plans(): Promise<Map<string, Plan>> {
    return new Map(await Promise.all([...this.#plans].map(async ([name, plan]) => [name, await plan] as const)));
  }

  /** Throws `aborted`, `device_lost`, `gpu`. */
  async settle(signal?: AbortSignal): Promise<void> {
    await this.#gpu.device.queue.onSubmittedWorkDone().catch(() => {}); // a lost device: check() says why
    this.check();
    this.#gpu.check();
    if (signal?.aborted) throw aborted();
  }

  /**
   * A device lost in the stage is opened again, and where memory ran out the plans of other stages are freed; then the stage gets one more
   * try, which throws `device_lost` or `out_of_memory`.
   */
  async resilient<T>(stage: () => Promise<T>): Promise<T> {
    try {
      return await stage();
    } catch (error) {
      this.check();
      const code = error instanceof MelodyError ? error.code : undefined;
      if (code === 'device_lost') await this.#reopen();
      else if (code === 'out_of_memory') await this.#dropPlans();
      else throw error;
      return stage();
    }
  }

  /** Throws `aborted` once disposed: nothing may bring the GPU back then. */
  check(): void {
    if (this.#disposed) throw new MelodyError('aborted', 'this Melody was disposed', 'load it again');
  }

  /** Free every buffer and the device, for good: what runs ends with `aborted`. */
  dispose(): void {
    this.#disposed = true;
    this.#free();
  }

  #free(): void {
    void this.#dropPlans();
    this.#residents.dispose();
    this.#gpu.dispose();
  }

  async #reopen(): Promise<void> {
    this.#free();
    this.#gpu = await openGpu(this.#entry, this.#options);
    if (this.#disposed) this.#gpu.dispose();
    this.check();
    this.#residents = new Residents(this.#gpu);
    this.#recoveries += 1;
  }

  async #dropPlans(): Promise<void> {
    const plans = [...this.#plans.values()].map((plan) =>
      plan.then(
        (p) => p.dispose(),
        () => {},
      ),
    );
    this.#plans.clear();
    this.#graphs.clear(); // another device may choose other kernels
    await Promise.all(plans);
  }
}

async function openGpu(entry: () => Promise<GPU>, options: EngineOptions): Promise<Gpu> {
  const gpu = await Gpu.open(await entry(), options);
  try {
    if (!options.untested) await checkAdapter(gpu);
    return gpu;
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

export const aborted = (): MelodyError => new MelodyError('aborted', 'stopped by its AbortSignal');
