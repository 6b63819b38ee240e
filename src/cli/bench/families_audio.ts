// Families of the autoencoder and the audio features: convolutions, norms, activations, spectra, and the watch for NaN.
import type { Graph } from '../../graph/graph.ts';
import { ACT, type Act } from '../../ops/act.ts';
import { constant, constantRef } from '../../ops/constant.ts';
import { conv1d } from '../../ops/conv.ts';
import { activation, add, clamp, copy, fill, mul, snake } from '../../ops/elementwise.ts';
import { groupNorm } from '../../ops/norm.ts';
import { type Pitches, phaseAdvance, phaseAdvanceReference, phaseSum, pitchTurns, polarTurns } from '../../ops/phase.ts';
import { randomWords } from '../../ops/random.ts';
import { complexPower, filterBank, halfOf, istft, logFloor, onsetRise, peakNormalise, polar, stft } from '../../ops/spectrum.ts';
import { countNonFinite } from '../../ops/watch.ts';
import { uniform } from './cases.ts';
import { generate, named } from './family.ts';
import type { Named } from './measure.ts';
import { weight } from './own.ts';
import * as families from './reference_families.ts';

interface Grouped {
  length: number;
  from: number;
  to: number;
  kernel: number;
  groups: number;
}

/** A convolution in groups, "same" padding. */
export const groupedConvCase = (name: string, { length, from, to, kernel, groups }: Grouped): Named =>
  named({
    name,
    flops: (2 * length * from * to * kernel) / groups,
    values: length * (from + to) + (from * to * kernel) / groups,
    record(g, input) {
      const inner = from / groups;
      const [x, values] = input('x', [length, from]);
      const w = uniform(to * inner * kernel, 9, 1 / Math.sqrt(inner * kernel));
      const left = (kernel - 1) / 2;
      const y = conv1d(g, x, weight('w', w, [to, inner, kernel]), { groups, padding: left });
      const one = (t: number, o: number) => {
        const first = Math.floor((o * groups) / to) * inner;
        let sum = 0;
        for (let j = Math.max(0, left - t); j < Math.min(kernel, length + left - t); j++)
          for (let c = 0; c < inner; c++) sum += w[(o * inner + c) * kernel + j] * values[(t + j - left) * from + first + c];
        return sum;
      };
      return [y, () => generate(length * to, (i) => one(Math.floor(i / to), i % to))];
    },
  });

/** A channel to a group. */
export const depthwiseCase = (name: string, length: number, channels: number, kernel: number): Named =>
  groupedConvCase(name, { length, from: channels, to: channels, kernel, groups: channels });

export const groupNormCase = (name: string, length: number, channels: number, groups: number): Named =>
  named({
    name,
    flops: 8 * length * channels,
    values: 2 * length * channels,
    record(g, input) {
      const [x, values] = input('x', [length, channels], 3);
      const w = uniform(channels, 9);
      const b = uniform(channels, 10);
      const y = groupNorm(g, x, weight('w', w, [channels]), weight('b', b, [channels]), { groups, eps: 1e-5 });
      return [y, () => families.groupNorm(values, w, b, { length, channels, groups, eps: 1e-5 })];
    },
  });

export const snakeCase = (name: string, rows: number, channels: number): Named =>
  named({
    name,
    flops: 24 * rows * channels,
    values: 2 * rows * channels,
    record(g, input) {
      const [x, values] = input('x', [rows, channels], 3);
      const alpha = uniform(channels, 9, 0.5).map((v) => v + 1);
      const y = snake(g, x, weight('alpha', alpha, [channels]));
      return [y, () => generate(values.length, (i) => values[i] + Math.sin(alpha[i % channels] * values[i]) ** 2 / alpha[i % channels])];
    },
  });

/** Every activation of src/ops/act.ts over n numbers, each checked by itself: beside exp an error of the others would be nothing. */
export const activationCases = (name: string, n: number): Named[] =>
  (Object.keys(ACT) as Act[]).map((act) =>
    named({
      name: `${name}${act}`,
      flops: 10 * n,
      values: 2 * n,
      record(g, input) {
        const [x, values] = input('x', [n], 4);
        return [activation(g, x, act), () => generate(n, (i) => families.activate(act, values[i]))];
      },
    }),
  );

