// The CPU's threads as what runs recorded graphs; loaded only where no GPU does.
import { memoryOf } from '../graph/places.ts';
import type { Runner } from '../graph/runner.ts';
import { placeBytes } from './allocator.ts';
import type { Cpu } from './cpu.ts';
import { BUILD } from './module.gen.ts';
import { cpuBytes } from './panels.ts';
import { CpuPlan, commandBytes } from './plan.ts';
import { CpuResidents } from './residents.ts';

export { Cpu } from './cpu.ts';

export function cpuRunner(cpu: Cpu): Runner {
  const residents = new CpuResidents(cpu);
  return {
    build: BUILD,
    relaxed: cpu.pool.relaxed,
    device: cpu,
    residents,
    compile: (graph, options) => CpuPlan.compile(residents, graph, options),
    bytesOf: (storage) => placeBytes(cpuBytes(storage)),
    bufferBytes: placeBytes,
    planBytes: (graph) => memoryOf(graph, commandBytes(graph.dispatches), placeBytes, true),
  };
}
