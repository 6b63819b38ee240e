// Cases of products: linear layers, SwiGLU, activations with each other.
import type { Act } from '../ops/act.ts';
import type { Form } from '../ops/gemm.ts';
import { linear, matmul, swiglu } from '../ops/matmul.ts';
import { activate } from './activate.ts';
import { type Case, type FloatStorage, list, type Measured, measured, silu, sum, type Values } from './case.ts';

/** x [rows, inner] · wᵀ with w [cols, inner] → [rows, cols]. */
export function product(x: Values, w: Values, rows: number, inner: number, cols: number): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < cols; c++) {
      let total = 0;
      for (let k = 0; k < inner; k++) total += x[r * inner + k] * w[c * inner + k];
      y[r * cols + c] = total;
    }
  return y;
}

export interface Product {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
  readonly storage?: FloatStorage | undefined;
  readonly form?: Form | undefined;
}

/** y = x · wᵀ + b. */
export const linearCase = (name: string, s: Product & { readonly bias?: boolean }): Case => ({
  name,
  storage: s.storage,
  record({ g, x, w }) {
    const { rows, inner, cols } = s;
    const [[a, as], [m, ms]] = [x([rows, inner]), w([cols, inner], inner ** -0.5, s.storage)];
    const [b, bs] = s.bias ? w([cols]) : [];
    const y = linear(g, a, m, { bias: b, form: s.form });
    return [y, () => product(as, ms, rows, inner, cols).map((v, i) => v + (bs?.[i % cols] ?? 0))];
  },
});

/** y = act(x · wᵀ + b) ⊙ scale + residual: the order of the epilogue. `scale` is a weight a column, or shaped as y. */
export const epilogueCase = (name: string, s: Product & { readonly act: Act; readonly scale: 'columns' | 'whole' }): Case => ({
  name,
  storage: s.storage,
  record({ g, x, w }) {
    const { rows, inner, cols } = s;
    const [[a, as], [m, ms], [b, bs]] = [x([rows, inner]), w([cols, inner], 1, s.storage), w([cols])];
    const [scale, scales] = s.scale === 'columns' ? w([cols]) : x([rows, cols]);
    const [residual, residuals] = x([rows, cols]);
    const y = linear(g, a, m, { bias: b, act: s.act, scale, residual, form: s.form });
    const end = (v: number, i: number) => activate(s.act, v + bs[i % cols]) * scales[i % scales.length] + residuals[i];
    return [y, () => product(as, ms, rows, inner, cols).map(end)];
  },
});

/** RMSNorm(x) · wᵀ. */
const normedCase = (name: string, s: Product): Case => ({
  name,
  storage: s.storage,
  record({ g, x, w }) {
    const { rows, inner, cols, storage, form } = s;
    const [[a, as], [n, ns], [m, ms]] = [x([rows, inner]), w([inner]), w([cols, inner], inner ** -0.5, storage)];
    const y = linear(g, a, m, { norm: { w: n, eps: 1e-3 }, form });
    return [y, () => product(normed(as, ns, 1e-3), ms, rows, inner, cols)];
  },
});

/** x · rsqrt(mean(x²) + eps) · w, row by row. */
function normed(x: Values, w: Values, eps: number): Float64Array {
  const inner = w.length;
  const root = (row: number) => Math.sqrt(sum(inner, (k) => x[row * inner + k] ** 2) / inner + eps);
  const roots = list(x.length / inner, root);
  return list(x.length, (i) => (x[i] / roots[Math.floor(i / inner)]) * w[i % inner]);
}

/** y = silu(z · gateᵀ) ⊙ (z · upᵀ) with z = x, or RMSNorm(x) when `norm`. */
export const swigluCase = (name: string, s: Product & { readonly norm?: boolean }): Case => ({
  name,
  storage: s.storage,
  record({ g, x, w }) {
    const { rows, inner, cols, storage } = s;
    const [[a, as], [n, ns]] = [x([rows, inner]), w([inner])];
    const [[gate, gates], [up, ups]] = [0, 1].map(() => w([cols, inner], inner ** -0.5, storage));
    const reference = () => {
      const z = s.norm ? normed(as, ns, 1e-3) : as;
      const other = product(z, ups, rows, inner, cols);
      return product(z, gates, rows, inner, cols).map((v, i) => silu(v) * other[i]);
    };
    return [swiglu(g, a, gate, up, { norm: s.norm ? { w: n, eps: 1e-3 } : undefined, form: s.form }), reference];
  },
});

