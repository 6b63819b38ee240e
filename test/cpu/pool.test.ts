import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { HEAP, MOST_THREADS } from '../../src/cpu/layout.ts';
import { Cpu, cpuRunner } from '../../src/cpu/runner.ts';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { attention } from '../../src/ops/attention.ts';
import { add } from '../../src/ops/elementwise.ts';
import { linear } from '../../src/ops/matmul.ts';
import { rmsNorm } from '../../src/ops/norm.ts';
import { randomArray, weightOf } from '../helpers/data.ts';

const open: Cpu[] = [];
async function openCpu(threads: number): Promise<Cpu> {
  const cpu = await Cpu.open(platform.threads, { threads });
  open.push(cpu);
  return cpu;
}
afterEach(() => {
  for (const cpu of open.splice(0)) cpu.dispose();
});

const ROWS = 300;
const DIM = 64;

/** A small layer, large enough that threads share it in both ways: attention and products of 300 rows, an add of two. */
function record(g: Graph) {
  const x = g.input('x', [1, ROWS, DIM]);
  const w = (name: string, rows: number, cols: number, seed: number) =>
    weightOf(randomArray(rows * cols, seed, 0.2), [rows, cols], 'f16', name);
  const h = rmsNorm(g, x, weightOf(randomArray(DIM, 1), [DIM]));
  const [q, k, v] = ['q', 'k', 'v'].map((name, i) => linear(g, h, w(name, DIM, DIM, 2 + i)));
  const a = add(g, attention(g, q, k, v, { heads: 4 }), x);
  g.output('y', linear(g, linear(g, a, w('up', 4 * DIM, DIM, 6), { act: 'gelu' }), w('down', DIM, 4 * DIM, 7), { residual: a }));
}
const x = randomArray(ROWS * DIM, 9);

async function runOnce(cpu: Cpu): Promise<Float32Array> {
  const { residents, compile } = cpuRunner(cpu);
  const g = new Graph(cpu.caps);
  record(g);
  const plan = await compile(g);
  plan.run({}, { x });
  const y = await plan.read('y');
  plan.dispose();
  residents.dispose();
  return y;
}

