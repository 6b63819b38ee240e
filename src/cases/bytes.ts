// Cases of products with weights of bytes, which the CPU alone has: number by number what kernels/cpu/lib/bytes.ts and lib/pack.ts compute. Elsewhere
// the same weights are what they stand for.
import type { Caps } from '../gpu/caps.ts';
import type { WeightRef } from '../graph/tensor.ts';
import { linear, swiglu } from '../ops/matmul.ts';
import { normLinear } from '../ops/norm_linear.ts';
import { activate } from './activate.ts';
import { type Case, type FloatStorage, type Measured, measured, silu, type Values } from './case.ts';
import { normReference } from './norm.ts';

interface BytesSize {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  /** As it comes from the file. */
  readonly storage?: FloatStorage;
}

const asBytes = (ref: WeightRef): WeightRef => ({ ...ref, compact: 'int8' });

/** x [rows, inner] · wᵀ with w [cols, inner], as this executor has it. */
function bytesProduct({ executor }: Caps, x: Values, w: Values, { rows, inner, cols }: BytesSize): Float64Array {
  const exact = executor === 'cpu';
  const [left, right] = [wholes(x, rows, inner, exact && levelsOf(inner)), wholes(w, cols, inner, exact && 127)];
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) {
      let total = 0;
      for (let k = 0; k < inner; k++) total += left.numbers[r * inner + k] * right.numbers[c * inner + k];
      y[r * cols + c] = total * left.scales[r] * right.scales[c];
    }
  return y;
}

/** Levels of a row, so that the sum of `inner` products with bytes stays below 2³¹. */
const levelsOf = (inner: number): number => Math.min(32_767, Math.floor(Math.floor((2 ** 31 - 1) / 127) / inner));

/** Rows as whole numbers of so many levels and a scale each, in f32 as the kernel has it; as they are where `levels` is false. */
function wholes(x: Values, rows: number, inner: number, levels: number | false): { numbers: Float64Array; scales: Float64Array } {
  const numbers = Float64Array.from({ length: rows * inner }, (_, i) => x[i]);
  const scales = new Float64Array(rows).fill(1);
  for (let r = 0; levels && r < rows; r++) {
    const row = numbers.subarray(r * inner, (r + 1) * inner);
    const largest = Math.fround(row.reduce((most, v) => Math.max(most, Math.abs(v)), 0));
    scales[r] = Math.fround(largest / levels);
    const inverse = largest > 1e-30 ? Math.fround(levels / largest) : 0;
    for (const [k, v] of row.entries()) row[k] = nearest(Math.fround(Math.fround(v) * inverse));
  }
  return { numbers, scales };
}

/** Ties to even. */
function nearest(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** y = gelu(x · wᵀ + b) + residual. */
const bytesCase = (name: string, s: BytesSize): Case => ({
  name,
  storage: s.storage,
  record({ g, x, w }) {
    const { rows, inner, cols, storage } = s;
    const [[a, as], [m, ms]] = [x([rows, inner]), w([cols, inner], inner ** -0.5, storage)];
    const [[b, bs], [residual, residuals]] = [w([cols]), x([rows, cols])];
    const y = linear(g, a, asBytes(m), { bias: b, act: 'gelu', residual });
    return [y, () => bytesProduct(g.caps, as, ms, s).map((v, i) => activate('gelu', v + bs[i % cols]) + residuals[i])];
  },
});

/** y = silu(x · gateᵀ) ⊙ (x · upᵀ). */
const bytesSwigluCase = (name: string, s: BytesSize): Case => ({
  name,
  record({ g, x, w }) {
    const { rows, inner, cols } = s;
    const [a, as] = x([rows, inner]);
    const [[gate, gates], [up, ups]] = [0, 1].map(() => w([cols, inner], inner ** -0.5));
    const reference = () => {
      const other = bytesProduct(g.caps, as, ups, s);
      return bytesProduct(g.caps, as, gates, s).map((v, i) => silu(v) * other[i]);
    };
    return [swiglu(g, a, asBytes(gate), asBytes(up)), reference];
  },
});

const EPS = 1e-5;

/** y = gelu(LayerNorm(x) · wᵀ). */
const normBytesCase = (name: string, s: BytesSize): Case => ({
  name,
  record({ g, x, w }) {
    const { rows, inner, cols } = s;
    const [[a, as], [weight, ws], [bias, bs], [m, ms]] = [x([rows, inner], 3), w([inner]), w([inner]), w([cols, inner], inner ** -0.5)];
    const reference = () => bytesProduct(g.caps, normReference(as, ws, bs, EPS, true), ms, s).map((v) => activate('gelu', v));
    return [normLinear(g, a, { weight, bias, eps: EPS }, asBytes(m), { act: 'gelu' }), reference];
  },
});

/** What a CPU that is to keep bytes computes before its first music. */
export const quick = (): Case[] => [
  bytesCase('products of bytes', { rows: 3, inner: 65, cols: 43, storage: 'f16' }),
  normBytesCase('norms and products of bytes', { rows: 2, inner: 68, cols: 44 }),
];

/** One row and two, odd sizes, a block of many rows and the next, and as many k as leave few levels. */
export const odd = (): Case[] => [
  ...quick(),
  bytesCase('product of bytes, one row', { rows: 1, inner: 68, cols: 44 }),
  bytesCase('product of bytes, two rows', { rows: 2, inner: 268, cols: 76, storage: 'f16' }),
  bytesCase('product of bytes, many rows', { rows: 37, inner: 68, cols: 44 }),
  bytesCase('product of bytes, long', { rows: 2, inner: 9000, cols: 20 }),
  bytesSwigluCase('SwiGLU of bytes', { rows: 3, inner: 36, cols: 20 }),
  normBytesCase('norm and product of bytes, eight rows', { rows: 8, inner: 268, cols: 44 }),
];

export const paper = (): Measured[] => [
  measured(normBytesCase('musicgen_qkv_bytes', { rows: 2, inner: 1024, cols: 3072 }), 12 * 1024 ** 2, 3 * 1024 ** 2 + 10 * 1024),
  measured(bytesCase('musicgen_fc2_bytes', { rows: 2, inner: 4096, cols: 1024 }), 16 * 1024 ** 2, 4 * 1024 ** 2 + 14 * 1024),
];
