import { describe, expect, it, vi } from 'vitest';
import { checkKernels } from '../../src/cli/kernel_check.ts';
import { Gpu } from '../../src/gpu/device.ts';
import * as K from '../../src/kernels.gen.ts';
import { openTestGpu, useGpu } from '../helpers/gpu.ts';

describe('kernel check', () => {
  const gpu = useGpu();

  it('finds every kernel right: those given to this adapter and those given to others; leaves nothing behind', {
    timeout: 120_000,
  }, async () => {
    const compiled = vi.spyOn(Gpu.prototype, 'pipeline');
    for (const executor of ['gpu', 'software'] as const) {
      const own = await openTestGpu({ pretend: { executor } });
      try {
        expect((await checkKernels(own)).filter(({ ok }) => !ok)).toEqual([]);
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
      const wrong = (await checkKernels(own)).filter(({ ok }) => !ok);
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
    const results = await checkKernels(broken);
    expect(results.every(({ ok, error }) => !ok && error === 'no compiler')).toBe(true);
  });
});
