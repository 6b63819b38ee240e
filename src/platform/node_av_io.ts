// What reading and writing by `node-av` share: errors, turns, and files in memory.
import { constants } from 'node:os';
import { MelodyError } from '../errors.ts';
import type { SyncBytes } from './codecs.ts';
import * as av from './node_av.ts';

const IO_BYTES = 65_536;
/** "Give me more first": FFmpeg's errors are the system's, negative. */
export const EAGAIN = -constants.errno.EAGAIN;
/** So many packets at a time, some milliseconds: their thread hops would take longer than they do. Then other work has its turn. */
export const TURN = 64;
export const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

export const fault = (what: string, hint?: string, cause?: unknown): MelodyError => new MelodyError('audio', what, hint, { cause });

export function check(lib: av.NodeAv, code: number, doing: string): number {
  if (code < 0) throw fault(`${doing}: ${new lib.FFmpegError(code).message}`);
  return code;
}

/** A file that grows in memory, written from any place. */
export class Memory {
  #bytes = new Uint8Array(1 << 20);
  #end = 0;
  #at = 0;

  write(bytes: Uint8Array): number {
    const end = this.#at + bytes.length;
    if (end > this.#bytes.length) {
      const more = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      more.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = more;
    }
    this.#bytes.set(bytes, this.#at);
    this.#at = end;
    this.#end = Math.max(this.#end, end);
    return bytes.length;
  }

  seek(offset: bigint, whence: number): bigint {
    if (whence === av.AVSEEK_SIZE) return BigInt(this.#end);
    this.#at = Number(offset) + Number([0, this.#at, this.#end].at(whence & 3));
    return BigInt(this.#at);
  }

  bytes = (): Uint8Array => this.#bytes.slice(0, this.#end);
}

/** A file that is written front to back, and taken piece by piece. */
export class Flow {
  #parts: Uint8Array[] = [];

  write(bytes: Uint8Array): number {
    this.#parts.push(bytes.slice());
    return bytes.length;
  }

  /** What came since the last time. */
  take = (): Uint8Array => Buffer.concat(this.#parts.splice(0));
}

export function writer(lib: av.NodeAv, to: Memory | Flow): av.IOContext {
  const io = new lib.IOContext();
  const seek = to instanceof Memory ? (offset: bigint, whence: number) => to.seek(offset, whence) : undefined;
  io.allocContextWithCallbacks(IO_BYTES, 1, null, (bytes) => to.write(bytes), seek);
  return io;
}

/** What `io` reads of `bytes`. An error of reading, which cannot pass through FFmpeg, ends the file for it and is thrown by `failed` afterwards. */
export function reader(lib: av.NodeAv, bytes: Uint8Array | SyncBytes): { io: av.IOContext; failed: () => void } {
  const io = new lib.IOContext();
  const size = bytes instanceof Uint8Array ? bytes.length : bytes.size;
  let at = 0;
  let error: unknown;
  const read = (most: number) => {
    const length = Math.min(most, size - at);
    if (length <= 0 || error) return null;
    try {
      const part = bytes instanceof Uint8Array ? bytes.subarray(at, at + length) : bytes.readSync(at, length);
      at += length;
      return Buffer.from(part.buffer, part.byteOffset, length);
    } catch (cause) {
      error = cause;
      return null;
    }
  };
  io.allocContextWithCallbacks(IO_BYTES, 0, read, null, (offset, whence) => {
    if (whence === av.AVSEEK_SIZE) return BigInt(size);
    at = Math.max(0, Math.min(size, Number(offset) + Number([0, at, size].at(whence & 3))));
    return BigInt(at);
  });
  const failed = () => {
    if (error) throw error;
  };
  return { io, failed };
}
