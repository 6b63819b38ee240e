// A compiled graph: slots, pipelines and bind groups made once, replayed in one submit with one parameter write.
import { MelodyError } from '../errors.ts';
import { GPU_USAGE, type Gpu } from '../gpu/device.ts';
import type { Dispatch, Graph } from './graph.ts';
import { ParamBlock } from './params.ts';
import { checkScalars, type HostData, inputOf, outputOf, type Places, placesOf } from './places.ts';
import type { Residents } from './residents.ts';
import type { TensorStorage } from './tensor.ts';

export interface CompileOptions {
  /**
   * Fill temporaries and outputs with NaN before every run, so that a read of what nothing wrote shows. Slots that temporaries share hide
   * what their earlier tenant left; `guard` too gives each a buffer of its own.
   */
  poison?: boolean | undefined;
  /** A buffer of its own for every temporary, and guard words after it and after every input and output; see checkGuards (inspect_plan.ts). */
  guard?: boolean | undefined;
  /** At most this many dispatches a submit (browsers kill long ones). Default: all in one. */
  dispatchesPerSubmit?: number | undefined;
  /** Products may be fused where the CPU has a faster build for that: other bits on other machines. A GPU takes no notice. Default false. */
  relaxed?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Called with the bytes of each weight that reaches the GPU. */
  onBytes?: ((bytes: number) => void) | undefined;
}

const GUARD_BYTES = 64;
/** What stands after the tensors of a plan compiled with `guard`. */
export const GUARD_WORD = 0xa5a5a5a5;
const POISON_WORD = 0x7fc0dead; // a quiet NaN
const USAGE = GPU_USAGE.STORAGE | GPU_USAGE.COPY_SRC | GPU_USAGE.COPY_DST;

/** One dispatch, compiled. */
export interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** Sets what changed since the pipeline `current`, and dispatches. Returns the step's pipeline. */
export function encode(pass: GPUComputePassEncoder, { dispatch, pipeline, group }: Step, current?: GPUComputePipeline): GPUComputePipeline {
  if (pipeline !== current) pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
  return pipeline;
}

export class Plan {
  readonly gpu: Gpu;
  readonly graph: Graph;
  readonly steps: readonly Step[];
  readonly buffers: ReadonlyMap<TensorStorage, GPUBuffer>;
  readonly #owned: GPUBuffer[]; // slots, inputs, outputs and parameters: what dispose frees
  readonly #params: ParamBlock;
  readonly #paramBuffer: GPUBuffer;
  readonly places: Places;
  readonly options: CompileOptions;
  #disposed = false;

  private constructor(parts: {
    gpu: Gpu;
    graph: Graph;
    steps: Step[];
    buffers: Map<TensorStorage, GPUBuffer>;
    owned: GPUBuffer[];
    params: ParamBlock;
    paramBuffer: GPUBuffer;
    places: Places;
    options: CompileOptions;
  }) {
    this.gpu = parts.gpu;
    this.graph = parts.graph;
    this.steps = parts.steps;
    this.buffers = parts.buffers;
    this.#owned = parts.owned;
    this.#params = parts.params;
    this.#paramBuffer = parts.paramBuffer;
    this.places = parts.places;
    this.options = parts.options;
  }

  /**
   * Upload missing weights, share temporaries' memory, compile pipelines in parallel, make bind groups.
   * Throws `out_of_memory`, `kernel`, `weights`, `device_lost`, `aborted`; nothing is left allocated then.
   */
  static async compile(residents: Residents, graph: Graph, options: CompileOptions = {}): Promise<Plan> {
    const gpu = residents.gpu;
    gpu.check();
    await residents.dropRefused();
    const owned: GPUBuffer[] = [];
    const own = (bytes: number, usage: number, label: string) => {
      const buffer = gpu.buffer(bytes, usage, label);
      owned.push(buffer);
      return buffer;
    };
    try {
      const guard = options.guard ? GUARD_BYTES : 0;
      const places = placesOf(graph, guard);
      const slots = places.slotBytes.map((bytes, i) => own(bytes, USAGE, `slot ${i}`));
      const buffers = new Map([...places.slotOf].map(([s, i]) => [s, slots[i] as GPUBuffer]));
      for (const s of places.named) buffers.set(s, own(s.bytes + guard, USAGE, s.label));
      const params = new ParamBlock(graph.dispatches);
      const paramBuffer = own(params.bytes.byteLength, GPU_USAGE.UNIFORM | GPU_USAGE.COPY_DST, 'params');
      gpu.device.queue.writeBuffer(paramBuffer, 0, params.bytes);
      const [pipelines, loaded] = await Promise.all([
        Promise.all(graph.dispatches.map((d) => gpu.pipeline(d.kernel, d.how))),
        residents.ensure(places.persistent, options),
      ]);
      for (const [storage, buffer] of loaded) buffers.set(storage, buffer);
      await gpu.allocated();
      const steps = graph.dispatches.map(
        (dispatch, i): Step => ({
          dispatch,
          pipeline: pipelines[i] as GPUComputePipeline,
          group: gpu.device.createBindGroup({
            label: dispatch.label,
            layout: gpu.bindGroupLayout(dispatch.kernel),
            entries: [
              { binding: 0, resource: { buffer: paramBuffer, offset: params.offsets[i] as number, size: params.sizes[i] as number } },
              ...[...dispatch.inputs, ...dispatch.outputs].map((t, j) => ({
                binding: j + 1,
                resource: { buffer: buffers.get(t.storage) as GPUBuffer },
              })),
            ],
          }),
        }),
      );
      return new Plan({ gpu, graph, steps, buffers, owned, params, paramBuffer, places, options });
    } catch (error) {
      for (const buffer of owned) gpu.free(buffer);
      throw error;
    }
  }

