import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph, plus, within } from '../../src/graph/graph.ts';
import { checkGuards, profile, table } from '../../src/graph/inspect_plan.ts';
import { Plan } from '../../src/graph/plan.ts';
import { Residents } from '../../src/graph/residents.ts';
import { state } from '../../src/graph/tensor.ts';
import * as K from '../../src/kernels.gen.ts';
import { attention, kvAppend } from '../../src/ops/attention.ts';
import { add } from '../../src/ops/elementwise.ts';
import { slice } from '../../src/ops/gather.ts';
import { rmsNorm } from '../../src/ops/norm.ts';
import { seedWords } from '../../src/ops/random.ts';
import { sampleToken } from '../../src/ops/sample.ts';
import { countNonFinite } from '../../src/ops/watch.ts';
import { randomArray, weightOf } from '../helpers/data.ts';
import { openTestGpu, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

async function compile(body: (g: Graph) => void, options = {}, residents = new Residents(gpu())) {
  const g = new Graph(gpu().caps);
  body(g);
  const plan = await Plan.compile(residents, g, options);
  cleanups.push(
    () => plan.dispose(),
    () => residents.dispose(),
  );
  return plan;
}

describe('Plan', () => {
  it('replays with new inputs and scalars, one state across plans', async () => {
    const residents = new Residents(gpu());
    const total = state('total', [4]);
    const accumulate = await compile(
      (g) => {
        const x = g.input('x', [4]);
        const sum = add(g, total, x, { beta: g.scalar('gain') });
        add(g, sum, sum, { alpha: 1, beta: 0, into: total });
      },
      {},
      residents,
    );
    const show = await compile((g) => g.output('y', add(g, total, total, { beta: 0 })), {}, residents);
    accumulate.run({ gain: 1 }, { x: Float32Array.of(1, 2, 3, 4) });
    accumulate.run({ gain: 10 });
    show.run();
    expect([...(await show.read('y'))]).toEqual([11, 22, 33, 44]);
    residents.clear(total);
    show.run();
    expect([...(await show.read('y'))]).toEqual([0, 0, 0, 0]);
  });

  it('refuses run-time numbers that the parameter cannot be, with its name, and runs on with others', async () => {
    const plan = await compile((g) => {
      const [q, k, v] = ['q', 'k', 'v'].map((name) => g.input(name, [1, name === 'q' ? 1 : 4, 8]));
      g.output('y', attention(g, q, k, v, { heads: 2, keys: plus(g.scalar('n'), 1) }));
    });
    const inputs = { q: randomArray(8, 1), k: randomArray(32, 2), v: randomArray(32, 3) };
    for (const n of [-1, -2, Number.NaN, 0.5, 4, 8, 2 ** 32]) // keys of 2^32 - 1 once hung for a minute
      expect(() => plan.run({ n }, inputs)).toThrow(
        expect.objectContaining({
          code: 'graph',
          message: `attention_row4: parameter "keys" is u32; got ${n + 1} of scalar "n" = ${n}, expected a whole number from 1 to 4`,
        }),
      );
    plan.run({ n: 0 }, inputs);
    expect(await plan.read('y')).toEqual(inputs.v.slice(0, 8)); // one key: its value
  });

  it('knows the range of a run-time number: of its type, or what the op allows', async () => {
    const counts = state('counts', [3], 'u32');
    const cache = state('cache', [1, 4, 8]);
    const words = { ...K.add, name: 'words', params: { n: 'u32', period: 'i32', alpha: 'f32', beta: 'f32' } } as const;
    const plan = await compile((g) => {
      const x = g.input('x', [1, 1, 8]);
      countNonFinite(g, x, counts, g.scalar('count'));
      kvAppend(g, cache, x, g.scalar('append'));
      const sampling = { topK: g.scalar('k'), topP: 2 ** 31, rate: 2 ** 16, position: 0 };
      sampleToken(g, x, { ...sampling, seed: seedWords(1), into: counts, at: g.scalar('token') });
      const out = { y: g.temp([1]) };
      const any = { n: g.scalar('u32'), period: within(plus(within(g.scalar('i32'), 0, 1), 0), -1, 8), alpha: g.scalar('f32'), beta: 0 };
      g.dispatch(
        { ...words, source: words.source.replace(/period *: *u32/, 'period:i32').replace('%p.period', '%u32(p.period)') } as typeof words,
        {
          in: { a: x, b: x },
          out,
          params: any,
          grid: [1],
        },
      );
    });
    const fine = { count: 0, append: 9, k: 1, token: 2, u32: 0, i32: 1, f32: Number.NaN };
    const x = { x: randomArray(8, 1) };
    plan.run({ ...fine, u32: 0, i32: -1 }, x);
    plan.run({ ...fine, count: 2, i32: 8 }, x);
    for (const [name, bad] of Object.entries({
      count: [-1, 3],
      append: [-1, 2 ** 29],
      k: [0],
      token: [3],
      u32: [-1, 2 ** 32],
      i32: [-2, 9],
    }))
      for (const value of bad) expect(() => plan.run({ ...fine, [name]: value }, x)).toThrow(`of scalar "${name}" = ${value}`);
  });

  it('shares slots between temporaries', async () => {
    const plan = await compile((g) => {
      let x = g.input('x', [1000]);
      for (let i = 0; i < 20; i++) x = add(g, x, x);
      g.output('y', x);
    });
    plan.run({}, { x: new Float32Array(1000).fill(1) });
    expect((await plan.read('y'))[999]).toBe(2 ** 20);
    expect(table(plan)).toContain('20 dispatches, 2 slots');
  });

  it('frees every buffer: plans, weights, states', async () => {
    const before = { ...gpu().memory };
    const residents = new Residents(gpu());
    const g = new Graph(gpu().caps);
    const kept = state('kept', [2, 8]);
    g.output('y', add(g, rmsNorm(g, g.input('x', [2, 8]), weightOf(randomArray(8, 1), [8])), kept));
    const plan = await Plan.compile(residents, g);
    plan.run({}, { x: randomArray(16, 2) });
    await plan.read('y');
    expect(gpu().memory.buffers).toBeGreaterThan(before.buffers);
    plan.dispose();
    residents.dispose();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(gpu().memory.buffers).toBe(before.buffers);
    expect(gpu().memory.bytes).toBe(before.bytes);
    expect(() => plan.run()).toThrow('disposed');
  });

  it('frees what it made when compiling fails', async () => {
    const before = gpu().memory.buffers;
    const residents = new Residents(gpu());
    const g = new Graph(gpu().caps);
    const broken = {
      ...weightOf(randomArray(8, 1), [8]),
      async *read() {
        yield* [] as never[];
        throw new Error('disk on fire');
      },
    };
    g.output('y', rmsNorm(g, g.input('x', [2, 8]), broken));
    await expect(Plan.compile(residents, g)).rejects.toThrow('disk on fire');
    residents.dispose();
    expect(gpu().memory.buffers).toBe(before);
  });

  it('names the kernel, the line and the adapter-independent message when WGSL does not compile', async () => {
    const g = new Graph(gpu().caps);
    const kernel = { ...K.add, name: 'broken', source: K.add.source.replace('p.alpha', 'p.beth') };
    g.dispatch(kernel, {
      in: { a: g.input('a', [4]), b: g.input('b', [4]) },
      out: { y: g.temp([4]) },
      params: { n: 4, period: 4, alpha: 1, beta: 1 },
      grid: [1],
    });
    await expect(Plan.compile(new Residents(gpu()), g)).rejects.toThrow(/broken.*does not compile/s);
  });

  it('poisons temporaries and catches writes behind a buffer', async () => {
    const g = new Graph(gpu().caps);
    const y = g.temp([4]);
    // n = 6 writes two elements too many.
    g.dispatch(K.add, {
      in: { a: g.input('a', [6]), b: g.input('b', [6]) },
      out: { y },
      params: { n: 6, period: 6, alpha: 1, beta: 1 },
      grid: [1],
    });
    g.output('y', y);
    const plan = await Plan.compile(new Residents(gpu()), g, { guard: true });
    cleanups.push(() => plan.dispose());
    plan.run({}, { a: randomArray(6, 1), b: randomArray(6, 2) });
    await expect(checkGuards(plan)).rejects.toThrow('guard word 0 was overwritten');

    const half = new Graph(gpu().caps);
    const z = half.temp([4]);
    half.dispatch(K.add, {
      in: { a: half.input('a', [2]), b: half.input('b', [2]) },
      out: { y: z },
      params: { n: 2, period: 2, alpha: 1, beta: 1 },
      grid: [1],
    });
    half.output('z', z);
    const poisoned = await Plan.compile(new Residents(gpu()), half, { poison: true });
    cleanups.push(() => poisoned.dispose());
    poisoned.run({}, { a: randomArray(2, 1), b: randomArray(2, 2) });
    const values = await poisoned.read('z');
    expect([...values].map(Number.isNaN)).toEqual([false, false, true, true]);
  });

  it('catches writes behind a temporary in the middle, and reads of what nothing wrote in this run', async () => {
    const chain = (g: Graph, written: number) => {
      const x = g.input('x', [8]);
      const one = add(g, x, x); // another temporary before it, whose slot it would share
      const two = add(g, one, one);
      const three = g.temp([4], 'f32', 'short');
      g.dispatch(K.add, { in: { a: two, b: two }, out: { y: three }, params: { n: written, period: 8, alpha: 1, beta: 1 }, grid: [1] });
      g.output('y', add(g, three, three));
    };
    const long = await compile((g) => chain(g, 5), { guard: true });
    long.run({}, { x: randomArray(8, 1) });
    await expect(checkGuards(long)).rejects.toThrow('short: guard word 0 was overwritten');
    const short = await compile((g) => chain(g, 3), { guard: true, poison: true });
    short.run({}, { x: randomArray(8, 1) });
    await checkGuards(short);
    expect([...(await short.read('y'))].map(Number.isNaN)).toEqual([false, false, false, true]);
  });

  it('times every dispatch where the adapter can', async () => {
    const plan = await compile((g) => g.output('y', add(g, g.input('x', [64]), g.inputs.get('x') as never)));
    if (!gpu().caps.timestamps) {
      await expect(profile(plan, {}, { x: randomArray(64, 1) })).rejects.toThrow('timestamp-query');
      return;
    }
    const times = await profile(plan, {}, { x: randomArray(64, 1) });
    expect(times).toHaveLength(1);
    expect(times[0].kernel).toBe('add');
    expect(times[0].ms).toBeGreaterThanOrEqual(0);
  });

  it('splits long plans into several submits with the same result', async () => {
    const body = (g: Graph) => {
      let x = g.input('x', [64]);
      for (let i = 0; i < 7; i++) x = add(g, x, x);
      g.output('y', x);
    };
    const [whole, split] = [await compile(body), await compile(body, { dispatchesPerSubmit: 3 })];
    const x = randomArray(64, 1);
    whole.run({}, { x });
    split.run({}, { x });
    expect(await split.read('y')).toEqual(await whole.read('y'));
  });

  it('raises a lost device at the next call', async () => {
    const own = await openTestGpu();
    const g = new Graph(own.caps);
    g.output('y', add(g, g.input('x', [4]), g.inputs.get('x') as never));
    const plan = await Plan.compile(new Residents(own), g);
    own.device.destroy();
    await own.lost;
    expect(() => plan.run({}, { x: new Float32Array(4) })).toThrow(expect.objectContaining({ code: 'device_lost' }));
    await expect(Plan.compile(new Residents(own), g)).rejects.toThrow(expect.objectContaining({ code: 'device_lost' }));
  });

  it('raises an uncaptured GPU error at the next call', async () => {
    const own = await openTestGpu();
    cleanups.push(() => own.dispose());
    const g = new Graph(own.caps);
    g.output('y', add(g, g.input('x', [4]), g.inputs.get('x') as never));
    const plan = await Plan.compile(new Residents(own), g);
    const x = Float32Array.of(1, 2, 3, 4);
    for (const next of [() => plan.run({}, { x }), () => plan.read('y'), () => Plan.compile(new Residents(own), g)]) {
      own.device.createBuffer({ size: 16, usage: 0xffff }); // no such usage
      await own.device.queue.onSubmittedWorkDone();
      await new Promise((resolve) => setTimeout(resolve, 10));
      await expect((async () => next())()).rejects.toThrow(expect.objectContaining({ code: 'gpu' }));
    }
    plan.run({}, { x }); // said once, then work goes on
    expect([...(await plan.read('y'))]).toEqual([2, 4, 6, 8]);
  });

  it('opens within default limits and without features', async () => {
    const own = await openTestGpu({ limits: 'default', features: 'none' });
    cleanups.push(() => own.dispose());
    const { name: _n, executor: _e, ...limits } = own.caps;
    const { name: _dn, executor: _de, ...expected } = DEFAULT_CAPS;
    expect(limits).toEqual(expected);
  });
});

describe('Graph', () => {
  const graph = () => new Graph(DEFAULT_CAPS);

  it('refuses a tensor over the binding limit, with numbers', () => {
    const g = graph();
    expect(() => g.input('fits', [32 * 1024 * 1024])).not.toThrow();
    expect(() => g.input('over', [32 * 1024 * 1024 + 1])).toThrow(/over: 134217732 bytes.*134217728/);
    expect(() => g.weight({ ...weightOf(new Float32Array(1), [1]), shape: [32 * 1024 * 1024 + 1] }, { key: 'raw', dtype: 'f32' })).toThrow(
      /134217732/,
    );
  });

  it('refuses a state over the binding limit where it is first used, and says what to do', () => {
    const g = graph();
    const cache = state('cache', [32 * 1024 * 1024 + 1, 1]);
    expect(() => slice(g, cache, 0, 1)).toThrow(
      expect.objectContaining({
        code: 'limit',
        message: 'cache: 134217732 bytes in one tensor (33554433 × f32); expected at most 134217728, the limit of WebGPU default limits',
        hint: expect.stringContaining('shorter window'),
      }),
    );
  });

  it('refuses reads before writes, double writes and foreign scalars', () => {
    const g = graph();
    expect(() => add(g, g.temp([4]), g.input('x', [4]))).toThrow('before anything writes it');
    const y = add(g, g.input('a', [4]), g.input('b', [4]));
    expect(() => add(g, y, y, { into: y })).toThrow('bound twice with a write');
    expect(() => add(g, y, y, { into: g.input('c', [4]) })).toThrow('which is input');
    expect(() => add(g, y, y, { alpha: graph().scalar('elsewhere') })).toThrow('is not of this graph');
    expect(() => add(g, y, g.input('d', [3]))).toThrow('add: got [4] and [3]');
  });

  it('folds large grids into y and refuses those over the limit', () => {
    const g = graph();
    const a = g.input('a', [5_000_000]);
    add(g, a, a);
    expect(g.dispatches[0].grid).toEqual([39063, 2, 1]);
    expect(() =>
      g.dispatch(K.add, { in: { a, b: a }, out: { y: g.temp([1]) }, params: { n: 1, period: 1, alpha: 1, beta: 1 }, grid: [65536] }),
    ).toThrow('grid [65536,1,1]');
  });
});
