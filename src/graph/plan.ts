// A compiled graph: slots, pipelines and bind groups made once, replayed in one submit with one parameter write.
import { MelodyError } from '../errors.ts';
import { bufferSize, GPU_USAGE, type Gpu } from '../gpu/device.ts';
import { type Dispatch, type Graph, isScalar, type ParamValue } from './graph.ts';
import type { Residents } from './residents.ts';
import { assignSlots, type Lifetime } from './slots.ts';
import type { Storage } from './tensor.ts';

export interface CompileOptions {
  /** Fill temporaries with NaN before every run, so that a read of stale data shows. */
  poison?: boolean;
  /** Guard words behind every temporary, input and output; see checkGuards. */
  guard?: boolean;
  /** At most this many dispatches a submit (browsers kill long ones). Default: all in one. */
  dispatchesPerSubmit?: number;
  signal?: AbortSignal;
  /** Hears the bytes of each weight as it arrives on the GPU. */
  onBytes?: (bytes: number) => void;
}

export interface DispatchTime {
  readonly label: string;
  readonly kernel: string;
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
}

type HostData = Float32Array | Uint32Array | Int32Array;

const PARAM_ALIGN = 256; // WebGPU's minUniformBufferOffsetAlignment at default limits
const GUARD_BYTES = 64;
const GUARD_WORD = 0xa5a5a5a5;
const POISON_WORD = 0x7fc0dead; // a quiet NaN
const USAGE = GPU_USAGE.STORAGE | GPU_USAGE.COPY_SRC | GPU_USAGE.COPY_DST;

interface Step {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** Where a run-time number goes: word `at` of the parameter block. */
interface Patch {
  readonly at: number;
  readonly type: 'u32' | 'i32' | 'f32';
  readonly value: Exclude<ParamValue, number>;
}

export class Plan {
  readonly gpu: Gpu;
  readonly graph: Graph;
  readonly #steps: Step[];
  readonly #buffers: Map<Storage, GPUBuffer>;
  readonly #owned: GPUBuffer[]; // slots, inputs, outputs and parameters: what dispose frees
  readonly #params: GPUBuffer;
  readonly #words: DataView<ArrayBuffer>;
  readonly #patches: Patch[];
  readonly #patchedBytes: number;
  readonly #slotOf: ReadonlyMap<Storage, number>;
  readonly #slotBytes: readonly number[];
  readonly #options: CompileOptions;
  #disposed = false;

  private constructor(parts: {
    gpu: Gpu;
    graph: Graph;
    steps: Step[];
    buffers: Map<Storage, GPUBuffer>;
    owned: GPUBuffer[];
    params: ParamBlock;
    paramBuffer: GPUBuffer;
    slotOf: ReadonlyMap<Storage, number>;
    slotBytes: readonly number[];
    options: CompileOptions;
  }) {
    this.gpu = parts.gpu;
    this.graph = parts.graph;
    this.#steps = parts.steps;
    this.#buffers = parts.buffers;
    this.#owned = parts.owned;
    this.#params = parts.paramBuffer;
    this.#words = parts.params.words;
    this.#patches = parts.params.patches;
    this.#patchedBytes = parts.params.patchedBytes;
    this.#slotOf = parts.slotOf;
    this.#slotBytes = parts.slotBytes;
    this.#options = parts.options;
  }

