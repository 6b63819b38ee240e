// How weights lie on the GPU: rearranged once at load, so that kernels read them in order.

import { f16ToF32 } from '../graph/half.ts';
import type { WeightLayout, WeightMatrix, WeightRef } from '../graph/tensor.ts';

/** As in the file, as f32: for norms, biases and other small vectors, where halving bytes saves nothing. */
export const VECTOR: WeightLayout = {
  key: 'vector',
  dtype: 'f32',
  pack: (data) => (data instanceof Uint16Array ? f16ToF32(data) : data),
};

/** A vector as f32 with zeros after it, up to `cols`: the bias of a product whose columns are rounded up. */
export const paddedVector = (cols: number): WeightLayout => ({
  key: `padded ${cols}`,
  dtype: 'f32',
  elements: () => cols,
  pack(data) {
    const out = new Float32Array(cols);
    out.set(data instanceof Uint16Array ? f16ToF32(data) : data);
    return out;
  },
});

/** As in the file, f32 or f16 (pairs in words): for tables whose rows are picked. */
export const flat = (ref: WeightRef): WeightLayout => ({ key: 'flat', dtype: ref.dtype });

/** A vector repeated, as f32: the bias of a transposed convolution, whose columns are `times` phases of its channels. */
export function repeated(times: number): WeightLayout {
  return {
    key: `repeated ${times}`,
    dtype: 'f32',
    elements: ([n]) => n * times,
    pack(data) {
      const vector = data instanceof Uint16Array ? f16ToF32(data) : data;
      const out = new Float32Array(vector.length * times);
      for (let i = 0; i < times; i++) out.set(vector, i * vector.length);
      return out;
    },
  };
}

/** Columns of a packed matrix: the kernels read four at a time, and f16 values lie in pairs. */
export const packedCols = (cols: number): number => Math.ceil(cols / 4) * 4;

/** The right-hand matrix of the matmul kernels: [N, ...K] of the file as [K, packedCols(N)]. */
export function linearLayout(ref: WeightRef): WeightLayout {
  return packed(ref, 'linear', ([n, ...inner]) => {
    const k = inner.reduce((a, b) => a * b, 1);
    return { groups: 1, rows: k, cols: n, rowAt: (r) => r, colAt: (_g, c) => c * k };
  });
}

/** A weight already stored as [K, N]: the rows of the SRU's products. */
export function inputMajorLayout(ref: WeightRef): WeightLayout {
  return packed(ref, 'input major', ([k, n]) => ({ groups: 1, rows: k, cols: n, rowAt: (r) => r * n, colAt: (_g, c) => c }));
}

/** A convolution's weight [Cout, Cin/groups, K] as [groups, K · Cin/groups, packedCols(Cout/groups)], rows tap by tap. */
export function convLayout(ref: WeightRef, groups: number): WeightLayout {
  return packed(ref, `conv ${groups}`, ([cout, cin, taps]) => ({
    groups,
    rows: taps * cin,
    cols: cout / groups,
    rowAt: (r) => (r % cin) * taps + Math.floor(r / cin),
    colAt: (g, c) => ((g * cout) / groups + c) * cin * taps,
  }));
}

/** A depthwise convolution's weight [C, 1, K] as [K, C], f32. */
export const DEPTHWISE: WeightLayout = {
  key: 'depthwise',
  dtype: 'f32',
  pack(data, [channels, , taps]) {
    const values = data instanceof Uint16Array ? f16ToF32(data) : data;
    const out = new Float32Array(values.length);
    for (let c = 0; c < channels; c++) for (let j = 0; j < taps; j++) out[j * channels + c] = values[c * taps + j];
    return out;
  },
};

/**
 * A transposed convolution's weight [Cin, Cout, K] as the matrix of a plain one over ⌈K/stride⌉ input steps, oldest first, whose
 * columns are [stride phases, Cout]: y[q·stride + phase] = Σ_j x[q − j] · w[:, :, j·stride + phase].
 */
export function convTransposeLayout(ref: WeightRef, stride: number): WeightLayout {
  return packed(ref, `conv transpose ${stride}`, ([cin, cout, taps]) => {
    const steps = Math.ceil(taps / stride);
    const firstTap = (r: number) => (steps - 1 - Math.floor(r / cin)) * stride;
    return {
      groups: 1,
      rows: steps * cin,
      cols: stride * cout,
      rowAt: (r) => (r % cin) * cout * taps + firstTap(r),
      colAt: (_g, c) => (c % cout) * taps + Math.floor(c / cout),
      filled: (r) => Math.min(stride, taps - firstTap(r)) * cout, // phases that the last, shorter step still has
    };
  });
}

function packed(ref: WeightRef, key: string, of: (shape: readonly number[]) => WeightMatrix): WeightLayout {
  const size = ({ groups, rows, cols }: WeightMatrix) => groups * rows * packedCols(cols);
  return {
    key,
    dtype: ref.dtype,
    matrix: of,
    elements: (shape) => size(of(shape)),
    pack(data, shape) {
      const matrix = of(shape);
      const { groups, rows, cols, rowAt, colAt, filled } = matrix;
      const width = packedCols(cols);
      const length = size(matrix);
      const out = data instanceof Uint16Array ? new Uint16Array(length) : new Float32Array(length);
      for (let g = 0; g < groups; g++) {
        const columns = Uint32Array.from({ length: cols }, (_, c) => colAt(g, c)); // known once: no call in the inner loop
        for (let r = 0; r < rows; r++) {
          const from = rowAt(r);
          const to = (g * rows + r) * width;
          const end = filled?.(r) ?? cols;
          for (let c = 0; c < end; c++) out[to + c] = data[from + columns[c]];
        }
      }
      return out;
    },
  };
}
