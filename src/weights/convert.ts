// Stored bytes to what the graph takes, and the checks of values. Typed arrays are little-endian here, as on every machine with WebGPU.
import type { DType, WeightPiece } from '../graph/tensor.ts';
import type { Dtype } from './safetensors.ts';

/** Elements on their way to the graph; f16 as bits. */
export type Elements = WeightPiece['data'];

/** What each stored dtype becomes, always exactly. Dtypes that are not here are only listed. */
export const READ_AS: Readonly<Partial<Record<Dtype, DType>>> = {
  F32: 'f32',
  BF16: 'f32',
  F16: 'f16',
  I64: 'i32', // refused where a value does not fit
  I32: 'i32',
  I16: 'i32',
  I8: 'i32',
  U32: 'u32',
  U16: 'u32',
  U8: 'u32',
  BOOL: 'u32',
};

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

/** Arrays that hold elements of each type; f16 as bits. */
export const ELEMENT_ARRAY = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array } as const;

/** The stored bytes as elements, without copying where type and alignment allow. An I64 past 32 bits gives its index instead. */
export function toElements(dtype: Dtype, bytes: Uint8Array, scratch: () => ArrayBuffer): Elements | number {
  switch (dtype) {
    case 'F32':
      return viewOf(Float32Array, bytes);
    case 'F16':
      return viewOf(Uint16Array, bytes);
    case 'I32':
      return viewOf(Int32Array, bytes);
    case 'U32':
      return viewOf(Uint32Array, bytes);
    case 'BF16':
      return widenBf16(viewOf(Uint16Array, bytes), new Uint32Array(scratch()));
    case 'I64':
      return narrowI64(viewOf(Int32Array, bytes), new Int32Array(scratch()));
    case 'I16':
      return spread(viewOf(Int16Array, bytes), new Int32Array(scratch()));
    case 'I8':
      return spread(viewOf(Int8Array, bytes), new Int32Array(scratch()));
    case 'U16':
      return spread(viewOf(Uint16Array, bytes), new Uint32Array(scratch()));
    default:
      return spread(bytes, new Uint32Array(scratch())); // U8 and BOOL
  }
}

/** Index of the first value that no honest weight has - NaN or infinity, or a BOOL that is not 0 or 1 - or -1. */
export function firstBadValue(dtype: Dtype, bytes: Uint8Array, allowNonFinite: boolean): number {
  if (dtype === 'BOOL') return bytes.findIndex((byte) => byte > 1);
  if (allowNonFinite) return -1;
  switch (dtype) {
    case 'F32':
      return firstWithExponent(viewOf(Uint32Array, bytes), 0x7f800000, 0, 1);
    case 'C64':
      return firstWithExponent(viewOf(Uint32Array, bytes), 0x7f800000, 0, 1) >> 1;
    case 'F64':
      return firstWithExponent(viewOf(Uint32Array, bytes), 0x7ff00000, 1, 2) >> 1;
    case 'F16':
      return firstWithExponent(viewOf(Uint16Array, bytes), 0x7c00, 0, 1);
    case 'BF16':
      return firstWithExponent(viewOf(Uint16Array, bytes), 0x7f80, 0, 1);
    default:
      return -1; // 8-bit floats and smaller are only listed
  }
}

/** By bits, not by comparison: an exponent of ones is a NaN or an infinity. Looks at every `step`-th word from `from` on. */
function firstWithExponent(words: Uint32Array | Uint16Array, exponent: number, from: number, step: number): number {
  for (let i = from; i < words.length; i += step) if (((words[i] as number) & exponent) === exponent) return i;
  return -1;
}

interface ArrayType<T> {
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** `bytes` seen as wider elements; copied where they do not lie on the elements' alignment, as a file may place them. */
function viewOf<T>(type: ArrayType<T>, bytes: Uint8Array): T {
  const width = type.BYTES_PER_ELEMENT;
  const whole = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new type(whole.buffer, whole.byteOffset, bytes.length / width);
}

function widenBf16(halves: Uint16Array, out: Uint32Array): Float32Array {
  for (let i = 0; i < halves.length; i++) out[i] = (halves[i] as number) << 16;
  return new Float32Array(out.buffer, 0, halves.length);
}

/** Pairs of words, the lower first: a value fits 32 bits when its upper word only repeats the sign. */
function narrowI64(words: Int32Array, out: Int32Array): Int32Array | number {
  const length = words.length / 2;
  for (let i = 0; i < length; i++) {
    const low = words[2 * i] as number;
    if (words[2 * i + 1] !== low >> 31) return i;
    out[i] = low;
  }
  return out.subarray(0, length);
}

function spread<T extends Int32Array | Uint32Array>(values: ArrayLike<number>, out: T): T {
  out.set(values);
  return out.subarray(0, values.length) as T;
}
