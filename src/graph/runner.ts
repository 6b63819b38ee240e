// What runs recorded graphs, seen from above: a GPU, or the CPU's threads (src/cpu/runner.ts). One recording serves either.
import type { Caps } from '../gpu/caps.ts';
import { bufferSize, type Gpu } from '../gpu/device.ts';
import type { Graph } from './graph.ts';
import { ParamBlock } from './params.ts';
import { memoryOf, type PlanBytes } from './places.ts';
import { type CompileOptions, Plan } from './plan.ts';
import { Residents } from './residents.ts';
import type { TensorStorage } from './tensor.ts';

/** The machine below: its limits, its memory, its end. */
export interface Device {
  readonly caps: Caps;
  /** Live buffers and bytes, and the most bytes there ever were. */
  readonly memory: { buffers: number; bytes: number; peakBytes: number };
  /** Of these, what all plans share; undefined where they share nothing. */
  readonly workspaceBytes?: number;
  /** Makes it as large for all that is to come. Throws `out_of_memory`. */
  reserveWorkspace?(bytes: number): void;
  /** Throws what went wrong since the last call: `device_lost`, `out_of_memory`, `gpu`. */
  check(): void;
  /** Wait until what was submitted is done. Throws as check does. */
  settle(): Promise<void>;
  /** End what runs now, where that can be done: who waits for it gets `aborted`. */
  cancel?(): void;
  /** Where threads compute: so many of them rest from now on and leave their cores to others, never all but with Infinity, for a second at most; true if any does. No result depends on it. */
  restThreads?(count: number): boolean;
  dispose(): void;
}

/** Weights and states of one model. */
export type Stock = Pick<Residents, 'write' | 'clear' | 'read' | 'holds' | 'release' | 'dispose'>;

/** A compiled graph. */
export type Replay = Pick<Plan, 'graph' | 'run' | 'write' | 'read' | 'readBytes' | 'dispose' | 'bytes' | 'dispatches' | 'flops'>;

export interface Runner {
  /** What its kernels were built from, where a name of the device does not say it. */
  readonly build?: string;
  /** It computes plans that may be relaxed in other bits than plain ones. */
  readonly relaxed?: boolean;
  readonly device: Device;
  readonly residents: Stock;
  /** Throws `out_of_memory`, `kernel`, `weights`, `device_lost`, `aborted`; nothing is left allocated then. */
  compile(graph: Graph, options?: CompileOptions): Promise<Replay>;
  /** Bytes that a storage takes here. */
  bytesOf(storage: TensorStorage): number;
  /** Bytes that a buffer for so many takes here. */
  bufferBytes(bytes: number): number;
  /** Bytes that a compiled graph takes here beside weights and states. */
  planBytes(graph: Graph): PlanBytes;
}

export function gpuRunner(gpu: Gpu): Runner {
  const residents = new Residents(gpu);
  return {
    device: gpu,
    residents,
    compile: (graph, options) => Plan.compile(residents, graph, options),
    bytesOf: ({ bytes }) => bufferSize(bytes),
    bufferBytes: bufferSize,
    planBytes: (graph) => memoryOf(graph, new ParamBlock(graph.dispatches).bytes.byteLength, bufferSize),
  };
}