/** clamp(x ⊙ x) + ½ in three launches: nothing here fuses. */
export const elementwiseCase = (name: string, n: number): Named =>
  named({
    name,
    flops: 4 * n,
    values: 7 * n,
    record(g, input) {
      const [x, values] = input('x', [n], 2);
      const y = add(g, clamp(g, mul(g, x, x), 0.25, 2), fill(g, [n], 0.5));
      return [y, () => generate(n, (i) => Math.min(Math.max(values[i] ** 2, 0.25), 2) + 0.5)];
    },
  });

export const stftCase = (name: string, frames: number, size: number, hop: number): Named => {
  const width = size + 2;
  return named({
    name,
    flops: 2 * frames * width * size,
    values: frames * (hop + width),
    record(g, input) {
      const [x, values] = input('x', [frames * hop]);
      return [stft(g, x, { size, hop }), () => families.stft(values, { frames, size, hop })];
    },
  });
};

export const istftCase = (name: string, frames: number, size: number): Named => {
  const hop = size / 4;
  return named({
    name,
    flops: 2 * frames * (size + 2) * size,
    values: frames * (hop + size + 2),
    record(g, input) {
      const [x, values] = input('x', [frames, 2 * halfOf(size / 2 + 1)]);
      return [istft(g, x, { size, hop }), () => families.istft(values, { frames, size, hop })];
    },
  });
};

/** Log magnitudes and phases to a complex spectrum, as the decoder's head gives them. */
export const polarCase = (name: string, frames: number, bins: number): Named =>
  named({
    name,
    flops: 20 * frames * bins,
    values: 4 * frames * bins,
    record(g, input) {
      const [half, row, limit] = [halfOf(bins), 2 * bins, 1.5];
      const [x, values] = input('x', [frames, row], 2);
      const one = (t: number, k: number, turn: (a: number) => number) =>
        k < bins ? Math.exp(Math.min(values[t * row + k], limit)) * turn(values[t * row + bins + k]) : 0;
      const at = (i: number): [t: number, k: number] => [Math.floor(i / (2 * half)), i % (2 * half)];
      const both = (t: number, k: number) => (k < half ? one(t, k, Math.cos) : one(t, k - half, Math.sin));
      return [polar(g, x, { bins, limit }), () => generate(frames * 2 * half, (i) => both(...at(i)))];
    },
  });

/** A frame's gains of phase, summed up over frames, and the spectrum that they turn; pitches of MIDI 24 on, at 24 kHz. */
export const runningPhaseCase = (name: string, frames: number, size: number, pitches: Pitches): Named => {
  const bins = size / 2 + 1;
  const row = 3 * bins + pitches.count;
  const half = halfOf(bins);
  return named({
    name,
    flops: frames * (60 * bins + 2 * pitches.bins * pitches.count),
    values: frames * (row + 6 * bins),
    record(g, input) {
      const options = { size, hop: size / 4, sampleRate: 24000, pitches, reference: 440, bins };
      const [x, values] = input('x', [frames, row]);
      const [eps, noise] = input('eps', [frames, bins], 2);
      const words = (label: string, data: Uint32Array) =>
        constant(
          g,
          constantRef(label, [data.length], 'u32', () => data),
        );
      const [turns, start] = [pitchTurns(pitches, options, 441), randomWords(bins, 1, 0)];
      const u = phaseAdvance(g, x, eps, words('turns', turns), options);
      const { phase } = phaseSum(g, u, { start: words('start', start), drift: words('drift', new Uint32Array(bins)) });
      const reference = () => {
        const advance = phaseAdvanceReference(values, noise, turns, { ...options, row, epsRow: bins });
        const y = new Float64Array(frames * 2 * half);
        for (let k = 0; k < bins; k++) {
          let angle = start[k] / 2 ** 32;
          for (let t = 0; t < frames; t++) {
            angle += advance[t * bins + k];
            const magnitude = Math.exp(Math.min(values[t * row + k], 0.5));
            y[t * 2 * half + k] = magnitude * Math.cos(2 * Math.PI * angle);
            y[t * 2 * half + half + k] = magnitude * Math.sin(2 * Math.PI * angle);
          }
        }
        return y;
      };
      return [polarTurns(g, x, phase, { limit: 0.5 }), reference];
    },
  });
};

