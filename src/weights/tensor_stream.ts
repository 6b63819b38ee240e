import { MelodyError } from '../errors.ts';
import type { WeightPiece } from '../graph/tensor.ts';
import type { ByteSource } from '../platform/bytes.ts';
import { ELEMENT_BYTES, firstBadValue, READ_AS, toElements } from './convert.ts';
import { givePlace, takePlace } from './places.ts';
import { printable } from './printable.ts';
import { DTYPE_BITS, type TensorInfo } from './safetensors.ts';

/** At most this many bytes of a tensor are read, or handed out, at a time. */
export const PIECE_BYTES = 4 * 1024 * 1024;

/** How values are read. */
export interface ReadOptions {
  /** Accept NaN and infinity in the values. */
  readonly allowNonFinite?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Streams a tensor's elements in order, in pieces of at most 4 MiB: memory use does not grow with the tensor. A piece's data is
 * valid until the next one is asked for. Throws `non_finite` on NaN or infinity (unless allowed), `weights` on an I64 value
 * past 32 bits, a BOOL that is not 0 or 1, or a dtype that is only listed.
 */
export async function* readTensor(
  source: ByteSource,
  tensor: TensorInfo,
  options: ReadOptions = {},
): AsyncGenerator<WeightPiece, void, undefined> {
  const as = READ_AS[tensor.dtype];
  if (!as) throw fault(source, tensor, 'weights', `cannot be read; expected one of ${Object.keys(READ_AS).join(', ')}`);
  const width = ELEMENT_BYTES[as];
  const elements = ((tensor.end - tensor.begin) / DTYPE_BITS[tensor.dtype]) * 8;
  let made: ArrayBuffer | undefined; // for what has to be converted
  const scratch = () => {
    made ??= new ArrayBuffer(Math.min(PIECE_BYTES, elements * width));
    return made;
  };
  for await (const { offset, bytes } of checkedPieces(source, tensor, width, options)) {
    const data = toElements(tensor.dtype, bytes, scratch);
    if (typeof data === 'number') throw fault(source, tensor, 'weights', `does not fit 32 bits at element ${offset + data}`);
    yield { offset, data };
  }
}

/** Reads every value of a tensor, of any dtype, once; throws as `readTensor` on NaN, infinity or a BOOL that is not 0 or 1. */
export async function checkValues(source: ByteSource, tensor: TensorInfo, options: ReadOptions = {}): Promise<void> {
  for await (const _ of checkedPieces(source, tensor, 1, options));
}

/** Stored bytes in pieces, no more than PIECE_BYTES also when an element takes `width` bytes; one piece is read ahead. */
async function* checkedPieces(
  source: ByteSource,
  tensor: TensorInfo,
  width: number,
  { allowNonFinite = false, signal }: ReadOptions,
): AsyncGenerator<{ offset: number; bytes: Uint8Array }, void, undefined> {
  const stored = DTYPE_BITS[tensor.dtype] / 8;
  const step = Math.floor(PIECE_BYTES / Math.ceil(Math.max(stored, width))) * stored;
  const places: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined]; // one is read while the other is looked at
  const fetch = (at: number, turn: 0 | 1) => {
    if (at >= tensor.end) return undefined;
    const length = Math.min(step, tensor.end - at);
    const place = places[turn] ?? takePlace(length);
    places[turn] = place;
    return source.read(at, length, signal, place.subarray(0, length));
  };
  let turn: 0 | 1 = 0;
  let ahead = fetch(tensor.begin, turn);
  for (let at = tensor.begin; ahead; at += step) {
    const bytes = await ahead;
    turn = turn ? 0 : 1;
    ahead = fetch(at + step, turn);
    ahead?.catch(() => {}); // thrown at the next turn, if the caller comes back for it
    const offset = (at - tensor.begin) / stored;
    const bad = firstBadValue(tensor.dtype, bytes, allowNonFinite);
    if (bad >= 0 && tensor.dtype === 'BOOL') throw fault(source, tensor, 'weights', `is not 0 or 1 at element ${offset + bad}`);
    if (bad >= 0) {
      const hint = 'Training diverged or the file is damaged; --allow-nonfinite (allowNonFinite) reads it all the same.';
      throw fault(source, tensor, 'non_finite', `is NaN or infinite at element ${offset + bad}`, hint);
    }
    yield { offset, bytes };
  }
  for (const place of places) if (place) givePlace(place); // after a fault another read may still be under way into them
}

function fault(
  source: ByteSource,
  { name, dtype, shape }: TensorInfo,
  code: 'weights' | 'non_finite',
  problem: string,
  hint?: string,
): MelodyError {
  return new MelodyError(code, `${source.name}: tensor "${printable(name)}" ${dtype} [${shape.join(', ')}] ${problem}`, hint);
}
