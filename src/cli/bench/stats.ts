/** Order statistics of one measured loop, in milliseconds. */
export interface Summary {
  n: number;
  best: number;
  median: number;
  p90: number;
}

/** Value at share `q` (0…1) of the sorted samples, linear between neighbours. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at));
}

export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return { n: sorted.length, best: sorted[0] ?? Number.NaN, median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) };
}

/** exp(mean ln x): the right mean for ratios. NaN when there is nothing to average. */
export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, r) => sum + Math.log(r), 0) / ratios.length);
}
