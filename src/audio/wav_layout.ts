/** How WAV files and their kin are laid out in chunks: RIFF, RF64, BW64, RIFX (big-endian) and Sony's W64 (names of 16 bytes, sizes of 64 bits). */

const UNKNOWN_SIZE = 0xffffffff;
/**
 * Data sizes from here on that are more than the file holds are what programs write into a pipe, where they cannot go back: SoX 0x7ffff000
 * less a remainder, LAME 0x7fffffff, arecord 0x80000000 (all seen; libsndfile and ffmpeg read such files whole).
 */
const PIPE_SIZE = 0x7fff0000;

/** How a file is laid out; sizes are the file's claims. */
export interface Layout {
  readonly id: 'RIFF' | 'RF64' | 'BW64' | 'RIFX' | 'W64';
  /** Numbers have their low byte first. */
  readonly little: boolean;
  /** Of a chunk: bytes before what it holds, and what its length is padded to. */
  readonly head: number;
  readonly pad: number;
  /** Where the first chunk stands. */
  readonly first: number;
  readonly riffSize: number;
}

/** Names in W64 are GUIDs: four letters and these bytes (those of "riff" are others). */
const W64_TAIL = '\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a';
const W64_RIFF = 'riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00';

/** By a file's first 40 bytes; undefined for what is no WAV. */
export function layoutOf(start: Uint8Array): Layout | undefined {
  const id = ascii(start, 0, 4);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (start.length >= 40 && ascii(start, 0, 16) === W64_RIFF && ascii(start, 24, 16) === `wave${W64_TAIL}`)
    return { id: 'W64', little: true, head: 24, pad: 8, first: 40, riffSize: longSize(view, 16) };
  if (start.length < 12 || !(id === 'RIFF' || id === 'RF64' || id === 'BW64' || id === 'RIFX') || fourCC(start, 8) !== 'WAVE')
    return undefined;
  const little = id !== 'RIFX';
  return { id, little, head: 8, pad: 2, first: 12, riffSize: view.getUint32(4, little) };
}

/** The head of a chunk at `at`; the id is empty where it has none of four letters, `claimed` may be any number from 0 on. */
export function chunkHead({ id: file, little, head, pad }: Layout, view: DataView, at: number) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, head);
  const padded = (length: number) => Math.ceil(length / pad) * pad;
  if (file !== 'W64') return { id: fourCC(bytes, 0), claimed: view.getUint32(at + 4, little), padded };
  const size = longSize(view, at + 16);
  // W64 counts the head: a size below it is none.
  return { id: ascii(bytes, 4, 12) === W64_TAIL ? fourCC(bytes, 0) : '', claimed: size < head ? Infinity : size - head, padded };
}

/** A size of 64 bits; those beyond whole numbers of JavaScript are cut down to them. */
export function longSize(view: DataView, at: number): number {
  const size = view.getBigUint64(at, true);
  return Number(size > MOST ? MOST : size);
}
const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Bytes of audio for the size that a data chunk claims, perhaps more than are `left`: 0, 0xFFFFFFFF and a pipe's size mean "the writer did not know"
 * unless the file says otherwise. `long`: that of `ds64`; `whole`: the RIFF chunk is as long as the file.
 */
export function dataSize({ id, head }: Layout, claimed: number, left: number, long: number | undefined, whole: boolean): number {
  if (id === 'W64') return claimed + head === Number.MAX_SAFE_INTEGER ? left : claimed; // ffmpeg into a pipe: 2^63 - 1
  // Some writers leave the low 32 bits in `data` where the format asks for 0xFFFFFFFF; `ds64` is the one that holds.
  if (/64/.test(id) && long !== undefined && (claimed === UNKNOWN_SIZE || claimed < long)) return long;
  if (claimed === UNKNOWN_SIZE || (claimed >= PIPE_SIZE && claimed > left)) return left;
  return claimed === 0 && !whole ? left : claimed;
}

export function fourCC(bytes: Uint8Array, at: number): string {
  return ascii(bytes, at, 4);
}

export function ascii(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
