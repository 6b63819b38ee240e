// One model of any kind on one GPU or on the CPU: compiled plans by name, states, and the recovery from a lost device. It knows no network and no music.
import { platform } from '#platform';
import type { Case } from '../cases/case.ts';
import { MelodyError } from '../errors.ts';
import { isSoftware } from '../gpu/caps.ts';
import { Gpu, type GpuOptions } from '../gpu/device.ts';
import { Graph } from '../graph/graph.ts';
import type { PlanBytes } from '../graph/places.ts';
import { type Device, gpuRunner, type Replay, type Runner, type Stock } from '../graph/runner.ts';
import type { TensorStorage } from '../graph/tensor.ts';
import { fuseElementwise } from '../ops/fuse.ts';
import { checkAdapter } from './adapter_check.ts';

/** How the engine is opened: the device, its limits, its memory. */
export interface EngineOptions extends GpuOptions {
  /**
   * What computes: 'gpu' is any WebGPU adapter, a software one too; 'cpu' is threads of WebAssembly; 'auto' is a hardware GPU where there
   * is one, else the CPU. Default 'auto'.
   */
  device?: 'auto' | 'gpu' | 'cpu' | undefined;
  /** Threads on the CPU; the music does not depend on it. Default: one for each core, at most 8. */
  threads?: number | undefined;
  /** Submit long plans in pieces of this many dispatches, because browsers stop tabs whose submits take seconds. Default: each plan whole. */
  dispatchesPerSubmit?: number | undefined;
  /** Skip the test that this GPU computes right, which every adapter passes once. Default false. */
  untested?: boolean | undefined;
  /** Refuse jobs that would need more GPU memory than this, bytes. Default: on software adapters what the machine has free, else no limit. */
  memoryLimit?: number | undefined;
  /** Called with the bytes of each weight that reaches the GPU. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** What makes samples: a GPU (a software adapter too), or the CPU with its build of the kernels. */
export interface Made {
  readonly executor: 'gpu' | 'cpu';
  /** 'plain' has the same results on every machine. */
  readonly build?: 'plain' | 'relaxed';
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
  readonly residents: Pick<Stock, 'write' | 'clear' | 'read'>;
  readonly recoveries: number;
  /** No plan was compiled yet, or all were dropped: what is computed next takes longer than it will again. */
  readonly cold?: boolean;
  /** The plan of that name, recorded and compiled at first use. Equal names must record equal graphs. */
  plan(name: string, record: (g: Graph) => void, signal?: AbortSignal): Promise<Pick<Replay, 'run' | 'read' | 'readBytes'>>;
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
  #runner: Runner;
  #plans = new Map<string, Promise<Replay>>();
  #graphs = new Map<string, Graph>();
  #kept = new Map<string, unknown>();
  #recoveries = 0;
  #exact = false;
  #disposed = false;

  private constructor(model: Model, entry: () => Promise<GPU>, options: EngineOptions, runner: Runner) {
    this.model = model;
    this.#entry = entry;
    this.#options = options;
    this.#runner = runner;
  }

  /**
   * `more` is what the test of the adapter looks at beside what every model needs. The device opens while a model is read that calls `begin` once
   * it is sure to be one.
   */
  static async open<Model extends Checked>(
    model: Model | ((begin: () => void) => Promise<Model>),
    entry: () => Promise<GPU>,
    options: EngineOptions = {},
    more: readonly Case[] = [],
  ): Promise<Engine<Model>> {
    let runner: Promise<Runner> | undefined;
    const begin = () => {
      runner ??= openRunner(entry, options, more);
      runner.catch(() => {}); // whoever waits for it is told
      return runner;
    };
    try {
      return new Engine(typeof model === 'function' ? await model(begin) : model, entry, options, await begin());
    } catch (error) {
      void runner?.then(
        ({ device }) => device.dispose(),
        () => {},
      );
      throw error;
    }
  }

  /** The GPU or the CPU's threads. */
  get device(): Device {
    return this.#runner.device;
  }

  /** The GPU, for what only WebGPU has. Throws `no_adapter` on the CPU. */
  get gpu(): Gpu {
    const { device } = this.#runner;
    if (device instanceof Gpu) return device;
    throw new MelodyError('no_adapter', `this engine computes on ${device.caps.name}`, "open it with device: 'gpu'");
  }

  /** What makes samples here. */
  get made(): Made {
    return this.#exact && this.device.caps.executor === 'cpu' ? { executor: 'cpu', build: 'plain' } : this.fastest;
  }

