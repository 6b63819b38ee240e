// How busy the rest of the machine was: a measurement without it says little on a shared box.
import { readFileSync } from 'node:fs';

/** Busy time of all cores since boot in ms (Linux), or undefined elsewhere. */
function machineBusyMs(): number | undefined {
  try {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
      .replace(/\n[\s\S]*/, '') // its first line: all cores together
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softirq) * 10;
  } catch {
    return undefined;
  }
}

/** Time a stretch of measuring: call at the start; the result, called at the end with the CPU time we used, gives the other cores' load. */
export function watchLoad(): (ownCpuMs: number) => number | undefined {
  const start = performance.now();
  const before = machineBusyMs();
  return (ownCpuMs) => {
    const after = machineBusyMs();
    if (before === undefined || after === undefined) return undefined;
    return Math.max(0, (after - before - ownCpuMs) / (performance.now() - start));
  };
}
