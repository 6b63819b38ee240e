// The first-load check and doctor's self-test on the CPU executor; and every WGSL kernel has a function there.
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { platform } from '#platform';
import { FUNCTIONS } from '../../src/cpu/module.gen.ts';
import { Cpu, cpuRunner } from '../../src/cpu/runner.ts';
import { wrongKinds } from '../../src/engine/adapter_check.ts';

it('every kernel has a function on the CPU', () => {
  const kernels = readdirSync(new URL('../../kernels/', import.meta.url)).flatMap((file) => /^(.+)\.wgsl$/.exec(file)?.[1] ?? []);
  expect(Object.keys(FUNCTIONS).sort()).toEqual(kernels.sort());
});

it('every family of kernels computes right, with threads and without, and nothing stays behind', async () => {
  for (const threads of [1, 2, 0]) {
    const cpu = await Cpu.open(platform.threads, { threads });
    try {
      expect(await wrongKinds(cpuRunner(cpu))).toEqual([]);
      expect(cpu.memory).toMatchObject({ buffers: 0, bytes: 0 });
    } finally {
      cpu.dispose();
    }
  }
});
