// Matrices that stay in halves on the CPU: the same bits as widened ones, in half the memory.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { platform } from '#platform';
import { type Case, recordCases } from '../../src/cases/case.ts';
import { Cpu, cpuRunner } from '../../src/cpu/runner.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { linear, swiglu } from '../../src/ops/matmul.ts';
import { normLinear } from '../../src/ops/norm_linear.ts';
import { compact, reshaped, rowsOf, stack } from '../../src/weights/references.ts';

let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open(platform.threads, { threads: 2 });
});
afterAll(() => cpu.dispose());

type Op = (kit: Parameters<Case['record']>[0], kept: boolean) => Tensor;

const product =
  (rows: number, inner: number, cols: number): Op =>
  ({ g, x, w }, kept) => {
    const [[a], [m]] = [x([rows, inner]), w([cols, inner], 1, 'f16')];
    return linear(g, a, kept ? compact(m) : m);
  };

const OPS: readonly (readonly [name: string, op: Op])[] = [
  ['one row', product(1, 36, 44)],
  ['two rows, odd', product(2, 19, 21)],
  ['more rows', product(7, 20, 24)],
  ['many rows', product(40, 68, 44)],
  ['rows of two units', product(70, 68, 76)],
  ['rows of two units, deep', product(40, 516, 20)],
  [
    'norm and product',
    ({ g, x, w }, kept) => {
      const [[a], [weight], [bias], [m]] = [x([2, 36]), w([36]), w([36]), w([44, 36], 1, 'f16')];
      return normLinear(g, a, { weight, bias, eps: 1e-5 }, kept ? compact(m) : m, { act: 'gelu' });
    },
  ],
  [
    'gate',
    ({ g, x, w }, kept) => {
      const [[a], [up], [gate]] = [x([1, 36]), w([20, 36], 1, 'f16'), w([20, 36], 1, 'f16')];
      return kept ? swiglu(g, a, compact(gate), compact(up)) : swiglu(g, a, gate, up);
    },
  ],
  [
    'rows of a stack',
    ({ g, x, w }, kept) => {
      const [[a], [m], [n]] = [x([2, 36]), w([12, 36], 1, 'f16'), w([12, 36], 1, 'f16')];
      const [one, two] = kept ? [compact(m), compact(n)] : [m, n];
      return linear(g, a, rowsOf(reshaped(stack([one, two]), [24, 36]), 4, 16));
    },
  ],
];

for (const [name, op] of OPS)
  it(name, async () => {
    const run = async (kept: boolean) => {
      const { g, inputs } = recordCases(cpu.caps, [{ name, record: (kit) => [op(kit, kept), () => []] }]);
      const runner = cpuRunner(cpu);
      const plan = await runner.compile(g, { poison: true });
      const { bytes } = cpu.memory;
      plan.run({}, inputs);
      const y = await plan.read('0');
      plan.dispose();
      runner.residents.dispose();
      return { y, bytes };
    };
    const [wide, halves] = [await run(false), await run(true)];
    expect(halves.bytes).toBeLessThan(wide.bytes);
    expect(halves.y.length).toBeGreaterThan(0);
    expect(Buffer.compare(Buffer.from(halves.y.buffer), Buffer.from(wide.y.buffer))).toBe(0);
  });