/** Spectra to band powers under a known filter bank; how they go on is `last`. */
function bandsCase(
  name: string,
  { frames, bins, bands }: Bands,
  last: (g: Graph, x: ReturnType<typeof filterBank>) => ReturnType<typeof filterBank>,
  formula: (powers: Float64Array) => Float64Array,
): Named {
  return named({
    name,
    flops: 2 * frames * bins * bands + 4 * frames * bins,
    values: frames * (2 * bins + bands) + bins * bands,
    record(g, input) {
      const half = halfOf(bins);
      const [x, values] = input('x', [frames, 2 * half]);
      const filters = uniform(bins * bands, 9, 2 / bins).map(Math.abs);
      const power = (t: number, k: number) => values[t * 2 * half + k] ** 2 + values[t * 2 * half + half + k] ** 2;
      const band = (t: number, b: number) => {
        let sum = 0;
        for (let k = 0; k < bins; k++) sum += power(t, k) * filters[k * bands + b];
        return sum;
      };
      const y = last(g, filterBank(g, complexPower(g, x, { bins, mode: 'power' }), weight('filters', filters, [bins, bands])));
      return [y, () => formula(generate(frames * bands, (i) => band(Math.floor(i / bands), i % bands)))];
    },
  });
}

interface Bands {
  frames: number;
  bins: number;
  bands: number;
}

/** Log-mel, as the tokeniser's features are. */
export const melCase = (name: string, size: Bands): Named =>
  bandsCase(
    name,
    size,
    (g, x) => logFloor(g, x, 1e-3),
    (powers) => powers.map((v) => Math.log(v + 1e-3)),
  );

/** Chroma: roots, over the largest of a frame where that passes 1. */
export const peaksCase = (name: string, size: Bands): Named =>
  bandsCase(
    name,
    size,
    (g, x) => peakNormalise(g, x, 1e-8),
    (powers) => {
      const roots = powers.map((v) => Math.sqrt(v + 1e-8));
      const largest = (frame: number) => Math.max(1, ...roots.subarray(frame * size.bands, (frame + 1) * size.bands));
      return roots.map((v, i) => v / largest(Math.floor(i / size.bands)));
    },
  );

/** Sums of the positive steps inside each frame of `per` rows, at most 1. */
export const risesCase = (name: string, frames: number, bands: number, per: number): Named =>
  named({
    name,
    flops: 3 * frames * per * bands,
    values: (per + 1) * frames * bands,
    record(g, input) {
      const [x, values] = input('x', [frames * per, bands]);
      const step = (t: number, b: number) => (t === 0 ? 0 : Math.max(values[t * bands + b] - values[(t - 1) * bands + b], 0));
      const one = (i: number) => generate(per, (j) => step(Math.floor(i / bands) * per + j, i % bands)).reduce((a, b) => a + b);
      return [onsetRise(g, x, per, 1), () => generate(frames * bands, (i) => Math.min(one(i), 1))];
    },
  });

/** How many of n numbers are NaN or infinite: three. */
export const watchCase = (name: string, n: number): Named =>
  named({
    name,
    flops: 0,
    values: n,
    record(g, input) {
      const [x, values] = input('x', [n]);
      values.set([Number.NaN, Infinity, -Infinity], n >> 1);
      const zero = {
        name: 'zero',
        shape: [1],
        dtype: 'u32' as const,
        async *read() {
          yield { offset: 0, data: new Uint32Array(1) };
        },
      };
      const counts = copy(g, g.weight(zero, { key: 'flat', dtype: 'u32' })); // every run counts from nothing
      countNonFinite(g, x, counts, 0);
      return [counts, () => Float64Array.of(3)];
    },
  });
