// Cases of long short-term memory.
import { reshape } from '../graph/tensor.ts';
import { slice } from '../ops/gather.ts';
import { lstmScan } from '../ops/lstm.ts';
import { type Case, type FloatStorage, type Measured, measured, sigmoid, sum, type Values } from './case.ts';

/** Step by step: x [rows, steps, 4 · hidden] in gates i, f, g, o, w [4 · hidden, hidden]. */
function lstmReference(rows: number, steps: number, hidden: number, x: Values, w: Values): Float64Array {
  const y = new Float64Array(rows * steps * hidden);
  for (let row = 0; row < rows; row++) {
    const cell = new Float64Array(hidden);
    let h = new Float64Array(hidden);
    for (let t = row * steps; t < (row + 1) * steps; t++) {
      const gate = (n: number) => x[t * 4 * hidden + n] + sum(hidden, (k) => h[k] * w[n * hidden + k]);
      const next = new Float64Array(hidden);
      for (let j = 0; j < hidden; j++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((part) => gate(part * hidden + j));
        cell[j] = sigmoid(f) * cell[j] + sigmoid(i) * Math.tanh(g);
        next[j] = sigmoid(o) * Math.tanh(cell[j]);
      }
      h = next;
      y.set(h, t * hidden);
    }
  }
  return y;
}

export const lstmCase = (name: string, rows: number, steps: number, hidden: number, storage?: FloatStorage): Case => ({
  name,
  storage,
  record({ g, x, w }) {
    const [[a, as], [m, ms]] = [x([rows, steps, 4 * hidden], 2), w([4 * hidden, hidden], hidden ** -0.5, storage)];
    return [lstmScan(g, a, m).y, () => lstmReference(rows, steps, hidden, as, ms)];
  },
});

/** Its last steps from the state that the first ones leave. */
const inParts = (steps: number, first: number, hidden: number): Case => ({
  name: 'long short-term memory in two parts',
  record({ g, x, w }) {
    const [[a, as], [m, ms]] = [x([steps, 4 * hidden], 2), w([4 * hidden, hidden], hidden ** -0.5)];
    const part = (from: number, count: number) => reshape(slice(g, a, from, count), [1, count, 4 * hidden]);
    const { after } = lstmScan(g, part(0, first), m);
    const { y } = lstmScan(g, part(first, steps - first), m, after);
    return [y, () => lstmReference(1, steps, hidden, as, ms).subarray(first * hidden)];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [
  lstmCase('long short-term memory', 2, 5, 19),
  lstmCase('long short-term memory', 1, 3, 300, 'f16'),
  inParts(7, 4, 19),
];

export const paper = (): Measured[] => [measured(lstmCase('codec_lstm', 1, 8, 512), 8 * 8 * 512 ** 2, 4 * 512 ** 2 + 5 * 8 * 512)];
