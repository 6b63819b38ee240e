// How weights lie for the CPU's kernels: f32, or what a reference asks for; matrices in panels of eight columns, k by k, so that a product is one
// forward stream.
// The threads lay them out (kernels/cpu/lib/pack.ts), so that the host's event loop stays free.
import type { TensorStorage, WeightMatrix } from '../graph/tensor.ts';

const WIDE = 8;
const VALUES_A_PART = 65_536; // where the thread that calls does it, between two turns of its event loop

/** The matrix that a weight is to the kernels of products; undefined for all else. */
export const matrixOf = ({ weight }: TensorStorage): WeightMatrix | undefined => weight?.layout.matrix?.(weight.ref.shape);

/** What a matrix is kept as: products widen panels of halves as they read them, and have whole-number sums of bytes. */
export function keptAs(storage: TensorStorage): 'f32' | 'f16' | 'int8' {
  const kept = storage.weight?.ref.compact;
  return matrixOf(storage) && (kept === 'int8' || (kept === 'f16' && storage.dtype === 'f16')) ? kept : 'f32';
}

/** Bytes of a panel of `rows` rows; kernels/cpu/lib/bytes.ts has the same sum. */
const PANEL_BYTES = {
  f32: (rows: number) => 4 * WIDE * rows,
  f16: (rows: number) => 2 * WIDE * rows,
  int8: (rows: number) => 4 * WIDE + 2 * WIDE * Math.ceil(rows / 2),
};

/** Bytes of a storage in the CPU's memory: f16 is widened, panels are whole. */
export function cpuBytes(storage: TensorStorage): number {
  const matrix = matrixOf(storage);
  if (matrix) return matrix.groups * Math.ceil(matrix.cols / WIDE) * PANEL_BYTES[keptAs(storage)](matrix.rows);
  return storage.dtype === 'f16' ? 4 * storage.elements : storage.bytes;
}

/** What happens to the values; kernels/cpu/lib/pack.ts has the same numbers. */
const FORM = { floats: 0, widened: 1, halves: 2, bytes: 3, halvesToBytes: 4 } as const;

/** The form in which values come and stay. */
export function formOf(storage: TensorStorage, halves: boolean): number {
  const kept = keptAs(storage);
  if (kept === 'int8') return halves ? FORM.halvesToBytes : FORM.bytes;
  return !halves ? FORM.floats : kept === 'f16' ? FORM.halves : FORM.widened;
}

/** Nine words: from, to, form, groups, rows, cols, and where behind the first of them three tables lie (0: none); then those tables. */
export function packing(
  what: { readonly from: number; readonly to: number; readonly form: number; readonly values: number },
  matrix: WeightMatrix | undefined,
): { words: Uint32Array<ArrayBuffer>; parts: number } {
  const { groups, rows, cols } = matrix ?? { groups: 0, rows: 0, cols: what.values };
  const tables = matrix
    ? [
        Uint32Array.from({ length: rows }, (_, r) => matrix.rowAt(r)),
        Uint32Array.from({ length: groups * cols }, (_, i) => matrix.colAt(Math.floor(i / cols), i % cols)),
        Uint32Array.from({ length: matrix.filled ? rows : 0 }, (_, r) => matrix.filled?.(r) ?? 0),
      ]
    : [];
  const words = new Uint32Array(9 + tables.reduce((n, { length }) => n + length, 0));
  words.set([what.from, what.to, what.form, groups, rows, cols]);
  let next = 9;
  for (const [i, table] of tables.entries()) {
    if (table.length === 0) continue;
    words[6 + i] = 4 * next;
    words.set(table, next);
    next += table.length;
  }
  return { words, parts: Math.ceil(what.values / VALUES_A_PART) };
}
