// Goldens of tools/train (python -m melody_train goldens): float32 tensors of every network, and a model folder to compute them with.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { CompileOptions } from '../../src/graph/plan.ts';
import { readWhole } from '../../src/graph/stock.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { memorySource } from '../../src/platform/bytes.ts';
import { platform } from '../../src/platform/node.ts';
import { Checkpoint } from '../../src/weights/checkpoint.ts';
import { Weights } from '../../src/weights/weights.ts';
import { runGraph } from './gpu.ts';

const root = new URL('../../', import.meta.url);

export interface Golden {
  has(name: string): boolean;
  /** Elements of one tensor; integers come as numbers too. */
  get(name: string): Float32Array;
  shape(name: string): readonly number[];
  /** The same as u32, for ids. */
  ids(name: string): Uint32Array;
}

/** test/goldens/<name>.safetensors. */
export async function golden(name: string): Promise<Golden> {
  const file = new URL(`test/goldens/${name}.safetensors`, root);
  const weights = await Weights.open(memorySource(name, new Uint8Array(readFileSync(file))));
  await weights.prepare();
  const checkpoint = await Checkpoint.ofFile(memorySource(name, new Uint8Array(readFileSync(file))));
  await checkpoint.open(() => true);
  const shape = (tensor: string) => {
    const found = checkpoint.find(tensor);
    if (!found) throw new Error(`golden ${name} has no tensor ${tensor}`);
    return found.tensor.shape;
  };
  const loaded = new Map<string, Float32Array>();
  for (const { name: tensor } of checkpoint.openTensors())
    loaded.set(tensor, Float32Array.from(await readWhole(weights.get(tensor, shape(tensor)))));
  const get = (tensor: string) => {
    const data = loaded.get(tensor);
    if (!data) throw new Error(`golden ${name} has no tensor ${tensor}`);
    return data;
  };
  return { has: (tensor) => loaded.has(tensor), shape, get, ids: (tensor) => Uint32Array.from(get(tensor)) };
}

/** Weights and config of a folder of the repository, all parts ready. */
export async function modelFolder<C>(folder: string): Promise<{ weights: Weights; config: C }> {
  const place = new URL(`${folder}/`, root);
  const weights = await Weights.open(platform.openFolder(place));
  await weights.prepare();
  return { weights, config: JSON.parse(readFileSync(new URL('config.json', place), 'utf8')) as C };
}

/** Record, run, read, and make sure that every tensor asked for was there. */
export function runModel<Names extends string>(
  gpu: Gpu,
  weights: Weights,
  body: (g: Graph) => Record<Names, Tensor>,
  inputs: Record<string, Float32Array | Uint32Array>,
  options: CompileOptions = { guard: false }, // temporaries share slots, as in use
) {
  return runGraph(
    gpu,
    (g) => {
      const out = body(g);
      weights.check();
      return out;
    },
    inputs,
    {},
    options,
  );
}

/** max |a − b| ≤ limit and cosine ≥ 0.99999: the contract of issue 4 (1e-2 with f16 weights, 1e-3 with f32). */
export function expectParity(got: ArrayLike<number>, expected: ArrayLike<number>, limit = 1e-2): void {
  expect(got.length).toBe(expected.length);
  let [worst, ab, aa, bb] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs(got[i] - expected[i]));
    ab += got[i] * expected[i];
    aa += got[i] ** 2;
    bb += expected[i] ** 2;
  }
  expect(worst).toBeLessThanOrEqual(limit);
  expect(ab / Math.sqrt(aa * bb)).toBeGreaterThanOrEqual(0.99999);
}
