// What an adapter can do, as plain data.

/**
 * What computes. `software` is a WebGPU adapter on the processor (llvmpipe, SwiftShader): registers are cheap, workgroup memory is not.
 * `cpu` is no WebGPU at all: it reads what a dispatch means and passes over how a GPU would do it.
 */
export type Executor = 'gpu' | 'software' | 'cpu';

/** What this adapter can do, as plain data: ops choose kernels by it, so a graph can be recorded without a GPU. */
export interface Caps {
  readonly name: string; // "vendor architecture description", for people
  readonly executor: Executor;
  readonly f16: boolean; // shader-f16
  readonly subgroups: boolean;
  readonly subgroupMin: number; // 0 without subgroups
  readonly subgroupMax: number;
  readonly timestamps: boolean;
  readonly storageBinding: number; // bytes
  readonly bufferSize: number; // bytes
  readonly workgroupMemory: number; // bytes
  readonly invocations: number; // threads per workgroup
  readonly groupsPerAxis: number;
}

/** WebGPU's guaranteed minimum: what a graph may assume of any adapter. */
export const DEFAULT_CAPS: Caps = {
  name: 'WebGPU default limits',
  executor: 'gpu',
  f16: false,
  subgroups: false,
  subgroupMin: 0,
  subgroupMax: 0,
  timestamps: false,
  storageBinding: 134217728,
  bufferSize: 268435456,
  workgroupMemory: 16384,
  invocations: 256,
  groupsPerAxis: 65535,
};

const SOFTWARE_NAMES = /llvmpipe|swiftshader|lavapipe|software|warp|basic render/i;

const nameOf = ({ vendor, architecture, description, device }: GPUAdapterInfo): string =>
  [vendor, architecture, description || device].filter(Boolean).join(' ') || 'unknown adapter';

/** Is this adapter a program on the processor? */
export const isSoftware = (info: GPUAdapterInfo): boolean => SOFTWARE_NAMES.test(nameOf(info)) || info.isFallbackAdapter === true;

/** What an opened adapter can do. */
export function describe(adapter: GPUAdapter, device: GPUDevice): Caps {
  const info = adapter.info;
  const name = nameOf(info);
  const subgroups = device.features.has('subgroups');
  const limits = device.limits;
  return {
    name,
    subgroups,
    executor: isSoftware(info) ? 'software' : 'gpu',
    f16: device.features.has('shader-f16'),
    subgroupMin: subgroups ? info.subgroupMinSize : 0,
    subgroupMax: subgroups ? info.subgroupMaxSize : 0,
    timestamps: device.features.has('timestamp-query'),
    storageBinding: limits.maxStorageBufferBindingSize,
    bufferSize: limits.maxBufferSize,
    workgroupMemory: limits.maxComputeWorkgroupStorageSize,
    invocations: limits.maxComputeInvocationsPerWorkgroup,
    groupsPerAxis: limits.maxComputeWorkgroupsPerDimension,
  };
}
