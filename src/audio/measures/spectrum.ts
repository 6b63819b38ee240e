/** Measures of the short-time spectrum at the clip's own rate: Hann 2048, hop 512. */
import { powerFrames } from '../fft.ts';

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

/** mono: finite samples. A silent clip gives zeros. */
export function spectrum(mono: Float32Array, sampleRate: number): Spectrum {
  const bins = SIZE / 2 + 1;
  const total = new Float64Array(bins);
  // Parseval under a Hann window: sum_k P[k] over the half spectrum is about size * (3/8 size) / 2 times the mean square.
  const silent = SILENT_POWER * SIZE * SIZE * (3 / 16);
  let flatness = 0;
  let loud = 0;
  powerFrames(mono, SIZE, HOP, (power) => {
    let sum = 0;
    let logs = 0;
    for (let k = 0; k < bins; k++) {
      const p = Math.max(power[k], FLOOR);
      sum += p;
      logs += Math.log(p);
      total[k] += power[k];
    }
    if (sum < silent) return;
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
