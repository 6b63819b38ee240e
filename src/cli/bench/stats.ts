// Order statistics of measured times.
import { percentile } from '../../audio/statistics.ts';

/** Order statistics of one measured loop, in milliseconds. */
export interface Summary {
  n: number;
  best: number;
  median: number;
  p90: number;
}

export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return { n: sorted.length, best: sorted[0] ?? Number.NaN, median: percentile(sorted, 0.5), p90: percentile(sorted, 0.9) };
}

/** exp(mean ln x): the right mean for ratios. NaN when there is nothing to average. */
export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
}
