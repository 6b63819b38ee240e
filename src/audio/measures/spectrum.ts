/** Measures of the short-time spectrum at the clip's own rate: Hann 2048, hop 512. */
import { powerFrames } from '../fft.ts';
import { simd } from '../simd.ts';

const SIZE = 2048;
const HOP = 512;
const FLOOR = 1e-10;
/** Mean-square level under which a frame is silence: -60 dBFS. */
const SILENT_POWER = 1e-6;

/** Long-term spectrum of a clip. A silent clip has zeros. */
export interface Spectrum {
  /** Geometric over arithmetic mean of power, mean of non-silent frames: 0 for a tone, 0.5615 for white noise. */
  flatness: number;
  /** Highest frequency whose long-term level is within 60 dB of the peak, Hz. */
  bandwidth: number;
  /** Frequency under which 85 % of the long-term power lies, Hz. */
  rolloff85: number;
  /** Centre of mass of the long-term power, Hz. */
  centroid: number;
  /** Share of the long-term power within 3 bins of the strongest: near 1 for a lone tone. */
  toneShare: number;
}

/** So many powers have one logarithm, which takes longer than all else: between 1e-10 and 1e12, their product is far from the ends of float64. */
const TOGETHER = 8;

/** Sum of the powers, at least FLOOR each; their products go into `products`, and what they are on top of `total`. */
function floored(power: Float64Array, total: Float64Array, products: Float64Array): number {
  let sum = 0;
  products.fill(1);
  for (let k = 0; k < power.length; k++) {
    const value = Math.max(power[k], FLOOR);
    sum += value;
    products[Math.floor(k / TOGETHER)] *= value;
    total[k] += power[k];
  }
  return sum;
}

/** mono: finite samples. A silent clip gives zeros. */
export function spectrum(mono: Float32Array, sampleRate: number): Spectrum {
  const bins = SIZE / 2 + 1;
  const total = new Float64Array(bins);
  const products = new Float64Array(Math.ceil(bins / TOGETHER));
  const fast = simd();
  // Parseval under a Hann window: sum_k P[k] over the half spectrum is about size * (3/8 size) / 2 times the mean square.
  const silent = SILENT_POWER * SIZE * SIZE * (3 / 16);
  let flatness = 0;
  let loud = 0;
  powerFrames(mono, SIZE, HOP, (power) => {
    const sum = fast ? fast.flatness(power, FLOOR, total, products) : floored(power, total, products);
    if (sum < silent) return;
    let logs = 0;
    for (let i = 0; i < products.length; i++) logs += Math.log(products[i]);
    flatness += Math.exp(logs / bins) / (sum / bins);
    loud++;
  });
  if (loud === 0) return { flatness: 0, bandwidth: 0, rolloff85: 0, centroid: 0, toneShare: 0 };
  const hz = sampleRate / SIZE;
  const energy = total.reduce((a, b) => a + b, 0);
  const strongest = total.indexOf(Math.max(...total));
  let rolled = 0;
  let rolloff = 0;
  while (rolloff < bins - 1 && rolled + total[rolloff] < 0.85 * energy) rolled += total[rolloff++];
  return {
    flatness: flatness / loud,
    bandwidth: total.findLastIndex((p) => p >= total[strongest] * 1e-6) * hz,
    rolloff85: rolloff * hz,
    centroid: (total.reduce((sum, p, k) => sum + p * k, 0) / energy) * hz,
    toneShare: total.subarray(Math.max(0, strongest - 3), strongest + 4).reduce((a, b) => a + b, 0) / energy,
  };
}
