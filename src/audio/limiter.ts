// A limiter that sees ahead: the gain dips around every peak that would pass the ceiling between the samples too, and changes slowly, so that
// nothing is clipped and bass is not bent. It has no memory: each gain follows from the samples around it, so pieces join to the bit.
import { lengthOf } from './channels.ts';
import { between, fromDb, points } from './loudness.ts';
import { simd } from './simd.ts';

/** Highest true peak of what is made, linear: −1 dBTP, and a little less since a moving gain moves the peak between two samples. */
const CEILING = fromDb(-1.1);
const DIP_SECONDS = 0.02; // the gain falls and rises within this time
const INTERPOLATION = 17; // samples that a value between two samples is made of, on each side

/** Samples on each side that the gain of one sample follows from. */
export const limiterReach = (sampleRate: number): number => 2 * dip(sampleRate) + INTERPOLATION;
const dip = (sampleRate: number): number => 2 * Math.round((DIP_SECONDS * sampleRate) / 2);

/**
 * x[reach … length − reach) with its true peak (4x oversampling) under `ceiling`, linear. What lies outside is read, but not returned: zeros
 * where a piece begins or ends, its other end for a loop. All channels get one gain, so that nothing moves. Samples far from any peak come back as they are.
 * The samples go to `out`, which is returned; by default arrays of their own.
 */
export function limit(
  x: readonly Float32Array[],
  sampleRate: number,
  {
    ceiling = CEILING,
    out = x.map(({ length }) => new Float32Array(length - 2 * limiterReach(sampleRate))),
  }: { ceiling?: number; out?: Float32Array[] } = {},
): Float32Array[] {
  const reach = limiterReach(sampleRate);
  for (const [c, channel] of x.entries()) out[c].set(channel.subarray(reach, channel.length - reach));
  const d = dip(sampleRate);
  const fast = simd();
  if (fast) {
    fast.limit(x, out, points(), { ceiling, dip: d, reach });
    return out;
  }
  const over = peaksOver(x, ceiling);
  if (!over) return out;
  const gain = smooth(smooth(lowest(over, d), d / 2), d / 2);
  for (const channel of out) for (let i = 0; i < channel.length; i++) channel[i] *= gain[reach + i];
  return out;
}

/** The gain that brings each sample and its neighbourhood to the next ones under the ceiling; undefined where all of them are 1. */
function peaksOver(channels: readonly Float32Array[], ceiling: number): Float64Array | undefined {
  const length = lengthOf(channels);
  let gain: Float64Array | undefined;
  const need = (n: number, peak: number) => {
    if (peak <= ceiling || n >= length) return;
    gain ??= new Float64Array(length).fill(1);
    gain[n] = Math.min(gain[n], ceiling / peak);
  };
  for (const x of channels) {
    for (let n = 0; n < length; n++) need(n, Math.abs(x[n]));
    between(
      x,
      () => ceiling,
      (n, peak) => {
        need(n, peak);
        need(n + 1, peak);
      },
    );
  }
  return gain;
}

/** Least value within `reach` on each side: a queue of the places whose values no later one undercuts. */
function lowest(x: Float64Array, reach: number): Float64Array {
  const out = new Float64Array(x.length);
  const queue = new Int32Array(x.length);
  let head = 0;
  let tail = 0;
  for (let n = 0; n < x.length + reach; n++) {
    if (n < x.length) {
      while (tail > head && x[queue[tail - 1]] >= x[n]) tail -= 1;
      queue[tail++] = n;
    }
    const at = n - reach;
    if (at < 0) continue;
    while (queue[head] < at - reach) head += 1;
    out[at] = Math.min(1, x[queue[head]]);
  }
  return out;
}

const GRAIN = 2 ** 40; // what is missing to 1 counts in such parts: sums of whole numbers below 2^53 are exact in any order

/**
 * Mean over `reach` on each side; what lies outside counts as 1. Running sums of whole numbers: each is the same whatever was summed
 * before it, so it has no memory.
 */
function smooth(x: Float64Array, reach: number): Float64Array {
  const out = new Float64Array(x.length);
  const missing = new Float64Array(x.length);
  for (let n = 0; n < x.length; n++) missing[n] = Math.round((1 - x[n]) * GRAIN);
  const width = (2 * reach + 1) * GRAIN;
  let sum = 0;
  for (let i = 0; i < Math.min(reach, x.length); i++) sum += missing[i];
  for (let n = 0; n < x.length; n++) {
    if (n + reach < x.length) sum += missing[n + reach];
    if (n - reach - 1 >= 0) sum -= missing[n - reach - 1];
    out[n] = 1 - sum / width;
  }
  return out;
}
