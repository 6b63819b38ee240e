// One GPU device: its limits and features as plain numbers, its pipelines, buffers and errors.
import { MelodyError } from '../errors.ts';
import { type Caps, describe } from './caps.ts';
import { type Kernel, type Specialisation, specialisationKey, specialise } from './kernel.ts';

/** What is asked of the WebGPU adapter. */
export interface GpuOptions {
  /** 'adapter' (default) asks for all the adapter has; 'default' stays within WebGPU's guaranteed limits. */
  limits?: 'adapter' | 'default';
  /** 'adapter' (default) uses optional features where present; 'none' uses none. */
  features?: 'adapter' | 'none';
  /** Passed on to `requestAdapter`. Default: the browser's or Dawn's own. */
  powerPreference?: 'low-power' | 'high-performance';
  /** Choose kernels as on another adapter; what this one cannot do then fails. For tests and benchmarks. @internal */
  pretend?: Partial<Caps>;
}

const OPTIONAL_FEATURES = ['shader-f16', 'subgroups', 'timestamp-query'] as const;
const RAISED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

export class Gpu {
  readonly device: GPUDevice;
  readonly caps: Caps;
  /** Buffers that there was no memory for; using one is an error. */
  readonly refused = new Set<GPUBuffer>();
  /** Live buffers and bytes made through this object, and the most bytes there ever were. */
  readonly memory = { buffers: 0, bytes: 0, peakBytes: 0 };
  /** Resolves with the reason when the device is lost, by itself or by `dispose`. */
  readonly lost: Promise<string>;
  #entry: GPU | undefined; // npm webgpu crashes when its GPU object is collected while a device of it lives
  #failure: MelodyError | undefined;
  #allocations: Promise<void> = Promise.resolve();
  #sizes = new Map<GPUBuffer, number>();
  #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  private constructor(entry: GPU, device: GPUDevice, caps: Caps) {
    this.#entry = entry;
    this.device = device;
    this.caps = caps;
    this.lost = device.lost.then((info) => {
      this.#failure ??= new MelodyError(
        'device_lost',
        `the GPU device was lost (${info.reason}): ${info.message}`,
        'open the GPU again and reload',
      );
      return info.message;
    });
    device.onuncapturederror = (event) => {
      if (this.refused.size > 0) return; // uses of a buffer that is not there: `out_of_memory` says it better
      this.#failure ??= new MelodyError(
        'gpu',
        `uncaptured GPU error: ${event.error.message}`,
        'please report this with the output of `melody doctor`',
      );
    };
  }

  /**
   * Open a device on `gpu` (navigator.gpu, or npm webgpu's create()). Throws `no_adapter`. An adapter that refuses a device with its own
   * limits and features is used within WebGPU's defaults, which `caps.name` then says.
   * Node programs use platform/node.ts, which finds `gpu` for them.
   */
  static async open(gpu: GPU, options: GpuOptions = {}): Promise<Gpu> {
    const request = () => gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
    const adapter = await request();
    if (!adapter)
      throw new MelodyError(
        'no_adapter',
        'no WebGPU adapter; got null from requestAdapter(), expected a GPU or a software Vulkan driver',
        'Node: install a GPU driver or a software one (Debian, Ubuntu: apt install mesa-vulkan-drivers; in melody’s repository: npm run setup); browser: use one with WebGPU (Chrome, Edge, Safari 26, Firefox 141+) and hardware acceleration on',
      );
    const want = options.features === 'none' ? [] : OPTIONAL_FEATURES.filter((name) => adapter.features.has(name));
    const requiredLimits: Record<string, number> = {};
    if (options.limits !== 'default') for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
    const label = 'melody';
    let plain = '';
    const device = await adapter.requestDevice({ requiredFeatures: [...want], requiredLimits, label }).catch(async (cause: unknown) => {
      // Some drivers promise what they then refuse. An adapter is asked once only, so a second try takes a new one.
      const device = await (await request())?.requestDevice({ label }).catch(() => undefined);
      if (!device)
        throw new MelodyError(
          'no_adapter',
          `the adapter gave no device, with its own limits or with WebGPU's minimum: ${(cause as Error).message}`,
          'update the GPU driver, end other programs that use the GPU, or restart the browser',
          { cause },
        );
      plain = ' (within default limits: it refused its own)';
      return device;
    });
    const caps = describe(adapter, device);
    return new Gpu(gpu, device, { ...caps, name: caps.name + plain, ...options.pretend });
  }

  /** Throw the first error the device reported since the last check. Lost devices keep throwing. */
  check(): void {
    const failure = this.#failure;
    if (!failure) return;
    if (failure.code !== 'device_lost') this.#failure = undefined;
    throw failure;
  }

  /** A buffer of `bytes` (rounded up to 16), counted in `memory`. Throws `limit` when over the adapter's size. */
  buffer(bytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const size = bufferSize(bytes);
    if (size > this.caps.bufferSize)
      throw new MelodyError(
        'limit',
        `${label}: buffer of ${size} bytes; got a limit of ${this.caps.bufferSize} on ${this.caps.name}`,
        'use a shorter window, a smaller model, or an adapter with larger buffers',
      );
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage, label });
    this.#allocations = this.device.popErrorScope().then(
      (error) => {
        if (!error) return;
        this.refused.add(buffer);
        if (this.#failure?.code === 'gpu') this.#failure = undefined; // that it cannot be used came first
        this.#failure ??= new MelodyError(
          'out_of_memory',
          `${label}: no GPU memory for ${size} bytes beside ${this.memory.bytes - size} in use: ${error.message}`,
          'use a shorter duration, a smaller model, or f16 weights',
        );
      },
      () => {},
    ); // a lost device rejects; `lost` says why
    this.#sizes.set(buffer, size);
    this.memory.buffers += 1;
    this.memory.bytes += size;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.bytes);
    return buffer;
  }

  /** Wait until what was submitted is done. Throws as check does. */
  async settle(): Promise<void> {
    await this.device.queue.onSubmittedWorkDone().catch(() => {}); // a lost device: check says why
    this.check();
  }

  /** Wait until every buffer so far is known to exist. Throws `out_of_memory`. */
  async allocated(): Promise<void> {
    await this.#allocations;
    this.check();
  }

  /** Destroy a buffer made by `buffer`. Freeing twice is a no-op. */
  free(buffer: GPUBuffer): void {
    const size = this.#sizes.get(buffer);
    if (size === undefined) return;
    this.#sizes.delete(buffer);
    this.refused.delete(buffer);
    this.memory.buffers -= 1;
    this.memory.bytes -= size;
    buffer.destroy();
  }

  /** Copy of the first `bytes` of a buffer (usage COPY_SRC). */
  async read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    this.check();
    const size = Math.ceil(bytes / 4) * 4;
    const staging = this.buffer(size, GPU_USAGE.MAP_READ | GPU_USAGE.COPY_DST, 'readback');
    try {
      const encoder = this.device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
      this.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(MAP_READ, 0, size).catch(async (cause: unknown) => {
        await this.allocated(); // no memory for the copy, or a lost device, explains the failed mapping better than the mapping does
        throw new MelodyError('gpu', `reading ${bytes} bytes back failed: ${String(cause)}`);
      });
      const copy = staging.getMappedRange(0, size).slice(0, bytes);
      staging.unmap();
      this.check();
      return copy;
    } finally {
      this.free(staging);
    }
  }

  /** The pipeline of one kernel specialisation; compiled once, in the background. Throws `kernel` on WGSL errors. */
  pipeline(kernel: Kernel, how: Specialisation): Promise<GPUComputePipeline> {
    const key = specialisationKey(kernel, how);
    const place = `${key}\n${kernel.source}`; // kernels from elsewhere may have a name of ours
    let pipeline = this.#pipelines.get(place);
    if (!pipeline) {
      pipeline = this.#compile(kernel, how, key);
      this.#pipelines.set(place, pipeline);
      pipeline.catch(() => this.#pipelines.delete(place));
    }
    return pipeline;
  }

  /** Bind-group layout of a kernel: binding 0 uniform, then its inputs and outputs. */
  bindGroupLayout(kernel: Kernel): GPUBindGroupLayout {
    return this.#layout(kernel).group;
  }

  /** Destroy the device. Buffers still live go with it. */
  dispose(): void {
    for (const buffer of [...this.#sizes.keys()]) this.free(buffer);
    this.#pipelines.clear();
    this.device.destroy();
    void this.lost.then(() => {
      this.#entry = undefined; // Node may exit now
      this.device.onuncapturederror = null; // which would hold this object, and with it the device's threads
    });
  }

  /** False once disposed. */
  get open(): boolean {
    return this.#entry !== undefined;
  }

  #layout(kernel: Kernel) {
    const modes = Object.values(kernel.bindings);
    // The size belongs to the key: wgpu (Firefox, Deno) checks a group against the pipeline before when both have one layout object.
    const paramBytes = Math.ceil(Object.keys(kernel.params).length / 4) * 16;
    const key = `${paramBytes},${modes}`;
    let layout = this.#layouts.get(key);
    if (!layout) {
      const group = this.device.createBindGroupLayout({
        entries: ['uniform' as const, ...modes].map((mode, binding) => ({
          binding,
          visibility: 4 /* GPUShaderStage.COMPUTE */,
          buffer:
            mode === 'uniform'
              ? { type: 'uniform', minBindingSize: paramBytes }
              : { type: mode === 'read' ? 'read-only-storage' : 'storage' },
        })),
      });
      layout = { group, pipeline: this.device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  async #compile(kernel: Kernel, how: Specialisation, key: string): Promise<GPUComputePipeline> {
    this.device.pushErrorScope('validation'); // getCompilationInfo says more than an uncaptured error
    const module = this.device.createShaderModule({ code: specialise(kernel, how), label: kernel.name });
    void this.device.popErrorScope().catch(() => {});
    try {
      return await this.device.createComputePipelineAsync({
        label: key,
        layout: this.#layout(kernel).pipeline,
        compute: { module, entryPoint: 'main', constants: { ...(how.overrides ?? {}) } },
      });
    } catch (cause) {
      this.check();
      const info = await module.getCompilationInfo();
      const lines = info.messages.filter((m) => m.type === 'error').map((m) => `  line ${m.lineNum}:${m.linePos} ${m.message}`);
      throw new MelodyError(
        'kernel',
        `${key}: the pipeline does not compile\n${lines.join('\n') || String(cause)}`,
        'see `melody doctor` for the adapter',
        { cause },
      );
    }
  }
}

/** Bytes that a buffer for `bytes` takes. */
export const bufferSize = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

// GPUBufferUsage and GPUMapMode are globals of the browser that Node lacks until webgpu's globals are installed; their values are fixed by the specification.
export const GPU_USAGE = { MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128, QUERY_RESOLVE: 512 } as const;
const MAP_READ = 1;
