// Products by relaxed SIMD: where the engine fuses them, for plans that nothing is chosen by, with threads and without.
import { setFlagsFromString } from 'node:v8';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Cpu, cpuRunner } from '../../src/cpu/runner.ts';
import { Graph } from '../../src/graph/graph.ts';
import { Melody } from '../../src/index.ts';
import { attention } from '../../src/ops/attention.ts';
import { linear } from '../../src/ops/matmul.ts';
import { randomArray, weightOf } from '../helpers/data.ts';

setFlagsFromString('--experimental-wasm-relaxed-simd'); // Node 20 has it behind this
const THREADS = [2, 0];
const [ROWS, DIM] = [37, 64];
const x = randomArray(ROWS * DIM, 9);

/** Products of many rows, of two, gated, and those within attention. */
function record(g: Graph) {
  const w = (name: string, seed: number) => weightOf(randomArray(DIM * DIM, seed, 0.2), [DIM, DIM], 'f16', name);
  const h = linear(g, g.input('x', [1, ROWS, DIM]), w('in', 1));
  g.output('y', linear(g, attention(g, h, linear(g, h, w('k', 2)), linear(g, h, w('v', 3)), { heads: 4 }), w('out', 4)));
  g.output('few', linear(g, g.input('two', [2, DIM]), w('few', 5)));
}

async function compute(cpu: Cpu, relaxed: boolean, times = 1): Promise<Uint32Array[]> {
  const runner = cpuRunner(cpu);
  const g = new Graph(cpu.caps);
  record(g);
  const plan = await runner.compile(g, { relaxed });
  const results: Uint32Array[] = [];
  for (let i = 0; i < times; i++) {
    plan.run({}, { x, two: x.slice(0, 2 * DIM) });
    if (i > 0 && i < times - 1) continue;
    const [y, few] = [await plan.readBytes('y'), await plan.readBytes('few')];
    results.push(Uint32Array.of(...new Uint32Array(y), ...new Uint32Array(few)));
  }
  plan.dispose();
  runner.residents.dispose();
  return results;
}

const same = (a: Uint32Array, b: Uint32Array) => a.length === b.length && a.every((word, i) => word === b[i]);

describe.each(THREADS)('on %i threads', (threads) => {
  let cpu: Cpu;
  let plain: Cpu;
  let expected: Uint32Array;
  beforeAll(async () => {
    plain = await Cpu.open(platform.threads, { threads, plain: true });
    [expected] = await compute(plain, false);
    cpu = await Cpu.open(platform.threads, { threads });
  });
  afterAll(() => {
    cpu.dispose();
    plain.dispose();
  });

  it('this engine is asked, and fuses', () => {
    expect(plain.pool.relaxed).toBe(false);
    expect(cpu.pool.relaxed).toBe(true); // V8 on x64 and ARM
  });

  it('plans that must not be relaxed have the plain bits, in a relaxed pool too; so has every plan in a plain pool', async () => {
    expect(same((await compute(cpu, false))[0], expected)).toBe(true);
    expect(same((await compute(plain, true))[0], expected)).toBe(true);
  });

  it('those that may be differ in last bits alone, and have the same ones from the first run to the thousandth', async () => {
    const [first, last] = await compute(cpu, true, 1000);
    expect(same(first, last)).toBe(true);
    expect(same(first, expected)).toBe(false);
    const [a, b] = [first, expected].map((words) => new Float32Array(words.buffer));
    const error = Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / b.reduce((sum, v) => sum + v ** 2, 0));
    expect(error).toBeLessThan(1e-6);
  });
});

it('bits do not depend on the number of threads', async () => {
  const found: Uint32Array[] = [];
  for (const threads of [1, 2, 3, 0]) {
    const cpu = await Cpu.open(platform.threads, { threads });
    found.push((await compute(cpu, true))[0]);
    cpu.dispose();
  }
  for (const bits of found.slice(1)) expect(same(bits, found[0])).toBe(true);
});

it('music is relaxed after its tokens, the same again in one process; exact music in between is plain', async () => {
  const melody = await Melody.load(new URL('../../weights/melody-tiny/', import.meta.url), { device: 'cpu', threads: 2 });
  const piece = { prompt: 'calm piano, 80 bpm', seed: 7, durationSeconds: 1, steps: 2 };
  const first = await melody.generate(piece);
  const exact = await melody.generate({ ...piece, exact: true });
  const again = await melody.generate(piece);
  melody.dispose();
  expect([first, exact, again].map(({ recipe }) => recipe.build)).toEqual(['relaxed', 'plain', 'relaxed']);
  const [a, b, c] = [first, exact, again].map(({ channels }) => new Uint32Array(channels[0].buffer));
  expect(same(a, c)).toBe(true);
  expect(same(a, b)).toBe(false);
  const difference = Math.max(...first.channels[0].map((v, i) => Math.abs(v - exact.channels[0][i])));
  expect(difference).toBeLessThan(1e-3); // other tokens would make other music
});
