// How weights lie for the CPU's kernels: f32 always; matrices in panels of eight columns, k by k, so that a product is one forward stream.
// The threads lay them out (kernels/cpu/lib/pack.ts), so that the host's event loop stays free.
import type { TensorStorage, WeightMatrix } from '../graph/tensor.ts';

const WIDE = 8;
const VALUES_A_PART = 65_536; // where the thread that calls does it, between two turns of its event loop

/** The matrix that a weight is to the kernels of products; undefined for all else. */
export const matrixOf = ({ weight }: TensorStorage): WeightMatrix | undefined => weight?.layout.matrix?.(weight.ref.shape);

/** Does a matrix stay in halves? Products then widen its panels as they read them. */
export const inHalves = (storage: TensorStorage): boolean =>
  storage.weight?.ref.compact === true && storage.dtype === 'f16' && matrixOf(storage) !== undefined;

/** Bytes of a storage in the CPU's memory: f16 is widened, panels are whole. */
export function cpuBytes(storage: TensorStorage): number {
  const matrix = matrixOf(storage);
  if (matrix) return (inHalves(storage) ? 2 : 4) * matrix.groups * Math.ceil(matrix.cols / WIDE) * WIDE * matrix.rows;
  return storage.dtype === 'f16' ? 4 * storage.elements : storage.bytes;
}

/** Nine words: from, to, halves (1: to be widened, 2: to stay), groups, rows, cols, and where behind the first of them three tables lie (0: none); then those tables. */
export function packing(
  what: { readonly from: number; readonly to: number; readonly halves: 0 | 1 | 2; readonly values: number },
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
  words.set([what.from, what.to, what.halves, groups, rows, cols]);
  let next = 9;
  for (const [i, table] of tables.entries()) {
    if (table.length === 0) continue;
    words[6 + i] = 4 * next;
    words.set(table, next);
    next += table.length;
  }
  return { words, parts: Math.ceil(what.values / VALUES_A_PART) };
}