  /** Replay once. Returns at once; the GPU works on. Throws what the device reported since the last call. */
  run(scalars: { readonly [name: string]: number } = {}, inputs: { readonly [name: string]: HostData } = {}): void {
    this.prepare(scalars, inputs);
    const device = this.gpu.device;
    if (this.options.poison || this.options.guard) this.#fillMarks();
    const perSubmit = this.options.dispatchesPerSubmit ?? this.steps.length;
    for (let from = 0; from < this.steps.length; from += perSubmit) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      let current: GPUComputePipeline | undefined;
      const to = Math.min(from + perSubmit, this.steps.length);
      for (let i = from; i < to; i++) current = encode(pass, this.steps[i] as Step, current);
      pass.end();
      device.queue.submit([encoder.finish()]);
    }
  }

  /** Write what one run is given, without running. Throws as `run` does. */
  prepare(scalars: { readonly [name: string]: number }, inputs: { readonly [name: string]: HostData }): void {
    this.#ready();
    for (const [name, data] of Object.entries(inputs)) this.write(name, data);
    this.#writeScalars(scalars);
  }

  /** Fill an input from its first element. Throws `shape` when the sizes differ. */
  write(name: string, data: HostData): void {
    const buffer = this.buffers.get(inputOf(this.graph, name, data)) as GPUBuffer;
    this.gpu.device.queue.writeBuffer(buffer, 0, data as GPUAllowSharedBufferSource);
  }

  /** Copy of an f32 output of the last run. */
  async read(name: string): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(name));
  }

  /** Copy of an output's bytes, for u32 and i32 results. */
  async readBytes(name: string): Promise<ArrayBuffer> {
    this.#ready();
    const storage = outputOf(this.graph, name);
    return this.gpu.read(this.buffers.get(storage) as GPUBuffer, storage.bytes);
  }

  /** Bytes of this plan alone: slots, inputs, outputs and parameters, without weights and states. */
  get bytes(): number {
    const rest = [...this.graph.inputs.values(), ...this.graph.outputs.values()].filter((t) => t.storage.kind !== 'state');
    return this.places.slotBytes.reduce((a, b) => a + b, 0) + rest.reduce((n, t) => n + t.storage.bytes, 0) + this.#params.bytes.byteLength;
  }

  /** Kernel launches of one run. */
  get dispatches(): number {
    return this.steps.length;
  }

  /** Multiply-adds counted twice, over one run. */
  get flops(): number {
    return this.steps.reduce((n, s) => n + s.dispatch.flops, 0);
  }

  /** Free every buffer this plan made. Weights and states stay with their Residents. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of this.#owned) this.gpu.free(buffer);
  }

  #ready(): void {
    if (this.#disposed) throw new MelodyError('graph', 'this plan was disposed');
    this.gpu.check();
  }

  #writeScalars(scalars: { readonly [name: string]: number }): void {
    checkScalars(this.graph, scalars);
    this.#params.fill(scalars);
    const { bytes, variableBytes } = this.#params;
    if (variableBytes) this.gpu.device.queue.writeBuffer(this.#paramBuffer, 0, bytes, 0, variableBytes);
  }

  #fillMarks(): void {
    const { poison, guard } = this.options;
    for (const [storage, buffer] of this.buffers) {
      if (storage.kind !== 'temp' && storage.kind !== 'output' && storage.kind !== 'input') continue;
      const own = storage.bytes / 4;
      const words = new Uint32Array(buffer.size / 4).fill(GUARD_WORD);
      if (poison) words.fill(POISON_WORD, 0, guard ? own : undefined);
      const from = storage.kind === 'input' || !poison ? own : 0; // inputs hold their data already
      if (from < words.length) this.gpu.device.queue.writeBuffer(buffer, 4 * from, words, from);
    }
  }
}
