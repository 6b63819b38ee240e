/** Mel filter bank (Slaney scale: linear under 1 kHz, logarithmic above), stored as the few non-zero weights of each band. */
import { exp, log } from '../elementary.ts';
import { simd } from './simd.ts';

export interface MelBank {
  bands: number;
  /** First spectrum bin of each band and its weights from there on. */
  filters: { start: number; weights: Float64Array }[];
}

const LINEAR_HZ = 200 / 3;
const LOG_START_HZ = 1000;
const LOG_START_MEL = LOG_START_HZ / LINEAR_HZ;
const LOG_STEP = log(6.4) / 27;

export function hzToMel(hz: number): number {
  return hz < LOG_START_HZ ? hz / LINEAR_HZ : LOG_START_MEL + log(hz / LOG_START_HZ) / LOG_STEP;
}

function melToHz(mel: number): number {
  return mel < LOG_START_MEL ? mel * LINEAR_HZ : LOG_START_HZ * exp((mel - LOG_START_MEL) * LOG_STEP);
}

/** Triangles of unit area (Slaney's normalisation) over the size/2 + 1 bins of a power spectrum. */
export function melBank(sampleRate: number, size: number, bands: number, minHz: number, maxHz: number): MelBank {
  const low = hzToMel(minHz);
  const edges = Array.from({ length: bands + 2 }, (_, i) => melToHz(low + ((hzToMel(maxHz) - low) * i) / (bands + 1)));
  const bin = sampleRate / size;
  const filters = Array.from({ length: bands }, (_, b) => {
    const [left, centre, right] = edges.slice(b, b + 3);
    const start = Math.max(0, Math.floor(left / bin) + 1);
    const end = Math.min(size / 2, Math.ceil(right / bin) - 1);
    const weights = Float64Array.from({ length: Math.max(0, end - start + 1) }, (_, i) => {
      const hz = (start + i) * bin;
      return (Math.min((hz - left) / (centre - left), (right - hz) / (right - centre)) * 2) / (right - left);
    });
    if (weights.length > 0) return { start, weights };
    // A band narrower than a bin takes the bin nearest to its centre, so that none stays empty.
    return { start: Math.min(size / 2, Math.round(centre / bin)), weights: Float64Array.of(1 / (right - left)) };
  });
  return { bands, filters };
}

/** out[offset + b] = sum_k weight * power[k]. */
export function applyMel(bank: MelBank, power: Float64Array, out: Float32Array, offset: number): void {
  const fast = simd();
  if (fast) fast.bands(bank, power, out, offset);
  else
    bank.filters.forEach(({ start, weights }, b) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * power[start + i];
      out[offset + b] = sum;
    });
}