  /**
   * Upload missing weights, share temporaries' memory, compile pipelines in parallel, make bind groups.
   * Throws `out_of_memory`, `kernel`, `weights`, `device_lost`, `aborted`; nothing is left allocated then.
   */
  static async compile(residents: Residents, graph: Graph, options: CompileOptions = {}): Promise<Plan> {
    const gpu = residents.gpu;
    gpu.check();
    const owned: GPUBuffer[] = [];
    const own = (bytes: number, usage: number, label: string) => {
      const buffer = gpu.buffer(bytes, usage, label);
      owned.push(buffer);
      return buffer;
    };
    try {
      const guard = options.guard ? GUARD_BYTES : 0;
      const { slotOf, slotBytes, named, persistent } = placesOf(graph, guard);
      const slots = slotBytes.map((bytes, i) => own(bytes, USAGE, `slot ${i}`));
      const buffers = new Map([...slotOf].map(([s, i]) => [s, slots[i]]));
      for (const s of named) buffers.set(s, own(s.bytes + guard, USAGE, s.label));
      const params = packParams(graph.dispatches);
      const paramBuffer = own(params.words.byteLength, GPU_USAGE.UNIFORM | GPU_USAGE.COPY_DST, 'params');
      gpu.device.queue.writeBuffer(paramBuffer, 0, params.words.buffer);
      const [pipelines, loaded] = await Promise.all([
        Promise.all(graph.dispatches.map((d) => gpu.pipeline(d.kernel, d.how))),
        residents.ensure(persistent, options),
      ]);
      for (const [storage, buffer] of loaded) buffers.set(storage, buffer);
      await gpu.allocated();
      const steps = graph.dispatches.map(
        (dispatch, i): Step => ({
          dispatch,
          pipeline: pipelines[i],
          group: gpu.device.createBindGroup({
            label: dispatch.label,
            layout: gpu.bindGroupLayout(dispatch.kernel),
            entries: [
              { binding: 0, resource: { buffer: paramBuffer, offset: params.offsets[i], size: params.sizes[i] } },
              ...[...dispatch.inputs, ...dispatch.outputs].map((t, j) => ({
                binding: j + 1,
                resource: { buffer: buffers.get(t.storage) as GPUBuffer },
              })),
            ],
          }),
        }),
      );
      return new Plan({ gpu, graph, steps, buffers, owned, params, paramBuffer, slotOf, slotBytes, options });
    } catch (error) {
      for (const buffer of owned) gpu.free(buffer);
      throw error;
    }
  }

