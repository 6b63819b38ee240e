// Node: SHA-256 of files that may be large, a piece at a time and not again while a file stays as it was; and what names a model's very bytes.
import { createHash, webcrypto } from 'node:crypto';
import type { ByteFolder, ByteSource, WeightsIdentity } from './bytes.ts';
import { MANIFEST_FILE, readManifest } from './manifest.ts';
import { diskFacts } from './node_cache.ts';

const PIECE_BYTES = 4 * 1024 * 1024;
/** Files up to this size are hashed whole, which another thread does meanwhile. */
const WHOLE_BYTES = 16 * 1024 * 1024;
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

/** SHA-256 of all bytes, in hexadecimal. */
export async function hashOf(source: ByteSource, signal?: AbortSignal): Promise<string> {
  if (source.size <= WHOLE_BYTES)
    return Buffer.from(await webcrypto.subtle.digest('SHA-256', await source.read(0, source.size, signal))).toString('hex');
  const hash = createHash('sha256');
  for (let at = 0; at < source.size; at += PIECE_BYTES) hash.update(await source.read(at, Math.min(PIECE_BYTES, source.size - at), signal));
  return hash.digest('hex');
}

/** The same, read from what was learnt before where the file has neither been replaced nor written to since. */
export async function rememberedHash(source: ByteSource, signal?: AbortSignal): Promise<string> {
  if (source.sha256 !== undefined) return source.sha256;
  if (source.version === undefined) return hashOf(source, signal);
  const facts = diskFacts();
  const key = `sha256 ${source.name} ${source.version}`;
  const known = await facts.get(key);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  const hash = await hashOf(source, signal);
  await facts.set(key, hash);
  return hash;
}

/** What names the files of a folder: of one that is `checked` its manifest alone, since nothing else is read; else every file is hashed. */
export async function weightsIdentity(folder: ByteFolder, checked: boolean, signal?: AbortSignal): Promise<WeightsIdentity | undefined> {
  const manifest = await folder.open(MANIFEST_FILE, signal);
  if (!manifest) return undefined;
  const bytes = await manifest.read(0, manifest.size, signal);
  const changed: string[] = [];
  const found: string[] = [];
  for (const stated of checked ? [] : readManifest(bytes, manifest.name)) {
    const source = await folder.open(stated.name, signal);
    const got = source && (await rememberedHash(source, signal));
    if (got !== stated.sha256) changed.push(stated.name);
    found.push(`${stated.name} ${got}`);
  }
  return { hash: changed.length === 0 ? sha256(bytes) : sha256(found.join('\n')), changed };
}
