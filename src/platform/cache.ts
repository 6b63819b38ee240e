// Complete files from addresses, kept between runs. The order of things is here; where the bytes lie is the platform's (`Store`).
import { MelodyError } from '../errors.ts';
import type { ByteSource } from './bytes.ts';
import { type HttpSource, MissingFile } from './http.ts';
import type { OpenOptions } from './platform.ts';

/** What is known of a kept file: its size and the server's mark of its version; `missing` remembers that there is no such file. */
export interface EntryInfo {
  address: string;
  total: number;
  etag?: string;
  missing?: true;
}

/** The place of one file in the cache. */
export interface Store {
  info(): Promise<EntryInfo | undefined>;
  /** Forgets what was there and starts a file. */
  begin(info: EntryInfo): Promise<void>;
  /** Bytes kept so far. */
  received(): Promise<number>;
  /** Adds bytes at the end, which is at `offset`. */
  append(offset: number, bytes: Uint8Array): Promise<void>;
  open(): Promise<ByteSource>;
}

/** Bytes asked for in one request; also what a broken-off download may lose. */
export const PIECE = 2 * 1024 * 1024;

/**
 * The file at `address` from its store; fetched first where it is not complete, from where the last attempt broke off. A complete file is
 * never asked for again, so it works offline. Throws `io` (`MissingFile` for 404) and `aborted`.
 */
export async function openCached(
  address: string,
  store: Store,
  connect: () => Promise<HttpSource>,
  { signal, onProgress }: OpenOptions,
): Promise<ByteSource> {
  const kept = await store.info();
  if (kept?.missing) throw new MissingFile(address, 404);
  if (kept && (await store.received()) === kept.total) {
    onProgress?.(kept.total, kept.total, address);
    return store.open();
  }
  const source = await connect().catch(async (error: unknown) => {
    if (error instanceof MissingFile) await store.begin({ address, total: 0, missing: true });
    throw error;
  });
  const info: EntryInfo = { address, total: source.size, etag: source.etag };
  // Without a version mark nothing says that the rest belongs to the part we have.
  const resumes = kept !== undefined && kept.total === info.total && kept.etag !== undefined && kept.etag === info.etag;
  if (!resumes) await store.begin(info);
  let received = resumes ? await store.received() : 0;
  onProgress?.(received, info.total, address);
  while (received < info.total) {
    const bytes = await source.read(received, Math.min(PIECE, info.total - received), signal);
    if (signal?.aborted) throw new MelodyError('aborted', `${address}: download was aborted`, 'load it again to resume');
    await store.append(received, bytes);
    received += bytes.length;
    onProgress?.(received, info.total, address);
  }
  return store.open();
}
