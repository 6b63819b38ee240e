// The CPU executor alone, for programs that look at it.
import { platform } from '#platform';
import type { Runner } from '../graph/runner.ts';

/** `where` gives runners with memory of their own; `close` ends them all. Throws `no_adapter`, `out_of_memory`. */
export async function openCpu(threads?: number): Promise<{ where: () => Runner; threads: number; close: () => void }> {
  const { Cpu, cpuRunner } = await import('../cpu/runner.ts');
  const cpu = await Cpu.open(platform.threads, { threads });
  return { where: () => cpuRunner(cpu), threads: cpu.pool.threads, close: () => cpu.dispose() };
}
