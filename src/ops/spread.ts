// How element-wise work is spread over threads.
import type { Caps } from '../gpu/caps.ts';
import { grid1d } from '../graph/graph.ts';

/** The least power of two that is not under n. */
export const powerOfTwo = (n: number): number => 2 ** (32 - Math.clz32(Math.ceil(n) - 1));

/** Elements a workgroup of a software adapter handles: enough that entering it does not show, few enough to keep all cores busy. */
const SOFTWARE_SHARE = 1024;

/**
 * Grid and tuning for kernels that take `n` elements, PER a thread. A software adapter pays about 60 ns to enter a SIMD group of a
 * workgroup and 20 ns to handle its elements, so there each thread takes many; a GPU wants as many threads as it can get.
 */
export function spread(caps: Caps, n: number): { grid: [number, number]; tuning: { WG: number; PER: number } } {
  const [WG, PER] = caps.executor !== 'gpu' ? [8, SOFTWARE_SHARE / 8] : [64, 1];
  return { grid: grid1d(caps, n, WG * PER), tuning: { WG, PER } };
}

/** The same for kernels whose workgroups take ROWS rows of `cols` columns, threads striding over the columns. */
export function spreadRows(caps: Caps, rows: number, cols: number): { grid: [number, number]; tuning: { WG: number; ROWS: number } } {
  const WG = caps.executor !== 'gpu' ? 8 : cols > 32 ? 64 : 32;
  const ROWS = caps.executor !== 'gpu' ? Math.max(1, Math.round(SOFTWARE_SHARE / cols)) : 1;
  return { grid: grid1d(caps, rows, ROWS), tuning: { WG, ROWS } };
}