  /** Replay once. Returns at once; the GPU works on. Throws what the device reported since the last call. */
  run(scalars: { readonly [name: string]: number } = {}, inputs: { readonly [name: string]: HostData } = {}): void {
    this.#ready();
    for (const [name, data] of Object.entries(inputs)) this.write(name, data);
    this.#writeScalars(scalars);
    const device = this.gpu.device;
    if (this.#options.poison || this.#options.guard) this.#fillMarks();
    const perSubmit = this.#options.dispatchesPerSubmit ?? this.#steps.length;
    for (let from = 0; from < this.#steps.length; from += perSubmit) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      let current: GPUComputePipeline | undefined;
      for (let i = from; i < Math.min(from + perSubmit, this.#steps.length); i++) {
        const { dispatch, pipeline, group } = this.#steps[i];
        if (pipeline !== current) pass.setPipeline(pipeline);
        current = pipeline;
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
    }
  }

  /** Fill an input from its first element. Throws `shape` when the sizes differ. */
  write(name: string, data: HostData): void {
    const tensor = this.graph.inputs.get(name);
    if (!tensor) throw new MelodyError('graph', `no input "${name}"; this plan has [${[...this.graph.inputs.keys()].join(', ')}]`);
    if (data.length !== tensor.storage.elements)
      throw new MelodyError(
        'shape',
        `input "${name}": got ${data.length} elements, expected ${tensor.storage.elements} for [${tensor.shape}]`,
      );
    this.gpu.device.queue.writeBuffer(this.#buffers.get(tensor.storage) as GPUBuffer, 0, data as GPUAllowSharedBufferSource);
  }

  /** Copy of an f32 output of the last run. */
  async read(name: string): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(name));
  }

  /** Copy of an output's bytes, for u32 and i32 results. */
  async readBytes(name: string): Promise<ArrayBuffer> {
    this.#ready();
    const tensor = this.graph.outputs.get(name);
    if (!tensor) throw new MelodyError('graph', `no output "${name}"; this plan has [${[...this.graph.outputs.keys()].join(', ')}]`);
    return this.gpu.read(this.#buffers.get(tensor.storage) as GPUBuffer, tensor.storage.bytes);
  }

  /** Run once with a timestamp around every dispatch. Needs the feature timestamp-query; throws `limit` without it. */
  async profile(
    scalars: { readonly [name: string]: number } = {},
    inputs: { readonly [name: string]: HostData } = {},
  ): Promise<DispatchTime[]> {
    if (!this.gpu.caps.timestamps)
      throw new MelodyError('limit', `profiling needs the feature timestamp-query; ${this.gpu.caps.name} has none`);
    this.#ready();
    for (const [name, data] of Object.entries(inputs)) this.write(name, data);
    this.#writeScalars(scalars);
    const times: DispatchTime[] = [];
    const chunk = 2048; // a query set holds at most 4096 queries
    for (let from = 0; from < this.#steps.length; from += chunk)
      times.push(...(await this.#profileSteps(this.#steps.slice(from, from + chunk))));
    return times;
  }

  /** Bytes of this plan alone: slots, inputs, outputs and parameters, without weights and states. */
  get bytes(): number {
    const rest = [...this.graph.inputs.values(), ...this.graph.outputs.values()].filter((t) => t.storage.kind !== 'state');
    return this.#slotBytes.reduce((a, b) => a + b, 0) + rest.reduce((n, t) => n + t.storage.bytes, 0) + this.#words.byteLength;
  }

  /** Kernel launches of one run. */
  get dispatches(): number {
    return this.#steps.length;
  }

  /** Multiply-adds counted twice, over one run. */
  get flops(): number {
    return this.#steps.reduce((n, s) => n + s.dispatch.flops, 0);
  }

  /** One line a dispatch: what, kernel, grid, tensors with their slots, cost. */
  table(): string {
    const place = (s: Storage) => (s.kind === 'temp' ? `slot ${this.#slotOf.get(s)}` : s.kind);
    const lines = this.#steps.map(({ dispatch: d }, i) => {
      const tensors = (list: Dispatch['inputs']) => list.map((t) => `[${t.shape}] ${place(t.storage)}`).join(', ');
      return `${String(i).padStart(4)}  ${d.label}  ${d.kernel.name}${d.how.variant ? `.${d.how.variant}` : ''}  grid ${d.grid.join('x')}  ${tensors(d.inputs)} -> ${tensors(d.outputs)}  ${(d.flops / 1e6).toFixed(2)} MFLOP`;
    });
    const total = `${this.#steps.length} dispatches, ${this.#slotBytes.length} slots, ${this.bytes} bytes, ${(this.flops / 1e9).toFixed(3)} GFLOP`;
    return [...lines, total].join('\n');
  }

  /** After a run compiled with `guard`: throws `kernel` when a dispatch wrote behind an input or output buffer. */
  async checkGuards(): Promise<void> {
    if (!this.#options.guard) throw new MelodyError('graph', 'checkGuards needs a plan compiled with { guard: true }');
    for (const [storage, buffer] of this.#buffers) {
      if (storage.kind === 'weight' || storage.kind === 'state') continue;
      const words = new Uint32Array(await this.gpu.read(buffer, buffer.size));
      const tail = words.subarray(storage.kind === 'temp' ? words.length - 4 : storage.bytes / 4);
      const bad = tail.findIndex((w) => w !== GUARD_WORD);
      if (bad >= 0) throw new MelodyError('kernel', `${storage.label}: guard word ${bad} was overwritten with 0x${tail[bad].toString(16)}`);
    }
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
    for (const name of Object.keys(scalars))
      if (!this.graph.scalars.has(name))
        throw new MelodyError('graph', `no scalar "${name}"; this plan has [${[...this.graph.scalars].join(', ')}]`);
    for (const { at, type, value } of this.#patches) {
      const given = scalars[value.scalar];
      if (given === undefined) throw new MelodyError('graph', `scalar "${value.scalar}" was not given to run()`);
      setWord(this.#words, at, type, given * value.scale + value.offset);
    }
    if (this.#patchedBytes) this.gpu.device.queue.writeBuffer(this.#params, 0, this.#words.buffer, 0, this.#patchedBytes);
  }

  #fillMarks(): void {
    const { poison, guard } = this.#options;
    for (const [storage, buffer] of this.#buffers) {
      if (storage.kind !== 'temp' && storage.kind !== 'output' && storage.kind !== 'input') continue;
      const words = new Uint32Array(buffer.size / 4).fill(GUARD_WORD);
      const own = storage.bytes / 4;
      if (storage.kind === 'input') {
        if (guard) this.gpu.device.queue.writeBuffer(buffer, storage.bytes, words, own);
        continue;
      }
      if (poison) words.fill(POISON_WORD, 0, storage.kind === 'temp' ? words.length - 4 : own);
      this.gpu.device.queue.writeBuffer(buffer, 0, words);
    }
  }

  async #profileSteps(steps: readonly Step[]): Promise<DispatchTime[]> {
    const device = this.gpu.device;
    const querySet = device.createQuerySet({ type: 'timestamp', count: steps.length * 2 });
    const resolved = this.gpu.buffer(steps.length * 16, GPU_USAGE.QUERY_RESOLVE | GPU_USAGE.COPY_SRC, 'timestamps');
    try {
      const encoder = device.createCommandEncoder();
      steps.forEach(({ dispatch, pipeline, group }, i) => {
        const pass = encoder.beginComputePass({
          timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
        });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
        pass.end();
      });
      encoder.resolveQuerySet(querySet, 0, steps.length * 2, resolved, 0);
      device.queue.submit([encoder.finish()]);
      const ns = new BigUint64Array(await this.gpu.read(resolved, steps.length * 16));
      return steps.map(({ dispatch: d }, i) => ({
        label: d.label,
        kernel: d.kernel.name,
        ms: Number(ns[2 * i + 1] - ns[2 * i]) / 1e6,
        flops: d.flops,
        bytes: d.bytes,
      }));
    } finally {
      querySet.destroy();
      this.gpu.free(resolved);
    }
  }
}

/** Where every storage of a graph goes. */
interface Places {
  readonly slotOf: ReadonlyMap<Storage, number>; // temporaries
  readonly slotBytes: readonly number[];
  readonly named: readonly Storage[]; // inputs and outputs, a buffer each
  readonly persistent: readonly Storage[]; // weights and states, which outlive the plan
}

function placesOf(graph: Graph, guard = 0): Places {
  const lives = lifetimesOf(graph);
  const temps = [...lives.keys()].filter((s) => s.kind === 'temp');
  const slots = assignSlots(temps.map((s) => ({ ...(lives.get(s) as Lifetime), bytes: s.bytes + guard })));
  const ends = [...graph.inputs.values(), ...graph.outputs.values()].map((t) => t.storage);
  const all = new Set([...lives.keys(), ...ends]);
  return {
    slotOf: new Map(temps.map((s, i) => [s, slots.slotOf[i]])),
    slotBytes: slots.bytes,
    named: [...new Set(ends)].filter((s) => s.kind !== 'state' && s.kind !== 'weight' && s.kind !== 'temp'),
    persistent: [...all].filter((s) => s.kind === 'weight' || s.kind === 'state'),
  };
}

/** What a graph takes on the GPU once compiled, without compiling it: bytes of the plan's own buffers, and what must be there beside them. */
export function memoryOf(graph: Graph): { readonly own: number; readonly persistent: readonly Storage[] } {
  const { slotBytes, named, persistent } = placesOf(graph);
  const sizes = [...slotBytes, ...named.map((s) => s.bytes), packParams(graph.dispatches).words.byteLength];
  return { own: sizes.reduce((n, bytes) => n + bufferSize(bytes), 0), persistent };
}

/** First write and last use of every storage, as dispatch numbers. */
function lifetimesOf(graph: Graph): Map<Storage, { bytes: number; first: number; last: number }> {
  const lives = new Map<Storage, { bytes: number; first: number; last: number }>();
  graph.dispatches.forEach((d, i) => {
    for (const { storage } of [...d.inputs, ...d.outputs]) {
      const life = lives.get(storage);
      if (life) life.last = i;
      else lives.set(storage, { bytes: storage.bytes, first: i, last: i });
    }
  });
  return lives;
}

interface ParamBlock {
  readonly words: DataView<ArrayBuffer>;
  readonly offsets: readonly number[]; // bytes, per dispatch
  readonly sizes: readonly number[];
  readonly patches: Patch[];
  readonly patchedBytes: number; // the leading bytes that hold every patched word
}

/** All dispatches' Params in one buffer; those with run-time scalars come first, so that one short write renews them. */
function packParams(dispatches: readonly Dispatch[]): ParamBlock {
  const varies = (d: Dispatch) => Object.values(d.params).some(isScalar);
  const order = dispatches.map((_, i) => i).sort((a, b) => Number(varies(dispatches[b])) - Number(varies(dispatches[a])) || a - b);
  const offsets = new Array<number>(dispatches.length);
  const sizes = dispatches.map((d) => Math.ceil(Object.keys(d.kernel.params).length / 4) * 16);
  let end = 0;
  let patchedBytes = 0;
  for (const i of order) {
    offsets[i] = end;
    end = Math.ceil((end + sizes[i]) / PARAM_ALIGN) * PARAM_ALIGN;
    if (varies(dispatches[i])) patchedBytes = end;
  }
  const words = new DataView(new ArrayBuffer(Math.max(end, PARAM_ALIGN)));
  const patches: Patch[] = [];
  dispatches.forEach((d, i) => {
    Object.entries(d.kernel.params).forEach(([field, type], f) => {
      const at = offsets[i] + 4 * f;
      const value = d.params[field];
      if (isScalar(value)) patches.push({ at, type, value });
      else setWord(words, at, type, value);
    });
  });
  return { words, offsets, sizes, patches, patchedBytes };
}

function setWord(words: DataView, at: number, type: 'u32' | 'i32' | 'f32', value: number): void {
  if (type === 'f32') words.setFloat32(at, value, true);
  else if (type === 'i32') words.setInt32(at, value, true);
  else words.setUint32(at, value, true);
}
