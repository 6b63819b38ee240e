import type { ByteFolder, ByteSource } from './bytes.ts';
import type { AudioCodecs } from './codecs.ts';

/**
 * What differs between Node and a browser: how the GPU is found, how bytes are opened, where downloads are kept. One object of this type
 * in node.ts, one in web.ts; everything else imports `#platform`, which package.json maps to the right one.
 */
export interface Platform {
  readonly name: 'node' | 'web';
  /** This machine's WebGPU entry point. Throws `no_adapter` where there is none at all. */
  openGpu(options?: OpenGpuOptions): Promise<GPU>;
  /** Certain that there is no hardware GPU, without asking for one: drivers of software ones write to the terminal when they are asked (Node on Linux). */
  readonly lacksGpu?: boolean;
  /** A file, address or buffer, to be read by range. Throws `io`. */
  openBytes(location: BytesLocation, options?: OpenOptions): Promise<ByteSource>;
  /** A folder of files, an address that ends in one, or (Node) the name of an installed model or of one of the hub, `hf:owner/name`. Nothing is read yet; `open` on it throws `io`. */
  openFolder(location: string | URL, options?: OpenOptions): ByteFolder;
  /** Which WebGPU implementation this is, with its version where that is known. */
  readonly runtime: string;
  /** Small things learnt about this machine, kept between runs where there is room. Best effort: nothing here throws. */
  readonly facts: Facts;
  /** Bytes of memory that programs may still take; undefined where it cannot be known. */
  freeMemory(): number | undefined;
  /** SHA-256 of a file that may be large, in hexadecimal, remembered while the file stays as it is (Node). Throws `io`, `aborted`. */
  hashOf?(source: ByteSource, signal?: AbortSignal): Promise<string>;
  /** Threads, where they are not those of a page (web_threads.ts). */
  readonly threads?: Threads;
  /** Does work of audio/sound_work.ts, by name, on a thread of its own (Node). Undefined: do it yourself. Throws `aborted`. */
  aside?(name: string, args: readonly unknown[], signal?: AbortSignal): Promise<{ readonly value: unknown } | undefined>;
  /** Such work comes soon: the thread may start. */
  expectAside?(): void;
  /** Tells what happens to whoever listens in this process, under this name (Node: diagnostics_channel). */
  publish?(name: string, message: object): void;
  /** Readers and writers of audio files other than WAV, where there are any. Throws `audio` where they are not installed. */
  openCodecs?(): Promise<AudioCodecs>;
  /** Complete files fetched from addresses, kept between runs. */
  readonly cache: DownloadCache;
}

/** What the CPU executor wants of a machine. */
export interface Threads {
  /** Processors that threads may use. */
  readonly cores: number;
  /** May memory be shared between threads here? A page must be cross-origin isolated for it. */
  readonly canShareMemory: boolean;
  /** A thread that calls `code`, the text of a function of `data` and of `post`, by which it sends messages. It does not keep the process alive. */
  startThread(code: string, data: unknown, on: ThreadEvents): Thread;
}

export interface ThreadEvents {
  message(data: unknown): void;
  /** The thread is over, by itself or by an error. Not called after `stop`. */
  end(reason: string): void;
}

export interface Thread {
  /** Keep the process alive for this thread, or not. */
  hold(on: boolean): void;
  stop(): void;
}

/** A path (Node only), an address (https, or http on this machine), or bytes at hand. */
export type BytesLocation = string | URL | ArrayBuffer | Uint8Array | Blob;

export interface OpenGpuOptions {
  /**
   * Sleep while waiting for the GPU instead of spinning (Node only). dawn.node's wait is a busy loop, which on a software adapter takes
   * a core away from the very work it waits for; sleeping costs up to 1 ms of the JavaScript thread at a time.
   * `auto` (default): only when the adapter is a CPU.
   */
  nap?: 'auto' | 'always' | 'never';
  /** Dawn's own settings, such as `enable-dawn-features=dump_shaders` (Node only). */
  dawn?: readonly string[];
}

export interface OpenOptions {
  signal?: AbortSignal | undefined;
  /** Keep what comes from an address in the cache and read it from there: resumed when broken off, usable offline. Default false. */
  cache?: boolean | undefined;
  /** With `cache`: what the file must be. Other bytes are refused (`weights`) and not kept. */
  expected?: StatedBytes | undefined;
  /** Hosts that an address may redirect to, beside its own. Default none. */
  redirectHosts?: readonly string[] | undefined;
  /** Hosts, with a port where there is one, that an address may have; paths are refused then (Node). Default all. */
  allowedHosts?: readonly string[] | undefined;
  /** Asks for addresses. Default the platform's own. */
  fetch?: typeof fetch | undefined;
  /** Sent to the host of an address, and to no other that it redirects to (Node). Default: none. */
  token?: string | undefined;
  /** Called when the server of an address has sent nothing for 5 seconds; after 20 it is given up. */
  onWait?: ((address: string) => void) | undefined;
  /** Called while a file is brought into the cache, with the bytes there and in all; both grow monotonically to `total`. */
  onProgress?: ((received: number, total: number, address: string) => void) | undefined;
}

/** What somebody says that the bytes of a file are. */
export interface StatedBytes {
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
}

export interface DownloadCache {
  /** Where it is, for people. */
  readonly place: string;
  /** All entries, complete or not. */
  list(): Promise<CacheEntry[]>;
  /** Removes what is kept of this address, or everything, whole, partial or damaged. Returns the number of bytes freed. */
  remove(address?: string): Promise<number>;
  /** Reads every complete file again and removes those whose SHA-256 is no longer what it was. Returns their addresses. */
  verify(): Promise<string[]>;
}

export interface Facts {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

/** A file in the cache of downloads. */
export interface CacheEntry {
  /** Where it came from. */
  address: string;
  /** Bytes kept so far. */
  received: number;
  /** Bytes of the complete file. */
  total: number;
}
