// What MusicGen Melody hears of a tune: the strongest pitch class of every frame, as transformers' MusicgenMelodyFeatureExtractor has it.
import { hann, RealFft } from '../../audio/fft.ts';
import { exp, log2 } from '../../elementary.ts';

/** Fields of preprocessor_config.json that count here. */
export interface ChromaConfig {
  /** Hz of the sound that is listened to. */
  readonly sampling_rate: number;
  /** Samples of a window, a power of two, and from one to the next. */
  readonly n_fft: number;
  readonly hop_length: number;
  /** Seconds that are listened to at most. */
  readonly chunk_length: number;
  /** Pitch classes; class 0 is C. */
  readonly num_chroma: number;
}

/** Octaves over A0 / 2: A4 = 440 Hz is at 4. */
const octaveOf = (hz: number): number => log2(hz / (440 / 16));

/** Half of them goes to the even neighbour, as numpy rounds. */
const roundEven = (x: number): number => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/**
 * How much a bin of the spectrum counts for a pitch class, [num_chroma, n_fft / 2 + 1]: librosa's chroma filters (bumps in pitch of L2 norm 1 a
 * bin, weighted by a Gaussian around octave 5).
 */
function chromaFilters({ sampling_rate, n_fft, num_chroma: classes }: ChromaConfig): Float64Array {
  const bins = n_fft / 2 + 1;
  const pitch = Float64Array.from({ length: n_fft }, (_, k) => classes * octaveOf((sampling_rate * k) / n_fft));
  pitch[0] = (pitch[1] ?? 0) - 1.5 * classes;
  const filters = new Float64Array(classes * bins);
  const half = roundEven(classes / 2);
  const turn = 3 * Math.floor(classes / 12); // from A to C
  for (const [k, at] of pitch.subarray(0, bins).entries()) {
    const width = Math.max((pitch[k + 1] ?? at) - at, 1);
    const bumps = Float64Array.from({ length: classes }, (_, c) => {
      const away = (((at - c + half + 10 * classes) % classes) + classes) % classes;
      const distance = (2 * (away - half)) / width;
      return exp(-0.5 * distance * distance);
    });
    const norm = Math.sqrt(bumps.reduce((sum, v) => sum + v * v, 0));
    const octave = (at / classes - 5) / 2;
    const weight = exp(-0.5 * octave * octave) / norm;
    for (const [c, bump] of bumps.entries()) filters[((c - turn + classes) % classes) * bins + k] = bump * weight;
  }
  return filters;
}

/**
 * The strongest class of every frame, [1 + ⌊L / hop⌋]: windows are centred on their frames, the sound mirrored around its ends. Silence is class 0.
 * sound: one channel at sampling_rate.
 */
export function chromaOf(sound: Float32Array, c: ChromaConfig): Uint32Array {
  const { n_fft: size, hop_length: hop, num_chroma: classes } = c;
  const heard = sound.subarray(0, c.chunk_length * c.sampling_rate);
  const x = new Float32Array(Math.max(size, heard.length));
  x.set(heard, (x.length - heard.length) >> 1);
  const [filters, fft, window] = [chromaFilters(c), new RealFft(size), hann(size)];
  const [frame, power] = [new Float64Array(size), new Float64Array(size / 2 + 1)];
  const around = 2 * (x.length - 1);
  return Uint32Array.from({ length: 1 + Math.floor(x.length / hop) }, (_, t) => {
    for (const [n, weight] of window.entries()) {
      const at = Math.abs(t * hop + n - size / 2) % around;
      frame[n] = weight * (x[Math.min(at, around - at)] ?? 0);
    }
    fft.power(frame, power);
    let [best, strongest] = [0, -1];
    for (let k = 0; k < classes; k++) {
      const filter = filters.subarray(k * power.length, (k + 1) * power.length);
      const strength = power.reduce((sum, p, i) => sum + p * (filter[i] ?? 0), 0);
      if (strength > strongest) [best, strongest] = [k, strength];
    }
    return best;
  });
}

/** As many frames as the model was trained on: repeated from the start, or cut. */
export const asLong = (chroma: Uint32Array, length: number): Uint32Array =>
  Uint32Array.from({ length }, (_, i) => chroma[i % chroma.length] ?? 0);
