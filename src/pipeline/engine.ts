// One model on one GPU: compiled plans by name, states, and the recovery from a lost device.
import { MelodyError } from '../errors.ts';
import { Gpu, type GpuOptions } from '../gpu/device.ts';
import { Graph } from '../graph/graph.ts';
import { Plan } from '../graph/plan.ts';
import { Residents } from '../graph/residents.ts';
import { fuseElementwise } from '../ops/fuse.ts';
import type { Model } from './model.ts';

export interface EngineOptions extends GpuOptions {
  /** Submit long plans in pieces of this many dispatches; browsers stop tabs whose submits take seconds. */
  dispatchesPerSubmit?: number;
  /** Hears the bytes of each weight as it reaches the GPU. */
  onBytes?: (bytes: number) => void;
}

const MAX_PLANS = 24; // least recently used plans beyond this are freed: their weights stay

export class Engine {
  readonly model: Model;
  readonly #entry: () => Promise<GPU>;
  readonly #options: EngineOptions;
  #gpu: Gpu;
  #residents: Residents;
  #plans = new Map<string, Promise<Plan>>();
  #recoveries = 0;

  private constructor(model: Model, entry: () => Promise<GPU>, options: EngineOptions, gpu: Gpu) {
    this.model = model;
    this.#entry = entry;
    this.#options = options;
    this.#gpu = gpu;
    this.#residents = new Residents(gpu);
  }

  static async open(model: Model, entry: () => Promise<GPU>, options: EngineOptions = {}): Promise<Engine> {
    return new Engine(model, entry, options, await Gpu.open(await entry(), options));
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

  /** The plan of that name, recorded and compiled at first use. Equal names must record equal graphs. */
  async plan(name: string, record: (g: Graph) => void, signal?: AbortSignal): Promise<Plan> {
    if (signal?.aborted) throw aborted();
    const known = this.#plans.get(name);
    if (known) {
      this.#plans.delete(name); // and to the end: the map's order is the order of use
      this.#plans.set(name, known);
      return known;
    }
    const g = new Graph(this.#gpu.caps);
    record(g);
    this.model.weights.check();
    fuseElementwise(g);
    const plan = Plan.compile(this.#residents, g, {
      dispatchesPerSubmit: this.#options.dispatchesPerSubmit,
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

  /** Every plan in use, by name: what it costs and how big it is. */
  async plans(): Promise<Map<string, Plan>> {
    return new Map(await Promise.all([...this.#plans].map(async ([name, plan]) => [name, await plan] as const)));
  }

  /** Wait until the GPU has done what was submitted. Throws `aborted`, `device_lost`, `gpu`. */
  async settle(signal?: AbortSignal): Promise<void> {
    await this.#gpu.device.queue.onSubmittedWorkDone().catch(() => {}); // a lost device: check() says why
    this.#gpu.check();
    if (signal?.aborted) throw aborted();
  }

  /**
   * Run a stage that keeps its inputs on the host. When the device is lost meanwhile, open it again once and run the stage again;
   * a second loss is thrown as `device_lost`.
   */
  async resilient<T>(stage: () => Promise<T>): Promise<T> {
    try {
      return await stage();
    } catch (error) {
      if (!(error instanceof MelodyError) || error.code !== 'device_lost') throw error;
      await this.#reopen();
      return stage();
    }
  }

  /** Free every buffer and the device. */
  dispose(): void {
    this.#dropPlans();
    this.#residents.dispose();
    this.#gpu.dispose();
  }

  async #reopen(): Promise<void> {
    this.dispose();
    this.#gpu = await Gpu.open(await this.#entry(), this.#options);
    this.#residents = new Residents(this.#gpu);
    this.#recoveries += 1;
  }

  #dropPlans(): void {
    for (const plan of this.#plans.values())
      void plan.then(
        (p) => p.dispose(),
        () => {},
      );
    this.#plans.clear();
  }
}

export const aborted = (): MelodyError => new MelodyError('aborted', 'stopped by its AbortSignal');
