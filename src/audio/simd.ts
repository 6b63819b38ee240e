// The long loops over samples in WebAssembly, once `quicken` of simd_module.ts was called in this thread, as Node's for whole clips does. In pages,
// for which it would be 5 kB more, and where it cannot be had, the JavaScript beside each use computes the same bits.

/** A Fourier transform of one size. */
export interface Transform {
  /** x [size] or less, zeros behind it, times `window` [x.length] → `times` its power [size / 2 + 1]; returns the energy of x. */
  power(x: Float32Array, window: Float64Array, power: Float64Array, times: number): number;
}

/** Taps of a resampling: `taps` [up, count], the first sample of each of them in `starts` [up]. */
export interface Phases {
  readonly starts: Uint32Array;
  readonly taps: Float64Array;
  readonly count: number;
}

/** Taps of each of the three points after a sample [32], and the largest share of a sample that they can have. */
export interface Points {
  readonly taps: readonly Float64Array[];
  readonly most: number;
}

/** The few weights of each band that are not zero. */
export interface Bands {
  readonly filters: readonly { readonly start: number; readonly weights: Float64Array }[];
}

export interface Simd {
  /** As RealFft: `cos`, `sin` and `reversed` are its tables [size / 2]. */
  transform(size: number, tables: () => { cos: Float64Array; sin: Float64Array; reversed: Uint32Array }): Transform;
  /** cos(2π k / size) for n numbers, or with `ahead` 0 the sine: as elementary.ts. */
  turned(n: number, size: number, ahead: 0 | 1): Float64Array;
  /** out[offset + b] = Σ weight · power[k], for each band of a bank. */
  bands(bank: Bands, power: Float64Array, out: Float32Array, offset: number): void;
  /** Sum of what is over `least` of power, or that; into `products` that of each eight of them; `all` gets power on top. */
  flatness(power: Float64Array, least: number, all: Float64Array, products: Float64Array): number;
  /** Sum, energy, largest size and count of what is not finite; the energy comes on top of `energy`. */
  totals(x: Float32Array, energy: number): Float64Array;
  /** The mean of |x[n + 1] − x[n]|, each as f32. */
  meanStep(x: Float32Array): number;
  /** `sum` and all of x, one after another. */
  total(x: Float64Array, sum: number): number;
  /** sums[k] += x[k] / by. */
  addShares(sums: Float64Array, x: Float64Array, by: number): void;
  /** x resampled by up / down: output q · up + p is made of the samples from q · down + starts[p] − before on, zeros where x has none. */
  resample(x: Float32Array, before: number, up: number, down: number, phases: Phases, y: Float32Array): void;
  /** Energy of x after the K filter, whose `state` [4] goes on. */
  weighted(x: Float32Array, state: Float64Array, filter: readonly number[]): number;
  /** The largest of `peak` and the three points after each sample of x. */
  peak(x: Float32Array, points: Points, peak: number): number;
  /** As `limit` of limiter.ts: `x` with `reach` samples on both sides goes in, `out` comes out. */
  limit(
    x: readonly Float32Array[],
    out: readonly Float32Array[],
    points: Points,
    how: { ceiling: number; dip: number; reach: number },
  ): void;
  /** Σ v[n] v[n − l] over n = start … end − 1 for the lags l = lag + 10, lag + 9 … lag − 9, and for 0 behind them; v[n] = |x[n + 1] − x[n]| − mean. */
  correlate(x: Float32Array, mean: number, start: number, end: number, lag: number): Float64Array;
}

let made: Simd | undefined;

export const simd = (): Simd | undefined => made;

/** From now on in this thread; undefined: JavaScript again. */
export const useSimd = (which: Simd | undefined): void => {
  made = which;
};
