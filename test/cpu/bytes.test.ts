// Matrices of bytes on the CPU: whole-number sums that no number of threads changes, a quarter of the memory, and close to what they stand for.
import { expect, it } from 'vitest';
import { platform } from '#platform';
import { odd } from '../../src/cases/bytes.ts';
import { type Case, recordCases } from '../../src/cases/case.ts';
import { compareWithReference } from '../../src/cases/compare.ts';
import { Cpu } from '../../src/cpu/cpu.ts';
import { CpuPlan } from '../../src/cpu/plan.ts';
import { CpuResidents } from '../../src/cpu/residents.ts';
import { elementsOf, type WeightRef } from '../../src/graph/tensor.ts';
import { linear } from '../../src/ops/matmul.ts';
import { inBytes, reshaped, rowsOf, stack } from '../../src/weights/references.ts';

async function run(
  cases: readonly Case[],
  threads: number,
): Promise<{ results: Float32Array[]; references: ArrayLike<number>[]; bytes: number }> {
  const cpu = await Cpu.open(platform.threads, { threads });
  try {
    const { g, inputs, results } = recordCases(cpu.caps, cases);
    const plan = await CpuPlan.compile(new CpuResidents(cpu), g, { poison: true, guard: true });
    const { bytes } = cpu.memory;
    plan.run({}, inputs);
    const found: Float32Array[] = [];
    for (const i of cases.keys()) found.push(await plan.read(String(i)));
    await plan.checkGuards();
    return { results: found, references: results.map(({ reference }) => reference()), bytes };
  } finally {
    cpu.dispose();
  }
}

const large = (kept: boolean): Case => ({
  name: 'large',
  record({ g, x, w }) {
    const [[a], [m]] = [x([2, 1024]), w([1000, 1024])];
    return [linear(g, a, kept ? inBytes(m) : m), () => []];
  },
});

it('has the same bits on one, two and three threads, and those of whole numbers', async () => {
  const cases = [...odd(), large(true)];
  const [one, ...more] = [await run(cases, 1), await run(cases, 2), await run(cases, 3)];
  for (const { results } of more) expect(results).toEqual(one.results);
  for (const [i, { name }] of odd().entries())
    expect(compareWithReference(one.results[i], one.references[i], 1e-11), name).toMatchObject({ ok: true });
});

it('takes a quarter of the memory and stays close to the floats', async () => {
  const [floats, bytes] = [await run([large(false)], 2), await run([large(true)], 2)];
  expect(floats.bytes - bytes.bytes).toBeGreaterThan(2.9 * 1000 * 1024);
  const { nmse } = compareWithReference(bytes.results[0], floats.results[0], 1);
  expect(nmse).toBeLessThan(3e-5); // uniform numbers: (1/254)² / 3 of a range whose mean square is 1/3
  expect(nmse).toBeGreaterThan(1e-6); // they are bytes
});

it('a column of zeros, a row of zeros and what is no number', async () => {
  const values = Float32Array.from([1, -2, 0, 0, 3, 4]); // rows of the file: columns of the product
  const zeros: Case = {
    name: 'zeros',
    record({ g, x }) {
      const [a, as] = x([3, 2]);
      as.set([0, 0, 1, 2, Number.NaN, 1]);
      return [linear(g, a, inBytes(given([3, 2], values))), () => []];
    },
  };
  const [y] = (await run([zeros], 1)).results;
  expect([...y.subarray(0, 3)]).toEqual([0, 0, 0]);
  for (const [i, v] of [-3, 0, 11].entries()) expect(y[3 + i]).toBeCloseTo(v, 1);
  expect(y[4]).toBe(0);
  expect([...y.subarray(6)].every(Number.isNaN)).toBe(true);
});

it('is kept through rows and stacks', () => {
  const [one, two] = [1, 2].map((k) =>
    inBytes(
      given(
        [2, 4],
        Float32Array.from({ length: 8 }, (_, i) => k * i),
      ),
    ),
  );
  expect(rowsOf(reshaped(stack([one, two]), [4, 4]), 1, 2).compact).toBe('int8');
  expect(inBytes(one)).toBe(one);
});

const given = (shape: readonly number[], data: Float32Array | Uint16Array): WeightRef => ({
  name: 'given',
  shape,
  dtype: 'f32',
  async *read() {
    expect(data.length).toBe(elementsOf(shape));
    yield { offset: 0, data };
  },
});
