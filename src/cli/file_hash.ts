// SHA-256 of files that may be large: a piece at a time, and not again while a file stays as it was.
import { createHash } from 'node:crypto';
import { platform } from '#platform';
import type { ByteSource } from '../platform/bytes.ts';
import { PIECE_BYTES } from '../weights/tensor_stream.ts';

/** SHA-256 of all bytes, in hexadecimal. */
export async function hashOf(source: ByteSource, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < source.size; at += PIECE_BYTES) hash.update(await source.read(at, Math.min(PIECE_BYTES, source.size - at), signal));
  return hash.digest('hex');
}

/** The same, read from what was learnt before where the file has neither been replaced nor written to since. */
export async function rememberedHash(source: ByteSource, signal: AbortSignal): Promise<string> {
  if (source.sha256 !== undefined) return source.sha256;
  if (source.version === undefined) return hashOf(source, signal);
  const key = `sha256 ${source.name} ${source.version}`;
  const known = await platform.facts.get(key);
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
  const hash = await hashOf(source, signal);
  await platform.facts.set(key, hash);
  return hash;
}