  /** What makes samples that need not be exact. */
  get fastest(): Made {
    if (this.device.caps.executor !== 'cpu') return { executor: 'gpu' };
    return { executor: 'cpu', build: this.#runner.relaxed ? 'relaxed' : 'plain' };
  }

  /** From now on plans are compiled in the plain build alone, or in the fastest. */
  async beExact(exact: boolean): Promise<void> {
    if (exact === this.#exact) return;
    this.#exact = exact;
    if (this.#runner.relaxed) await this.#dropPlans();
  }

  get residents(): Stock {
    return this.#runner.residents;
  }

  /** How often a lost GPU was opened again. */
  get recoveries(): number {
    return this.#recoveries;
  }

  get cold(): boolean {
    return this.#plans.size === 0;
  }

  /** So many threads of the CPU rest from now on and leave their cores to others, never all but with Infinity, for a second at most: no result depends on it. On a GPU: nothing. */
  restThreads(count: number): void {
    this.device.restThreads?.(count);
  }

  /** Bytes of GPU memory that may still be taken; undefined where that is unknown, as with WebGPU. */
  get room(): number | undefined {
    const { memoryLimit } = this.#options;
    if (memoryLimit !== undefined) return Math.max(0, memoryLimit - this.device.memory.bytes);
    return this.device.caps.executor !== 'gpu' ? platform.freeMemory() : undefined;
  }

  /** Bytes that a storage takes on this device. */
  bytesOf(storage: TensorStorage): number {
    return this.#runner.bytesOf(storage);
  }

  /** Bytes that a buffer for so many takes on this device. */
  bytesOfBuffer(bytes: number): number {
    return this.#runner.bufferBytes(bytes);
  }

  /** Bytes that a compiled graph takes on this device beside weights and states. */
  bytesOfPlan(graph: Graph): PlanBytes {
    return this.#runner.planBytes(graph);
  }

  /** The graph of that name, recorded at first use. Throws what recording throws, and `weights` for tensors that do not fit. */
  graph(name: string, record: (g: Graph) => void): Graph {
    const graph = this.#graphs.get(name) ?? new Graph(this.device.caps);
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

  async plan(name: string, record: (g: Graph) => void, signal?: AbortSignal): Promise<Replay> {
    this.check();
    if (signal?.aborted) throw aborted();
    const known = this.#plans.get(name);
    if (known) {
      this.#plans.delete(name);
      this.#plans.set(name, known);
      return known;
    }
    const graph = this.graph(name, record);
    const plan = this.#runner.compile(graph, {
      relaxed: graph.relaxed && !this.#exact,
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

  /** Bytes that each plan alone holds beside weights and states, least recently used first. */
  planBytes(): Map<string, number> {
    return new Map([...this.#plans.keys()].map((name) => [name, this.bytesOfPlan(this.#graphs.get(name) as Graph).own]));
  }

  /** Every plan in use, by name: what it costs and how big it is. */
  async plans(): Promise<Map<string, Replay>> {
    return new Map(await Promise.all([...this.#plans].map(async ([name, plan]) => [name, await plan] as const)));
  }

  /** From now on a signal stops the CPU within a command; a GPU ends what was submitted. Call what it gives when the work is over. */
  stopWith(signal: AbortSignal | undefined): () => void {
    const stop = () => this.device.cancel?.();
    signal?.addEventListener('abort', stop);
    return () => signal?.removeEventListener('abort', stop);
  }

  /** Throws `aborted`, `device_lost`, `gpu`. */
  async settle(signal?: AbortSignal): Promise<void> {
    const { device } = this;
    await device.settle().catch((error: unknown) => {
      this.check(); // a device that we closed ourselves: `aborted` says it better
      throw error;
    });
    this.check();
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
    if (this.#disposed) throw disposed();
  }

  /** Free every buffer and the device, for good: what runs ends with `aborted`. */
  dispose(): void {
    this.#disposed = true;
    this.#free();
  }

  #free(): void {
    void this.#dropPlans();
    this.residents.dispose();
    this.device.dispose();
  }

  async #reopen(): Promise<void> {
    this.#free();
    this.#runner = await openRunner(this.#entry, this.#options);
    if (this.#disposed) this.device.dispose();
    this.check();
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

/** Throws `no_adapter`, `wrong_results`. */
async function openRunner(entry: () => Promise<GPU>, options: EngineOptions, more: readonly Case[] = []): Promise<Runner> {
  const { device = 'gpu' } = options;
  const onGpu = device === 'gpu' || (device === 'auto' && !platform.lacksGpu && (await hasHardware(entry)));
  const runner = onGpu ? gpuRunner(await Gpu.open(await entry(), options)) : await openCpu(options);
  try {
    if (!options.untested) await checkAdapter(runner, more);
    return runner;
  } catch (error) {
    runner.device.dispose();
    throw error;
  }
}

/** Is there a GPU that is no program on the processor? */
async function hasHardware(entry: () => Promise<GPU>): Promise<boolean> {
  const gpu = await entry().catch(() => undefined);
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  return adapter ? !isSoftware(adapter.info) : false;
}

/** The CPU's threads: a part of its own, which a page with a GPU never downloads. */
async function openCpu({ threads }: EngineOptions): Promise<Runner> {
  const { Cpu, cpuRunner } = await import('../cpu/runner.ts');
  return cpuRunner(await Cpu.open(platform.threads, { threads }));
}

export const disposed = (): MelodyError => new MelodyError('aborted', 'this Melody was disposed', 'load it again');

export const aborted = (): MelodyError => new MelodyError('aborted', 'stopped by its AbortSignal');
