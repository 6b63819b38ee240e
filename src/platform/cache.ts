// Complete files from addresses, kept between runs. The order of things is here; where the bytes lie is the platform's (`Store`).
import { MelodyError } from '../errors.ts';
import type { ByteSource } from './bytes.ts';
import { type HttpSource, MissingFile } from './http.ts';
import type { OpenOptions } from './platform.ts';

/** What is known of a file: its size, the server's mark of its version, and its SHA-256 once it is complete (Node). */
export interface EntryInfo {
  address: string;
  total: number;
  etag?: string;
  sha256?: string;
}

/** The place of one address in the cache. */
export interface Store {
  /** The complete file, or undefined where there is none. */
  complete(): Promise<{ info: EntryInfo; source: ByteSource } | undefined>;
  /**
   * Starts a download, or takes up what a broken-off one left of the same file (same size and the same version mark; without a mark nothing says
   * that the rest belongs to that part). No two downloads write into the same bytes, whichever process they run in.
   */
  begin(info: EntryInfo): Promise<Download>;
  /** Forgets the address. */
  remove(): Promise<void>;
}

/** A download that this process has in hand. */
export interface Download {
  /** Bytes kept so far. */
  readonly received: number;
  /** Adds bytes at the end. */
  append(bytes: Uint8Array): Promise<void>;
  /** All bytes are there: makes the file complete for everyone, unless its SHA-256 is not `sha256`, which is then `wrong`. */
  finish(sha256?: string): Promise<{ source: ByteSource } | { wrong: string }>;
  /** Leaves what is there to the next attempt. */
  leave(): Promise<void>;
}

/** Bytes asked for in one request; also what a broken-off download may lose. */
export const PIECE = 2 * 1024 * 1024;

/** Addresses that answered "no such file" while this process runs. On the disk it would outlive the reason. */
const misses = new Set<string>();

/** Forgets which addresses had no file (tests; `cache remove`). */
export const forgetMisses = () => misses.clear();

/**
 * The file at `address` from its store; fetched first where it is not complete, from where the last attempt broke off. A complete file is
 * never asked for again, so it works offline; one that is not the file `expected` is fetched anew. Throws `io` (`MissingFile` for 404),
 * `weights` where the bytes are not those expected, and `aborted`.
 */
export async function openCached(
  address: string,
  store: Store,
  connect: () => Promise<HttpSource>,
  options: OpenOptions,
): Promise<ByteSource> {
  const { signal, onProgress } = options;
  if (misses.has(address)) throw new MissingFile(address, 404);
  const kept = await store.complete();
  if (kept && !isOther(kept.info, options.expected)) {
    onProgress?.(kept.info.total, kept.info.total, address);
    return kept.source;
  }
  const source = await connect().catch((error: unknown) => {
    if (error instanceof MissingFile) misses.add(address);
    throw error;
  });
  const { expected } = options; // its server may have said what it is
  if (expected && source.size !== expected.bytes) throw notTheFile(address, `a file of ${source.size} bytes`, expected);
  const download = await store.begin({ address, total: source.size, ...(source.etag && { etag: source.etag }) });
  let done = false;
  try {
    onProgress?.(download.received, source.size, address);
    while (download.received < source.size) {
      const bytes = await source.read(download.received, Math.min(PIECE, source.size - download.received), signal);
      if (signal?.aborted) throw new MelodyError('aborted', `${address}: download was aborted`, 'load it again to resume');
      await download.append(bytes);
      onProgress?.(download.received, source.size, address);
    }
    const finished = await download.finish(expected?.sha256);
    done = true;
    if ('wrong' in finished) throw notTheFile(address, `SHA-256 ${finished.wrong}`, expected);
    return finished.source;
  } finally {
    if (!done) await download.leave().catch(() => {});
  }
}

/** Is what we keep known to be another file than the one expected? What has no known hash is judged by its size. */
function isOther(info: EntryInfo, expected: OpenOptions['expected']): boolean {
  if (!expected) return false;
  return info.total !== expected.bytes || (info.sha256 !== undefined && info.sha256 !== expected.sha256);
}

function notTheFile(address: string, got: string, expected: OpenOptions['expected']): MelodyError {
  return new MelodyError(
    'weights',
    `${address} is not the file that its manifest.json or its server names; got ${got}, expected SHA-256 ${expected?.sha256} of ${expected?.bytes} bytes`,
    'it was cut or changed on its way and is not kept: try again, or ask the site that offers it',
  );
}