describe('the pool of threads', () => {
  it('computes the same bits on one thread, two, five, and on the thread that calls', async () => {
    const results = [];
    for (const threads of [1, 2, 5, 0]) results.push(await runOnce(await openCpu(threads)));
    expect(results[0].some((v) => v !== 0)).toBe(true);
    for (const y of results.slice(1)) expect(new Uint32Array(y.buffer)).toEqual(new Uint32Array(results[0].buffer));
  });

  it('hands each part of each command to one thread, however many run at once', async () => {
    // Small and large commands by turns, each from the last one's result: a part that is left out or done twice is in all that follows.
    const last = async (threads: number) => {
      const cpu = await openCpu(threads);
      const { residents, compile } = cpuRunner(cpu);
      const [now, next] = [state('now', [ROWS, DIM]), state('next', [ROWS, DIM])];
      const g = new Graph(cpu.caps);
      for (let i = 0; i < 10; i++) {
        const h = rmsNorm(g, now, weightOf(randomArray(DIM, 1), [DIM]));
        const up = linear(g, h, weightOf(randomArray(4 * DIM * DIM, 2, 0.2), [4 * DIM, DIM], 'f32', 'up'));
        linear(g, up, weightOf(randomArray(4 * DIM * DIM, 3, 0.2), [DIM, 4 * DIM], 'f32', 'down'), { residual: h, into: next });
        add(g, next, h, { into: now });
      }
      const plan = await compile(g);
      residents.write(now, x);
      for (let i = 0; i < 10; i++) plan.run();
      return new Uint32Array(await residents.read(now));
    };
    const alone = await last(1);
    expect(new Float32Array(alone.buffer).every((v) => Number.isFinite(v) && v !== 0)).toBe(true);
    for (const threads of [2, 5]) expect((await last(threads)).findIndex((word, i) => word !== alone[i])).toBe(-1);
  });

  it('does jobs in order, more of them than its ring holds', async () => {
    for (const threads of [2, 0]) {
      const cpu = await openCpu(threads);
      const { residents, compile } = cpuRunner(cpu);
      const [one, two] = [state('one', [5]), state('two', [5])];
      const g = new Graph(cpu.caps);
      add(g, one, g.input('step', [5]), { into: two });
      add(g, two, two, { beta: 0, into: one });
      const plan = await compile(g);
      for (let i = 0; i < 700; i++) plan.run({}, { step: new Float32Array(5).fill(i) });
      expect([...new Float32Array(await residents.read(one))]).toEqual(new Array(5).fill((699 * 700) / 2));
      residents.clear(one);
      plan.run({}, { step: new Float32Array(5).fill(3) });
      expect([...new Float32Array(await residents.read(one))]).toEqual(new Array(5).fill(3));
    }
  });

  it('leaves cores to others: threads that are to rest take no part, as soon as all users agree, and the result is the same', async () => {
    const THREADS = 3;
    const cpu = await openCpu(THREADS);
    const expected = await runOnce(cpu);
    const { compile } = cpuRunner(cpu);
    const g = new Graph(cpu.caps);
    record(g);
    const plan = await compile(g);
    /** Which threads are seen at work while the plan runs some times. */
    const round = async () => {
      const busy = new Set<number>();
      for (let i = 0; i < 10; i++) plan.run({}, { x });
      while (!cpu.pool.idle) {
        for (let i = 0; i < THREADS; i++) if (Atomics.load(desks, 16 * i) !== 0) busy.add(i);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return [...busy].sort();
    };
    /**
     * Until those are, and no others, three times on end: a thread may take one part more, and a busy machine may take its time to let one on.
     * Where all are to work, it is enough to see them once.
     */
    const works = async (...threads: number[]) => {
      for (let times = threads.length === THREADS ? 2 : 0; times < 3; ) times = (await round()).join() === threads.join() ? times + 1 : 0;
    };
    const desks = new Int32Array(cpu.pool.memory.buffer, HEAP - 64 * MOST_THREADS, 16 * THREADS);
    await works(0, 1, 2);
    cpu.restThreads(2);
    await works(0);
    expect(await plan.read('y')).toEqual(expected);
    const other = await openCpu(THREADS); // which has not agreed
    await works(0, 1, 2);
    other.restThreads(1);
    await works(0, 1);
    other.dispose();
    await works(0);
    cpu.restThreads(0);
    await works(0, 1, 2);
    expect(await plan.read('y')).toEqual(expected);
    plan.dispose();
  });

  it('a number never lets the only thread rest', async () => {
    const cpu = await openCpu(1);
    expect(cpu.restThreads(1)).toBe(false);
    expect(cpu.restThreads(Number.POSITIVE_INFINITY)).toBe(true);
    expect(cpu.restThreads(0)).toBe(false);
    const two = await openCpu(2);
    expect(two.restThreads(99)).toBe(true);
    expect((await runOnce(two)).length).toBe(x.length);
  });

  it('all threads may rest, until they are called, cancelled, or a second is over', async () => {
    const cpu = await openCpu(2);
    const { compile } = cpuRunner(cpu);
    const g = new Graph(cpu.caps);
    record(g);
    const plan = await compile(g);
    plan.run({}, { x });
    const expected = await plan.read('y');
    const begin = async () => {
      cpu.restThreads(Number.POSITIVE_INFINITY);
      plan.run({}, { x });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(cpu.pool.idle).toBe(false);
    };
    await begin();
    cpu.restThreads(0);
    expect(await plan.read('y')).toEqual(expected);
    await begin();
    const reading = plan.read('y');
    cpu.cancel();
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    await begin();
    expect(await plan.read('y')).toEqual(expected); // by themselves
    plan.dispose();
  });

  it('is shared by all who open it, and ends with the last of them', async () => {
    const [a, b] = [await openCpu(2), await openCpu(2)];
    expect(a.pool).toBe(b.pool);
    a.dispose();
    expect((await runOnce(b)).length).toBe(x.length);
    b.dispose();
    expect((await openCpu(2)).pool).not.toBe(b.pool);
    expect(() => a.check()).toThrow(expect.objectContaining({ code: 'device_lost' }));
  });

  it('gives memory back: twenty rounds take no more than one', async () => {
    const cpu = await openCpu(2);
    await runOnce(cpu);
    const { bytes, buffers } = cpu.memory;
    await cpu.settle();
    const size = cpu.pool.memory.buffer.byteLength;
    for (let i = 0; i < 20; i++) await runOnce(cpu);
    expect(cpu.memory).toMatchObject({ bytes, buffers });
    expect(cpu.pool.memory.buffer.byteLength).toBe(size);
  });

  it('a thread that dies ends everybody with device_lost, and the next to open gets a new pool', async () => {
    const cpu = await openCpu(2);
    const { compile } = cpuRunner(cpu);
    const g = new Graph(cpu.caps);
    record(g);
    const plan = await compile(g);
    // a place far behind the memory: what a wrong kernel would do
    cpu.pool.post(2, [2 ** 31, 0, 4]);
    plan.run({}, { x });
    await expect(plan.read('y')).rejects.toThrow(expect.objectContaining({ code: 'device_lost' }));
    expect(() => plan.run({}, { x })).toThrow(expect.objectContaining({ code: 'device_lost' }));
    expect((await runOnce(await openCpu(2))).length).toBe(x.length);
  });

  it('cancelled runs end at their next command, who waits gets `aborted`, and other users of the pool are not disturbed', async () => {
    for (const threads of [2, 0]) {
      const [stopped, other] = [await openCpu(threads), await openCpu(threads)];
      const count = async (cpu: Cpu, cancel: boolean) => {
        const { residents, compile } = cpuRunner(cpu);
        const [one, two] = [state('one', [262_144]), state('two', [262_144])];
        const g = new Graph(cpu.caps);
        const step = g.input('step', [262_144]);
        for (let i = 0; i < 100; i++) {
          add(g, one, step, { into: two });
          add(g, two, two, { beta: 0, into: one });
        }
        const plan = await compile(g);
        plan.write('step', new Float32Array(262_144).fill(1));
        await cpu.settle();
        for (let i = 0; i < 20; i++) plan.run();
        const waits = cpu.settle();
        if (cancel) {
          cpu.cancel();
          await expect(waits).rejects.toThrow(expect.objectContaining({ code: 'aborted' }));
        } else await waits;
        return new Float32Array(await residents.read(one))[0];
      };
      const [made, whole] = await Promise.all([count(stopped, true), count(other, false)]);
      expect(whole).toBe(2000);
      expect(made).toBeLessThan(2000);
      stopped.dispose();
      other.dispose();
    }
  });

  it('says what a tensor that does not fit would take', async () => {
    const cpu = await openCpu(1);
    expect(() => cpu.buffer(2 ** 31, 'too much')).toThrow(expect.objectContaining({ code: 'limit' }));
  });

  it('knows how many processors there are', () => {
    expect(platform.threads?.cores).toBeGreaterThanOrEqual(1);
    expect(platform.threads?.canShareMemory).toBe(true);
  });
});
