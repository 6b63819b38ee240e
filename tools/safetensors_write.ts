import { MelodyError } from '../src/errors.ts';
import { printable } from '../src/weights/printable.ts';
import { DTYPE_BITS, type Dtype } from '../src/weights/safetensors.ts';

/** A tensor to write: `bytes` are its elements, little-endian, row-major. */
export interface TensorData {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

const LAYOUT_ORDER = Object.keys(DTYPE_BITS);

/**
 * A safetensors file, byte for byte as the reference writes it: tensors by falling alignment, then by name; the header padded with
 * spaces to a multiple of 8, so that every tensor lies on its alignment. Metadata keys are sorted, for equal bytes; the reference
 * (safetensors 0.8.0) puts them in another order with each call. Throws `weights` on input that the reader would refuse.
 */
export function writeSafetensors(tensors: readonly TensorData[], metadata: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  const sorted = [...tensors].sort(
    (a, b) => LAYOUT_ORDER.indexOf(b.dtype) - LAYOUT_ORDER.indexOf(a.dtype) || compareByCodePoint(a.name, b.name),
  );
  const fields: string[] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => compareByCodePoint(a, b));
  if (notes.length > 0) fields.push(`"__metadata__":{${notes.map(([key, text]) => `${quoted(key)}:${quoted(text)}`).join(',')}}`);
  const names = new Set(['', '__metadata__']);
  let end = 0;
  for (const tensor of sorted) {
    checkTensor(tensor, names);
    const begin = end;
    end += tensor.bytes.length;
    fields.push(`${quoted(tensor.name)}:{"dtype":"${tensor.dtype}","shape":[${tensor.shape}],"data_offsets":[${begin},${end}]}`);
  }
  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  let at = start;
  for (const { bytes } of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** Bytes of numbers as F32, I32 or any other typed array's elements. */
export function bytesOfArray(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function checkTensor({ name, dtype, shape, bytes }: TensorData, names: Set<string>): void {
  const bits = shape.reduce((n, d) => n * d, DTYPE_BITS[dtype]);
  const label = `tensor "${printable(name)}" ${dtype} [${shape.join(', ')}]`;
  if (names.has(name) || name.includes('\0')) throw new MelodyError('weights', `${label}: the name is empty, reserved or taken`);
  names.add(name);
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0)) throw new MelodyError('weights', `${label}: bad shape`);
  if (bits !== bytes.length * 8) throw new MelodyError('weights', `${label}: got ${bytes.length} bytes, expected ${bits / 8}`);
}

function quoted(text: string): string {
  if (/\p{Cs}/u.test(text)) throw new MelodyError('weights', `"${printable(text)}" has a lone surrogate and cannot be written as UTF-8`);
  return JSON.stringify(text);
}

/** As UTF-8 bytes compare; `<` would put astral characters before U+E000. */
function compareByCodePoint(a: string, b: string): number {
  const [left, right] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  const i = left.findIndex((byte, at) => byte !== right[at]);
  return i < 0 ? left.length - right.length : (left[i] as number) - (right[i] ?? -1);
}
