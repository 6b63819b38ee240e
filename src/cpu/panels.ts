// How weights lie for the CPU's kernels: f32 always; matrices in panels of eight columns, k by k, so that a product is one forward stream.
import { f16ToF32 } from '../graph/half.ts';
import type { TensorStorage, WeightMatrix } from '../graph/tensor.ts';

const WIDE = 8;

type Values = Float32Array | Uint16Array | Int32Array | Uint32Array;

/** The matrix that a weight is to the kernels of products; undefined for all else. */
export const matrixOf = ({ weight }: TensorStorage): WeightMatrix | undefined => weight?.layout.matrix?.(weight.ref.shape);

/** Bytes of a storage in the CPU's memory: f16 is widened, panels are whole. */
export function cpuBytes(storage: TensorStorage): number {
  const matrix = matrixOf(storage);
  if (matrix) return 4 * matrix.groups * Math.ceil(matrix.cols / WIDE) * WIDE * matrix.rows;
  return storage.dtype === 'f16' ? 4 * storage.elements : storage.bytes;
}

/** `data` as in the file (f16 as bits) → out [groups, panels, rows, 8], zeros behind the last column. */
export function packPanels(data: Values, { groups, rows, cols, rowAt, colAt, filled }: WeightMatrix, out: Float32Array): void {
  const halves = data instanceof Uint16Array;
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const table = halves ? halfTable() : undefined;
  const rowPlaces = Uint32Array.from({ length: rows }, (_, r) => rowAt(r));
  const ends = filled && Uint32Array.from({ length: rows }, (_, r) => filled(r));
  let to = 0;
  for (let g = 0; g < groups; g++)
    for (let first = 0; first < cols; first += WIDE) {
      const some = Math.min(WIDE, cols - first);
      for (let j = 0; j < WIDE; j++) {
        if (j >= some) {
          for (let r = 0; r < rows; r++) out[to + r * WIDE + j] = 0;
          continue;
        }
        const column = colAt(g, first + j);
        let at = to + j;
        for (let r = 0; r < rows; r++, at += WIDE) {
          if (ends && first + j >= ends[r]) out[at] = 0;
          else if (table) words[at] = table[data[rowPlaces[r] + column]];
          else out[at] = data[rowPlaces[r] + column];
        }
      }
      to += rows * WIDE;
    }
}

let table: Uint32Array | undefined;

/** f32 bits of every f16. */
function halfTable(): Uint32Array {
  table ??= new Uint32Array(f16ToF32(Uint16Array.from({ length: 65_536 }, (_, i) => i)).buffer);
  return table;
}