/** y = alpha · a · b, item by item; without `batch` b serves every item. */
export const matmulCase = (
  name: string,
  s: Product & { readonly items: number; readonly transposeB?: boolean; readonly shared?: boolean; readonly alpha?: number },
): Case => ({
  name,
  record({ g, x }) {
    const { items, rows, inner, cols, transposeB = false, shared, alpha = 1, form } = s;
    const right = transposeB ? [cols, inner] : [inner, cols];
    const [[a, as], [b, bs]] = [x([items, rows, inner]), x(shared ? right : [items, ...right])];
    const one = (item: number) => {
      const from = shared ? 0 : item * inner * cols;
      const turned = list(inner * cols, (i) => bs[from + (transposeB ? i : (i % inner) * cols + Math.floor(i / inner))]);
      return product(as.subarray(item * rows * inner, (item + 1) * rows * inner), turned, rows, inner, cols);
    };
    const reference = () => Array.from({ length: items }, (_, item) => [...one(item)].map((v) => v * alpha)).flat();
    return [matmul(g, a, b, { transposeB, alpha, form }), reference];
  },
});

export const quick = (): Case[] => [
  linearCase('matrix products', { rows: 37, inner: 68, cols: 44, bias: true, storage: 'f16' }),
  linearCase('vector times matrix', { rows: 1, inner: 68, cols: 44, bias: true, storage: 'f16' }),
  swigluCase('SwiGLU', { rows: 1, inner: 32, cols: 24, storage: 'f16' }),
];

const STORAGES = ['f32', 'f16'] as const;

export const odd = (): Case[] => [
  ...STORAGES.flatMap((storage) => [
    linearCase('matrix product', { rows: 37, inner: 68, cols: 44, storage }),
    linearCase('matrix product, odd', { rows: 37, inner: 65, cols: 43, storage }),
    linearCase('matrix product, large', { rows: 640, inner: 12, cols: 644, storage }), // the GPUs' large tile
    linearCase('vector times matrix', { rows: 1, inner: 68, cols: 44, storage }),
    linearCase('few rows times matrix', { rows: 5, inner: 260, cols: 44, storage }),
    normedCase('normed row times matrix', { rows: 1, inner: 260, cols: 44, storage }),
    normedCase('few normed rows times matrix', { rows: 8, inner: 68, cols: 44, storage }),
  ]),
  epilogueCase('bias, activation, scale and residual', { rows: 9, inner: 19, cols: 45, act: 'silu', scale: 'whole' }),
  swigluCase('SwiGLU', { rows: 5, inner: 33, cols: 21 }),
  swigluCase('SwiGLU, one dispatch', { rows: 1, inner: 36, cols: 20 }),
  swigluCase('SwiGLU of normed rows', { rows: 2, inner: 292, cols: 100, norm: true }),
  swigluCase('SwiGLU of many normed rows', { rows: 9, inner: 36, cols: 20, norm: true }),
  matmulCase('product of activations', { items: 2, rows: 5, inner: 7, cols: 3, alpha: 0.25 }),
];

const sized = (name: string, rows: number, inner: number, cols: number) =>
  STORAGES.map((storage) =>
    measured(linearCase(name, { rows, inner, cols, storage }), 2 * rows * inner * cols, rows * inner + inner * cols + rows * cols),
  );

export const paper = (): Measured[] => [
  ...sized('matmul_512', 512, 512, 512),
  ...sized('matmul_1024', 1024, 1024, 1024),
  ...sized('matmul_1x512x2048', 1, 512, 2048),
  ...sized('lm_decode_ffn', 1, 1024, 4096),
  ...sized('lm_prefill_ffn', 262, 1024, 4096),
  ...sized('dpd_coarse_ffn', 80 * 8, 768, 3072),
  ...sized('dpd_sru', 80 * 64, 768, 1536),
  measured(swigluCase('lm_prefill_swiglu', { rows: 262, inner: 1024, cols: 1024 }), 4 * 262 * 1024 ** 2, (2 * 262 + 2 * 1024) * 1024),
];
