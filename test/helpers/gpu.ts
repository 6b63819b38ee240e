// One GPU per test file, at adapter limits or forced to WebGPU's defaults by MELODY_TEST_GPU=default; the CPU executor in its place by
// MELODY_TEST_GPU=cpu, on MELODY_TEST_THREADS threads. MELODY_TEST_GPU=all is for machines with a real GPU.
import { afterAll, beforeAll, expect } from 'vitest';
import { platform } from '#platform';
import { CpuPlan } from '../../src/cpu/plan.ts';
import { Cpu, cpuRunner } from '../../src/cpu/runner.ts';
import type { EngineOptions } from '../../src/engine/engine.ts';
import type { Caps, Executor } from '../../src/gpu/caps.ts';
import { Gpu, type GpuOptions } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import { checkGuards } from '../../src/graph/inspect_plan.ts';
import type { CompileOptions, Plan } from '../../src/graph/plan.ts';
import { gpuRunner, type Runner } from '../../src/graph/runner.ts';
import type { Tensor } from '../../src/graph/tensor.ts';

/** 'default' runs a suite again within default limits and without optional features. */
export const TEST_GPU: EngineOptions =
  process.env.MELODY_TEST_GPU === 'cpu'
    ? { device: 'cpu', threads: Number(process.env.MELODY_TEST_THREADS ?? 2) }
    : { device: 'gpu', ...(process.env.MELODY_TEST_GPU === 'default' && { limits: 'default', features: 'none' }) };

/** `all`: what is the same on every executor is tested on the adapter too. */
export const ALL_ON_GPU = process.env.MELODY_TEST_GPU === 'all';

/**
 * For tests of what is the same on every executor: the CPU makes music several times faster than a software adapter. One thread, because
 * two files are tested at a time.
 */
export const TEST_CPU: EngineOptions = ALL_ON_GPU ? { device: 'gpu' } : { device: 'cpu', threads: 1 };

/** Is the CPU executor under test? What needs WebGPU itself is left out then. */
export const ON_CPU = process.env.MELODY_TEST_GPU === 'cpu';

/** On the CPU it has what runGraph, caps and dispose need; tests name it a Gpu all the same. */
export async function openTestGpu(options: GpuOptions = TEST_GPU): Promise<Gpu> {
  if (ON_CPU) return (await Cpu.open(platform.threads, { threads: Number(process.env.MELODY_TEST_THREADS ?? 2) })) as unknown as Gpu;
  return Gpu.open(await platform.openGpu(), options);
}

/** What runs graphs on the device under test. */
export function runnerOf(gpu: Gpu): Runner {
  const device: unknown = gpu;
  return device instanceof Cpu ? cpuRunner(device) : gpuRunner(gpu);
}

/** A shared GPU for the tests of one file, opened before and closed after them. */
export function useGpu(options: GpuOptions = TEST_GPU): () => Gpu {
  let gpu: Gpu | undefined;
  beforeAll(async () => {
    gpu = await openTestGpu(options);
  });
  afterAll(() => gpu?.dispose());
  return () => gpu as Gpu;
}

/**
 * Record, compile with poison and guard words, run once, check the guards, read every output, free everything.
 * `body` declares inputs by g.input and returns the tensors to read; `inputs` and `scalars` are given to the run;
 * `caps` makes ops choose as they would on another adapter.
 */
export async function runGraph<Names extends string>(
  gpu: Gpu,
  body: (g: Graph) => Record<Names, Tensor>,
  inputs: Record<string, Float32Array | Uint32Array | Int32Array> = {},
  scalars: Record<string, number> = {},
  options: CompileOptions & { caps?: Caps } = {},
): Promise<Record<Names, Float32Array> & { raw: Record<Names, ArrayBuffer> }> {
  const runner = runnerOf(gpu);
  const g = new Graph(options.caps ?? gpu.caps);
  const outputs = body(g);
  for (const [name, tensor] of Object.entries<Tensor>(outputs)) g.output(name, tensor);
  const plan = await runner.compile(g, { poison: true, guard: true, ...options });
  try {
    plan.run(scalars, inputs);
    if (options.guard ?? true) await (plan instanceof CpuPlan ? plan.checkGuards() : checkGuards(plan as Plan));
    const raw = {} as Record<Names, ArrayBuffer>;
    const read = {} as Record<Names, Float32Array>;
    for (const name of Object.keys(outputs) as Names[]) {
      raw[name] = await plan.readBytes(name);
      read[name] = new Float32Array(raw[name]);
    }
    return { ...read, raw };
  } finally {
    plan.dispose();
    runner.residents.dispose();
  }
}

/** runGraph with the grids chosen for a software adapter and those for a GPU; fails unless both give the same bits. */
export async function runBothGrids<Names extends string>(
  gpu: Gpu,
  body: (g: Graph) => Record<Names, Tensor>,
  inputs: Record<string, Float32Array | Uint32Array | Int32Array> = {},
  scalars: Record<string, number> = {},
) {
  const run = (executor: Executor) => runGraph(gpu, body, inputs, scalars, { caps: { ...gpu.caps, executor } });
  const [result, other] = [await run('software'), await run('gpu')];
  expect(other.raw).toEqual(result.raw);
  return result;
}
