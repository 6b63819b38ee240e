/** Real FFT in float64 and the short-time power spectra that every spectral measure shares. */
import { cosTurns, sinTurns } from '../elementary.ts';
import { simd } from './simd.ts';

/** In-place-free real FFT of one fixed power-of-two size: N real points as N/2 complex ones, two steps of radix 2 in one pass over them. */
export class RealFft {
  readonly size: number;
  private readonly half: number;
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;
  private readonly reversed: Uint32Array;
  private readonly re: Float64Array;
  private readonly im: Float64Array;

  constructor(size: number) {
    if (!Number.isInteger(size) || size < 4 || size & (size - 1))
      throw new RangeError(`RealFft: size ${size}, expected a power of two >= 4`);
    this.size = size;
    this.half = size / 2;
    this.cos = turned(this.half, size, 1);
    this.sin = turned(this.half, size, 0);
    this.re = new Float64Array(this.half);
    this.im = new Float64Array(this.half);
    this.reversed = new Uint32Array(this.half);
    const bits = 31 - Math.clz32(this.half);
    for (let i = 1; i < this.half; i++) this.reversed[i] = (this.reversed[i >> 1] >> 1) | ((i & 1) << (bits - 1));
  }

  /** What the module's transform is made of. */
  get tables(): { readonly cos: Float64Array; readonly sin: Float64Array; readonly reversed: Uint32Array } {
    const { cos, sin, reversed } = this;
    return { cos, sin, reversed };
  }

  /** power[k] = |sum_n x[n] e^(-2 pi i k n / size)|^2, k = 0 … size/2. x [size], power [size/2 + 1]. */
  power(x: Float64Array, power: Float64Array): void {
    const { half, re, im, reversed } = this;
    for (let i = 0; i < half; i++) {
      const r = reversed[i];
      re[i] = x[2 * r];
      im[i] = x[2 * r + 1];
    }
    this.butterflies();
    power[0] = (re[0] + im[0]) * (re[0] + im[0]);
    power[half] = (re[0] - im[0]) * (re[0] - im[0]);
    // Split the packed spectrum into those of the even and odd points, then one last butterfly joins them.
    for (let k = 1; k < half; k++) {
      const m = half - k;
      const evenRe = (re[k] + re[m]) / 2;
      const evenIm = (im[k] - im[m]) / 2;
      const oddRe = (im[k] + im[m]) / 2;
      const oddIm = (re[m] - re[k]) / 2;
      const c = this.cos[k];
      const s = this.sin[k];
      const a = evenRe + c * oddRe + s * oddIm;
      const b = evenIm + c * oddIm - s * oddRe;
      power[k] = a * a + b * b;
    }
  }

  /** Four values at a time: two steps in one pass, and a last step of its own where their number is odd. */
  private butterflies(): void {
    const { half, re, im, cos, sin, size } = this;
    let span = 1;
    for (; 4 * span <= half; span *= 4) {
      const stride = size / (4 * span);
      for (let start = 0; start < half; start += 4 * span) {
        for (let j = 0; j < span; j++) {
          const c1 = cos[2 * j * stride]; // of the first step, both times
          const s1 = sin[2 * j * stride];
          const c2 = cos[j * stride]; // of the second; its other half lies a quarter turn on
          const s2 = sin[j * stride];
          const a = start + j;
          const b = a + span;
          const c = b + span;
          const d = c + span;
          const br = re[b] * c1 + im[b] * s1;
          const bi = im[b] * c1 - re[b] * s1;
          const dr = re[d] * c1 + im[d] * s1;
          const di = im[d] * c1 - re[d] * s1;
          const pr = re[a] + br;
          const pi = im[a] + bi;
          const qr = re[a] - br;
          const qi = im[a] - bi;
          const ur = re[c] + dr;
          const ui = im[c] + di;
          const vr = re[c] - dr;
          const vi = im[c] - di;
          const xr = ur * c2 + ui * s2;
          const xi = ui * c2 - ur * s2;
          const yr = vi * c2 - vr * s2; // -i times v, turned
          const yi = -vr * c2 - vi * s2;
          re[a] = pr + xr;
          im[a] = pi + xi;
          re[b] = qr + yr;
          im[b] = qi + yi;
          re[c] = pr - xr;
          im[c] = pi - xi;
          re[d] = qr - yr;
          im[d] = qi - yi;
        }
      }
    }
    if (span === half) return;
    const stride = size / (2 * span);
    for (let a = 0; a < span; a++) {
      const b = a + span;
      const tr = re[b] * cos[a * stride] + im[b] * sin[a * stride];
      const ti = im[b] * cos[a * stride] - re[b] * sin[a * stride];
      re[b] = re[a] - tr;
      im[b] = im[a] - ti;
      re[a] += tr;
      im[a] += ti;
    }
  }
}

/** cos(2π k / size), or with `ahead` 0 the sine, for k < n. */
function turned(n: number, size: number, ahead: 0 | 1): Float64Array {
  return simd()?.turned(n, size, ahead) ?? new Float64Array(n).map((_, k) => (ahead ? cosTurns(k / size) : sinTurns(k / size)));
}

const SMALLEST = 64; // size that the module transforms

/**
 * A real FFT of a fixed size: x [size] or less, zeros behind it, times `window` [x.length] → `times` its power [size / 2 + 1]; returns the energy of x.
 * The same bits as those of RealFft.
 */
export function windowedFft(size: number, window: Float64Array, times = 1): (x: Float32Array, power: Float64Array) => number {
  const fast = size >= SMALLEST ? simd() : undefined;
  if (fast) {
    const transform = fast.transform(size, () => new RealFft(size).tables);
    return (x, power) => transform.power(x, window, power, times);
  }
  const fft = new RealFft(size);
  const frame = new Float64Array(size);
  return (x, power) => {
    let energy = 0;
    for (let n = 0; n < x.length; n++) {
      const value = x[n];
      energy += value * value;
      frame[n] = value * window[n];
    }
    frame.fill(0, x.length);
    fft.power(frame, power);
    if (times !== 1) for (let k = 0; k < power.length; k++) power[k] *= times;
    return energy;
  };
}

/** Periodic Hann window, [size]. */
export function hann(size: number): Float64Array {
  return turned(size, size, 1).map((cos) => 0.5 - 0.5 * cos);
}

/** Number of frames that `powerFrames` visits: whole frames only, and one zero-padded frame for a clip shorter than `size`. */
export function frameCount(samples: number, size: number, hop: number): number {
  return samples <= size ? 1 : 1 + Math.floor((samples - size) / hop);
}

/**
 * Visits the Hann-windowed power spectra of x [samples]: frame i covers samples i*hop … i*hop + size - 1, so its
 * centre is at (i*hop + size/2) / sampleRate seconds. `power` [size/2 + 1] is reused between calls: copy what you keep.
 * Nothing else is stored, so a long clip costs no memory.
 */
export function powerFrames(x: Float32Array, size: number, hop: number, visit: (power: Float64Array, frame: number) => void): void {
  const transform = windowedFft(size, hann(size));
  const power = new Float64Array(size / 2 + 1);
  const frames = frameCount(x.length, size, hop);
  for (let i = 0; i < frames; i++) {
    transform(x.subarray(i * hop, i * hop + size), power);
    visit(power, i);
  }
}
