import { MelodyError } from '../errors.ts';

/** Bytes that can be read by range: a file, an address, or memory. Nothing is read before `read` is called. */
export interface ByteSource {
  /** Path, address or label, for messages. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** SHA-256 of all of it in hexadecimal, where it was taken as the bytes came (downloads that are kept). */
  readonly sha256?: string;
  /** Changes when the file does: its inode, size and time (files on a disk). */
  readonly version?: string;
  /**
   * Exactly `length` bytes from `offset`, or an `io` error; the caller must not write into them. A source that copies them anyway may put them
   * into `into` [length], which is the caller's again once the promise is kept.
   */
  read(offset: number, length: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
  /** The same without waiting, for decoders that ask for bytes as they go (files on a disk). */
  readSync?(offset: number, length: number): Uint8Array;
}

/** A folder whose files are opened by their plain name (no separators). */
export interface ByteFolder {
  /** Path or address, for messages. */
  readonly name: string;
  /** The file of that name, or undefined where there is none; other failures are `io` errors. */
  open(file: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
  /** A folder in it, where its name does not lead there. */
  part?(name: string): ByteFolder;
  /** What names the very bytes of its files, where it has a manifest.json. Throws `weights`, `io`. */
  identity?(signal?: AbortSignal): Promise<WeightsIdentity | undefined>;
}

/** The very bytes of a model. */
export interface WeightsIdentity {
  /** SHA-256 of manifest.json where every file is what that states; else of the names and hashes of what is there. */
  readonly hash: string;
  /** Files that are not what manifest.json states. */
  readonly changed: readonly string[];
}

/** Bytes already in memory as a source; reads are views, nothing is copied. */
export function memorySource(name: string, data: ArrayBuffer | Uint8Array): ByteSource {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  return {
    name,
    size: bytes.length,
    async read(offset, length, signal) {
      checkRange(this, offset, length, signal);
      return bytes.subarray(offset, offset + length);
    },
  };
}

export const aborted = (name: string): MelodyError => new MelodyError('aborted', `${name}: reading was aborted`);

/** Throws `io` unless [offset, offset + length) lies inside the source, and `aborted`. For the use of ByteSource implementations. */
export function checkRange(source: ByteSource, offset: number, length: number, signal?: AbortSignal): void {
  const ok = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= source.size;
  if (!ok) throw new MelodyError('io', `${source.name}: read of ${length} bytes at ${offset}; got a source of ${source.size} bytes`);
  if (signal?.aborted) throw aborted(source.name);
}

/** A Blob (such as a File from a file picker, or a kept download) as a source; only what is read comes into memory. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length, signal) {
      checkRange(this, offset, length, signal);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/** Throws `io` unless `file` is the plain name of a file in a folder. */
export function checkFileName(folder: string, file: string): void {
  if (file === '' || file === '.' || file === '..' || /[/\\\0]/.test(file)) {
    throw new MelodyError('io', `${folder}: got ${JSON.stringify(file)}, expected the plain name of a file in this folder`);
  }
}

/** SHA-256 of what is in memory, in hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
