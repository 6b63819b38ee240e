// How element-wise work is spread over threads.
import type { Caps } from '../gpu/device.ts';
import { grid1d } from '../graph/graph.ts';

/**
 * Grid and overrides for kernels that take `n` elements, PER a thread. A software adapter pays about 60 ns to enter a SIMD group of a
 * workgroup and 20 ns to handle its elements, so there each thread takes many; a GPU wants as many threads as it can get.
 * `overrides` are the kernel's other ones.
 */
export function spread<O extends object>(
  caps: Caps,
  n: number,
  overrides?: O,
): { grid: [number, number]; overrides: O & { WG: number; PER: number } } {
  const [WG, PER] = caps.software ? [8, 128] : [64, 1];
  return { grid: grid1d(caps, n, WG * PER), overrides: { ...(overrides as O), WG, PER } };
}
