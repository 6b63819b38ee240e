/** Seeded test signals, all Float32Array, amplitudes as given. */

/** Uniform numbers in [-1, 1), mulberry32. */
export function noise(length: number, seed: number, amplitude = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return amplitude * (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1);
  });
}

/** Roughly normal noise: the sum of 12 uniform streams. */
export function gaussian(length: number, seed: number, sigma = 0.1): Float32Array {
  const sum = new Float32Array(length);
  for (let i = 0; i < 12; i++) {
    const uniform = noise(length, seed * 100 + i);
    for (let n = 0; n < length; n++) sum[n] += uniform[n] * 0.5 * sigma;
  }
  return sum;
}

export function sine(length: number, hz: number, sampleRate: number, amplitude = 1, phase = 0): Float32Array {
  return Float32Array.from({ length }, (_, n) => amplitude * Math.sin((2 * Math.PI * hz * n) / sampleRate + phase));
}

export function mix(...parts: Float32Array[]): Float32Array {
  const out = new Float32Array(Math.max(...parts.map((p) => p.length)));
  for (const part of parts) for (let n = 0; n < part.length; n++) out[n] += part[n];
  return out;
}

export function concat(...parts: Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((s, p) => s + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Decaying 1.5 kHz clicks at the given times in seconds. */
export function clicks(seconds: number, sampleRate: number, times: number[], amplitude = 0.8): Float32Array {
  const out = new Float32Array(Math.round(seconds * sampleRate));
  for (const time of times) {
    const start = Math.round(time * sampleRate);
    for (let n = 0; n < 0.03 * sampleRate && start + n < out.length; n++) {
      const t = n / sampleRate;
      out[start + n] += amplitude * Math.exp(-t * 150) * Math.sin(2 * Math.PI * 1500 * t + 1);
    }
  }
  return out;
}

export function beats(seconds: number, bpm: number): number[] {
  return Array.from({ length: Math.ceil((seconds * bpm) / 60) }, (_, i) => (i * 60) / bpm);
}

/** Notes (MIDI numbers) held together, three falling harmonics each. */
export function chord(seconds: number, sampleRate: number, notes: number[], amplitude = 0.1): Float32Array {
  const length = Math.round(seconds * sampleRate);
  const parts = notes.flatMap((note) => [1, 2, 3].map((h) => sine(length, h * 440 * 2 ** ((note - 69) / 12), sampleRate, amplitude / h)));
  return mix(...parts);
}

/** A second and 123 samples of a chord over noise in steps of 16 bits, not a whole number of any coder's blocks long, each channel another. */
export const music = (rate: number, count: number) =>
  Array.from({ length: count }, (_, c) => {
    const whole = mix(
      chord(1.1, rate, [60 + c, 64, 67]),
      gaussian(Math.floor(1.1 * rate), c + 1).map((x) => 0.02 * x),
    );
    return Float32Array.from(whole.subarray(0, rate + 123), (x) => Math.round(x * 16_384) / 32_768);
  });

/** |a - b| in the largest place. */
export function maxAbsDifference(a: Float32Array, b: Float32Array): number {
  let worst = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < Math.min(a.length, b.length); i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return worst;
}
