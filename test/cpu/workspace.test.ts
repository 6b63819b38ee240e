// Temporaries of all plans lie in one workspace, which grows with the largest: of plans that are queued, one runs at a time.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { softmax } from '../../src/ops/biased_attention.ts';
import { add } from '../../src/ops/elementwise.ts';

const NO_GPU = () => Promise.reject(new Error('no GPU is asked for'));
const model = { weights: { check() {} } };
let engine: Engine;

beforeEach(async () => {
  engine = await Engine.open(model, NO_GPU, { device: 'cpu', untested: true, threads: 2 });
});
afterEach(() => engine.dispose());

const ROWS = 64;
/** Every step but the last is a temporary. */
const chain = (columns: number) => (g: Graph) => {
  let x = g.input('x', [ROWS, columns]);
  for (let i = 0; i < 6; i++) x = softmax(g, add(g, x, x));
  g.output('y', x);
};
const numbers = (columns: number, seed: number) => Float32Array.from({ length: ROWS * columns }, (_, i) => Math.sin(seed + i * i));

test('plans in turns, of which each needs more than the one before, make what each makes alone', async () => {
  const sizes = [32, 64, 128, 96];
  const alone: Float32Array[] = [];
  for (const columns of sizes) {
    const other = await Engine.open(model, NO_GPU, { device: 'cpu', untested: true });
    const plan = await other.plan('alone', chain(columns));
    plan.run({}, { x: numbers(columns, columns) });
    alone.push(await plan.read('y'));
    other.dispose();
  }
  const results: [number, Promise<Float32Array>][] = [];
  for (let round = 0; round < 3; round++)
    for (const [i, columns] of sizes.entries()) {
      const plan = await engine.plan(`of ${columns}`, chain(columns)); // while the ones before still run
      plan.run({}, { x: numbers(columns, columns) });
      results.push([i, plan.read('y')]);
    }
  for (const [i, result] of results) expect(await result).toEqual(alone[i]);
});

test('they take what the largest takes, as predicted, and nothing once all are gone', async () => {
  const { device } = engine;
  const [small, large] = await Promise.all([64, 128].map((columns) => engine.plan(`of ${columns}`, chain(columns))));
  const [first, second] = [small, large].map(({ graph }) => engine.bytesOfPlan(graph));
  expect(first.shared).toBeGreaterThan(0);
  expect(second.shared).toBe(2 * first.shared);
  expect(device.workspaceBytes).toBe(second.shared);
  expect(device.memory.bytes).toBe(first.own + second.own + second.shared);
  large.dispose();
  expect(device.workspaceBytes).toBe(second.shared);
  small.dispose();
  expect(device.memory).toMatchObject({ buffers: 0, bytes: 0 });
});
