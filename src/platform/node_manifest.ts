// Node: a folder at an address whose files are held against its manifest.json. A page has src/web/model_files.ts for it.
import { MelodyError } from '../errors.ts';
import type { ByteFolder, ByteSource } from './bytes.ts';
import { MissingFile } from './http.ts';
import { MANIFEST_FILE, readManifest, type StatedFile } from './manifest.ts';
import type { OpenOptions } from './platform.ts';

const MAX_MANIFEST_BYTES = 1024 * 1024;

/** How the files at an address are opened; with `cache` they go through the cache. */
export type OpenAt = (file: string, options: OpenOptions) => Promise<ByteSource | undefined>;

/** What the cache has of them. */
export interface Kept {
  /** The complete file, or undefined where there is none. Asks no server. */
  kept(file: string): Promise<ByteSource | undefined>;
  forget(file: string): Promise<unknown>;
}

/**
 * A folder at an address whose files are kept in the cache: where it has a manifest.json, every file that this names must have its hash, is
 * fetched again when what is kept has another one, and refused when what comes has (`weights`). The manifest itself is asked for each time a
 * folder is opened; without a network the one kept last serves.
 */
export function verifiedFolder(name: string, open: OpenAt, { kept, forget }: Kept): ByteFolder {
  let manifest: Promise<{ source: ByteSource | undefined; stated: Map<string, StatedFile> }> | undefined;
  const load = async () => {
    const source = await newestManifest(open, { kept, forget });
    const files = source ? readManifest(await source.read(0, source.size), source.name) : [];
    return { source, stated: new Map(files.map((file) => [file.name, file])) };
  };
  const known = () => {
    manifest ??= load();
    manifest.catch(() => {
      manifest = undefined; // may be tried again
    });
    return manifest;
  };
  return {
    name,
    async open(file) {
      const { source, stated } = await known();
      if (file === MANIFEST_FILE) return source;
      const expected = stated.get(file);
      return open(file, { cache: true, ...(expected && { expected }) });
    },
  };
}

/** The manifest as the server has it now; offline, as it was kept. Undefined where the model has none. */
async function newestManifest(open: OpenAt, { kept, forget }: Kept): Promise<ByteSource | undefined> {
  let fresh: ByteSource | undefined;
  try {
    fresh = await open(MANIFEST_FILE, {});
  } catch (error) {
    if (!(error instanceof MelodyError) || error.code !== 'io' || error instanceof MissingFile) throw error;
    const before = await kept(MANIFEST_FILE);
    if (before) return before;
    throw error;
  }
  if (!fresh) return undefined;
  if (fresh.size > MAX_MANIFEST_BYTES)
    throw new MelodyError('weights', `${fresh.name}: got ${fresh.size} bytes, expected at most ${MAX_MANIFEST_BYTES}`);
  const before = await open(MANIFEST_FILE, { cache: true });
  if (before && (await sameBytes(before, fresh))) return before;
  await forget(MANIFEST_FILE);
  return open(MANIFEST_FILE, { cache: true });
}

async function sameBytes(a: ByteSource, b: ByteSource): Promise<boolean> {
  if (a.size !== b.size) return false;
  const [x, y] = await Promise.all([a.read(0, a.size), b.read(0, b.size)]);
  return x.every((byte, i) => byte === y[i]);
}
