// The safetensors format: 8 bytes N (little-endian), N bytes of JSON, then the tensors' bytes without holes.
// https://huggingface.co/docs/safetensors - read here more strictly than by the reference: whatever two readers could read
// differently (duplicate keys, null metadata, extra fields, dimensions past 2^48) is refused. Never throws anything but MelodyError.
import { MelodyError } from '../errors.ts';
import type { ByteSource } from '../platform/bytes.ts';
import { JsonScanner } from './json.ts';
import { printable } from './printable.ts';

/** Bits of one element. The order is the one in which writers lay tensors out (last first), by growing alignment. */
export const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** An element type that a safetensors header may name. */
export type Dtype = keyof typeof DTYPE_BITS;

const DTYPES: ReadonlyMap<string, Dtype> = new Map(Object.keys(DTYPE_BITS).map((dtype) => [dtype, dtype as Dtype]));

/** One tensor of a file; nothing of its values has been read. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/** What the front of a file says. */
export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

const MAX_HEADER = 100_000_000; // as the reference
const MAX_INTEGER = 2 ** 48; // dimensions, element counts and offsets, as the format's JSON schema
const MAX_RANK = 8;
const MAX_METADATA = 4096; // keys; in the wild there are some hundreds at most
const OPENING_BRACE = 0x7b; // every header starts with it, perhaps after white space
const WHITE = [0x20, 0x09, 0x0a, 0x0d];
const FIRST_READ = 64 * 1024; // most headers come with the first read

/** Reads and checks the header: frame, JSON, names, dtypes, shapes, and that the tensors' byte ranges tile the file exactly. */
export async function readHeader(source: ByteSource, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const where = source.name;
  const front = await source.read(0, Math.min(source.size, FIRST_READ), signal);
  const first = front.find((byte, i) => i >= 8 && !WHITE.includes(byte));
  if (first !== OPENING_BRACE) {
    // Not before: the length of a real header may look like any mark.
    const { fileKind } = await import('../platform/file_kind.ts'); // which few files need
    const other = fileKind(front);
    if (other) throw new MelodyError('weights', `${where}: not a safetensors file: got ${other.what}`, other.hint);
  }
  if (source.size < 8) {
    throw damaged(`${where}: not a safetensors file: got ${source.size} bytes, expected at least 8`);
  }
  const declared = new DataView(front.buffer, front.byteOffset, 8).getBigUint64(0, true);
  if (declared > MAX_HEADER) throw damaged(`${where}: header length ${declared} is over the limit of ${MAX_HEADER} bytes`);
  const length = Number(declared);
  const start = 8 + length;
  if (start > source.size) throw damaged(`${where}: header length ${length} runs past the end of the file of ${source.size} bytes`);
  const text = start <= front.length ? front.subarray(8, start) : await source.read(8, length, signal);
  return parseHeader(text, where, start, source.size);
}

function parseHeader(text: Uint8Array, where: string, start: number, size: number): SafetensorsHeader {
  const scanner = new JsonScanner(text, `${where}: header`);
  const list: TensorInfo[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  scanner.object('the header', (name) => {
    if (name === '__metadata__') metadata = readMetadata(scanner);
    else list.push(readEntry(scanner, name, start));
  });
  scanner.end();
  checkTiling(list, where, start, size);
  return { tensors: new Map(list.map((tensor) => [tensor.name, tensor])), metadata };
}

function readMetadata(scanner: JsonScanner): Map<string, string> {
  const metadata = new Map<string, string>();
  scanner.object('__metadata__', (key) => {
    if (metadata.size === MAX_METADATA) scanner.fail(`more than ${MAX_METADATA} keys in __metadata__`);
    metadata.set(key, scanner.string('a value of __metadata__'));
  });
  return metadata;
}

function readEntry(scanner: JsonScanner, name: string, start: number): TensorInfo {
  if (name === '') scanner.fail('a tensor has an empty name');
  if (name.includes('\0')) scanner.fail(`tensor name "${printable(name)}" holds a NUL character`);
  scanner.tensor = name;
  let dtype: Dtype | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object('the entry', (field) => {
    if (field === 'dtype') dtype = readDtype(scanner);
    else if (field === 'shape') shape = readIntegers(scanner, 'shape', MAX_RANK);
    else if (field === 'data_offsets') offsets = readIntegers(scanner, 'data_offsets', 2);
    else scanner.fail(`unknown field "${printable(field)}"; expected dtype, shape and data_offsets`);
  });
  if (!dtype || !shape || !offsets) scanner.fail(`no ${!dtype ? 'dtype' : !shape ? 'shape' : 'data_offsets'}`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) scanner.fail(`data_offsets must be two numbers; got ${offsets.length}`);
  if (end < begin) scanner.fail(`data_offsets end before they begin: [${begin}, ${end}]`);
  const bytes = byteLength(scanner, dtype, shape);
  if (end - begin !== bytes) {
    scanner.fail(`${dtype} [${shape.join(', ')}] takes ${bytes} bytes; data_offsets [${begin}, ${end}] hold ${end - begin}`);
  }
  scanner.tensor = '';
  return { name, dtype, shape, begin: start + begin, end: start + end };
}

function readDtype(scanner: JsonScanner): Dtype {
  const text = scanner.string('dtype');
  const dtype = DTYPES.get(text);
  if (!dtype) scanner.fail(`unknown dtype "${printable(text)}"`);
  return dtype;
}

function readIntegers(scanner: JsonScanner, what: string, most: number): number[] {
  const list: number[] = [];
  scanner.array(what, () => {
    if (list.length === most) scanner.fail(`${what} has more than ${most} numbers`);
    list.push(scanner.integer(what, MAX_INTEGER));
  });
  return list.slice(); // without the room that push keeps ahead: a header may hold very many tensors
}

/** Bytes of a tensor. Zero dimensions do not excuse the others: their product must stay within 2^48, in any order. */
function byteLength(scanner: JsonScanner, dtype: Dtype, shape: readonly number[]): number {
  let elements = 1;
  for (const dim of shape) if (dim > 0) elements *= dim; // as a double: past 2^53 inexact, never back under 2^48
  if (elements > MAX_INTEGER) scanner.fail(`shape [${shape.join(', ')}] has more than 2^48 elements`);
  if (shape.includes(0)) elements = 0;
  const bits = elements * DTYPE_BITS[dtype];
  if (bits % 8 !== 0) scanner.fail(`${elements} elements of ${dtype} do not fill whole bytes`);
  return bits / 8;
}

/** Sorts the tensors by their bytes; these must cover [start, size) without a hole or overlap. */
function checkTiling(list: TensorInfo[], where: string, start: number, size: number): void {
  list.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = start;
  for (const { name, begin, end } of list) {
    if (begin !== at) {
      const fault = begin > at ? `a hole of ${begin - at} bytes before` : 'an overlap at the start of';
      throw damaged(`${where}: ${fault} tensor "${printable(name)}" at data offset ${begin - start}, expected ${at - start}`);
    }
    at = end;
  }
  if (at < size) throw damaged(`${where}: ${size - at} bytes follow the last tensor; expected the file to end at ${at}`);
  if (at > size) throw damaged(`${where}: the file is cut short: got ${size} bytes, expected ${at}`);
}

function damaged(message: string): MelodyError {
  return new MelodyError('weights', message, 'The file is damaged or not a safetensors file: fetch or export it again.');
}
