// Handles, not data: a Tensor is a shape over a TensorStorage, a TensorStorage is the promise of one GPU buffer.
import { MelodyError } from '../errors.ts';

/** 'f16' is stored as pairs in 32-bit words (unpack2x16float), so it needs no shader-f16. */
export type DType = 'f32' | 'f16' | 'u32' | 'i32';

/**
 * A lifetime: `weight` is uploaded once, `state` lives across runs (KV cache, latents, counters), `temp` is a slot of its plan,
 * `input` is written by the host before a run, `output` is read by it after.
 */
export type Kind = 'weight' | 'state' | 'temp' | 'input' | 'output';

/** One piece of a weight, in file order; f16 values travel as their bits in a Uint16Array. */
export interface WeightPiece {
  readonly offset: number; // elements from the start of the tensor
  readonly data: Float32Array | Uint16Array | Int32Array | Uint32Array;
}

/** A named tensor of a weights file, not yet read. src/weights makes them; one object per name, so identity is a cache key. */
export interface WeightRef {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /**
   * What its matrices are kept as on the CPU, which else has all as f32: 'f16' (of halves alone) is widened each time that it is read, 'int8' is a
   * byte a number and a scale a row. GPUs keep what the file has.
   */
  readonly compact?: 'f16' | 'int8';
  read(signal?: AbortSignal): AsyncIterable<WeightPiece>;
}

/** How a weight lies on the GPU. Without `pack` the file's order is kept. */
export interface WeightLayout {
  readonly key: string; // equal keys give equal bytes
  readonly dtype: DType;
  /** The matrix that this layout makes of the tensor, where it does: an executor may lay out the same matrix in its own way. */
  matrix?(shape: readonly number[]): WeightMatrix;
  /** Elements on the GPU, where that is not as many as in the file. */
  elements?(shape: readonly number[]): number;
  /** Rearrange the whole tensor into so many. `data` is Uint16Array (f16 bits) when ref.dtype is f16. */
  pack?(data: Float32Array | Uint16Array | Int32Array | Uint32Array, shape: readonly number[]): ArrayBufferView;
}

/** A weight as the right-hand matrices of a product, one a group. */
export interface WeightMatrix {
  readonly groups: number;
  readonly rows: number;
  readonly cols: number;
  /** An element's index in the file is the sum of its row's part and its column's. */
  rowAt(row: number): number;
  colAt(group: number, col: number): number;
  /** Columns of this row that are in the file; zeros after them. Default: all. */
  filled?(row: number): number;
}

export interface TensorStorage {
  kind: Kind; // a temp becomes an output when the graph names it so
  readonly dtype: DType;
  readonly elements: number;
  readonly bytes: number;
  readonly label: string;
  readonly weight?: { readonly ref: WeightRef; readonly layout: WeightLayout };
}

export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly storage: TensorStorage;
}

export const elementsOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Bytes of `elements` of a dtype, in whole 32-bit words. */
export const bytesOf = (elements: number, dtype: DType): number => (dtype === 'f16' ? Math.ceil(elements / 2) * 4 : elements * 4);

export function makeStorage(
  kind: Kind,
  shape: readonly number[],
  dtype: DType,
  label: string,
  weight?: TensorStorage['weight'],
): TensorStorage {
  for (const d of shape)
    if (!Number.isInteger(d) || d < 1)
      throw new MelodyError('shape', `${label}: every dimension must be a positive integer; got [${shape}]`);
  const elements = weight?.layout.elements?.(shape) ?? elementsOf(shape);
  return { kind, dtype, elements, bytes: bytesOf(elements, dtype), label, ...(weight && { weight }) };
}

/** A tensor that outlives plans: zero at first, shared by every plan that records it. */
export function state(label: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
  return { shape, dtype, storage: makeStorage('state', shape, dtype, label) };
}

/** The same elements under another shape. Throws `shape` when the counts differ. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (elementsOf(shape) !== elementsOf(x.shape))
    throw new MelodyError('shape', `reshape ${x.storage.label}: got [${x.shape}] to [${shape}], expected equal element counts`);
  return { ...x, shape };
}
