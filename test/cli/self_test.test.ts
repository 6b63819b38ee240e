import { describe, expect, it, vi } from 'vitest';
import { uniform } from '../../src/cli/bench/cases.ts';
import * as reference from '../../src/cli/bench/reference_families.ts';
import { selfTest } from '../../src/cli/self_test.ts';
import { Gpu } from '../../src/gpu/device.ts';
import * as K from '../../src/kernels.gen.ts';
import { openTestGpu, useGpu } from '../helpers/gpu.ts';

describe('self-test', () => {
  const gpu = useGpu();

  it('finds every kernel right: those given to this adapter and those given to others; leaves nothing behind', {
    timeout: 120_000,
  }, async () => {
    const compiled = vi.spyOn(Gpu.prototype, 'pipeline');
    for (const executor of ['gpu', 'software'] as const) {
      const own = await openTestGpu({ pretend: { executor } });
      try {
        expect((await selfTest(own)).filter(({ ok }) => !ok)).toEqual([]);
        await own.device.queue.onSubmittedWorkDone();
        expect(own.memory).toMatchObject({ buffers: 0, bytes: 0 });
      } finally {
        own.dispose();
      }
    }
    const tested = new Set(compiled.mock.calls.map(([kernel]) => kernel.name));
    compiled.mockRestore();
    const { subgroupMin, subgroupMax } = gpu().caps;
    const possible = Object.values(K).filter(({ subgroups }) => !subgroups || (subgroupMin === 8 && subgroupMax === 8));
    expect([...tested].sort()).toEqual(possible.map(({ name }) => name).sort());
  });

  it('sees one wrong activation among the others', async () => {
    const compile = Gpu.prototype.pipeline;
    const own = await openTestGpu();
    const spy = vi.spyOn(Gpu.prototype, 'pipeline').mockImplementation(function (this: Gpu, kernel, how) {
      const line = 'y[i]=act1(ACT,x[i]);';
      if (kernel.name === 'activation') expect(kernel.source).toContain(line);
      const off = line.replace(';', ' + select(0.0, 0.004, ACT == 1u || ACT == 6u);'); // gelu and tanh
      return compile.call(this, { ...kernel, source: kernel.source.replace(line, off) }, how);
    });
    try {
      const wrong = (await selfTest(own)).filter(({ ok }) => !ok);
      expect(wrong.map(({ name }) => name)).toEqual(['activation gelu', 'activation tanh']);
    } finally {
      spy.mockRestore();
      own.dispose();
    }
  });

  it('tells kernels that cannot run', async () => {
    // A GPU that fails at every pipeline: each family must be a failed result, not an exception.
    const broken = new Proxy(gpu(), {
      get(target, name) {
        if (name === 'pipeline') return () => Promise.reject(new Error('no compiler'));
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }) as Gpu;
    const results = await selfTest(broken);
    expect(results.every(({ ok, error }) => !ok && error === 'no compiler')).toBe(true);
  });
});

describe('references of the families', () => {
  it('the inverse Fourier transform undoes the transform away from the ends', () => {
    const shape = { frames: 9, size: 32, hop: 8 };
    const x = uniform(72, 1);
    const back = reference.istft(reference.stft(x, shape), shape);
    for (let i = 16; i < 56; i++) expect(back[i]).toBeCloseTo(x[i], 6);
  });

  it('a pure tone lands in its bin', () => {
    const x = Float64Array.from({ length: 64 }, (_, i) => Math.cos((2 * Math.PI * 4 * i) / 32));
    const y = reference.stft(x, { frames: 8, size: 32, hop: 8 });
    const power = Array.from({ length: 17 }, (_, k) => Math.hypot(y[4 * 36 + k], y[4 * 36 + 18 + k]));
    expect(power.indexOf(Math.max(...power))).toBe(4);
    expect(power[4]).toBeCloseTo(8, 6); // half the sum of the window
  });

  it('a scan with open gates passes its input, with closed ones it holds', () => {
    const shape = { rows: 1, steps: 3, width: 2 };
    const lanes = (u0: number, u1: number, u2: number, u3: number) => [u0, u0, u1, u1, u2, u2, u3, u3];
    const open = [1, 2, 3].flatMap((t) => lanes(t, -100, 100, 9)); // f = 0: c = u0; r = 1: y = c
    expect([...reference.sruScan(open, [0, 0, 0, 0], [0, 0, 0, 0], shape)]).toEqual([1, 1, 2, 2, 3, 3]);
    const held = [1, 2, 3].flatMap((t) => lanes(t, t === 1 ? -100 : 100, 100, 9));
    const y = reference.sruScan(held, [0, 0, 0, 0], [0, 0, 0, 0], shape);
    expect([y[0], y[2], y[4]]).toEqual([1, 1, 1]); // forward lane keeps what it took first
    expect([y[1], y[3], y[5]]).toEqual([1, 0, 0]); // backward lane starts from zero at the end
  });

  it('group norm over one group of all is a norm of everything', () => {
    const y = reference.groupNorm(uniform(24, 1, 4), new Float32Array(4).fill(1), new Float32Array(4), {
      length: 6,
      channels: 4,
      groups: 1,
      eps: 0,
    });
    expect(y.reduce((a, b) => a + b) / 24).toBeCloseTo(0, 10);
    expect(y.reduce((a, b) => a + b * b, 0) / 24).toBeCloseTo(1, 10);
  });

  it('the quantiser finds codes that were summed', () => {
    const books = [0, 0, 10, 0, 0, 1, 0, 2]; // two levels of two codes in two dimensions
    expect([...reference.rvqEncode([10, 2.1, 0.2, 0.9], books, { items: 2, levels: 2, entries: 2, dim: 2 })]).toEqual([1, 1, 0, 0]);
  });
});
