// A file or an address that a command reads, or "-": what comes through standard input.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { type ByteSource, memorySource } from '../platform/bytes.ts';
import type { OpenOptions } from '../platform/platform.ts';

/** Nothing longer is taken from a pipe, which says nothing of its length: two and a half hours of 24-bit stereo at 48 kHz. */
const MAX_PIPED_BYTES = 2 ** 31;

/** Opens what a command names. Throws `io`, `aborted`. */
export async function openInput(name: string, options: OpenOptions & { signal: AbortSignal }): Promise<ByteSource> {
  const { signal } = options;
  if (name !== '-') return platform.openBytes(name, options);
  if (process.stdin.isTTY) {
    throw new MelodyError('io', 'standard input: got a terminal, expected a sound', 'pipe one in: ffmpeg -i song.mp3 -f wav - | melody …');
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const stop = () => process.stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const part of process.stdin as AsyncIterable<Uint8Array>) {
      length += part.length;
      if (length > MAX_PIPED_BYTES) throw new MelodyError('io', `standard input: got more than ${MAX_PIPED_BYTES} bytes`, 'cut it shorter');
      parts.push(part);
    }
  } catch (cause) {
    if (signal.aborted) throw new MelodyError('aborted', 'standard input: reading was aborted');
    throw cause;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return memorySource('standard input', Buffer.concat(parts, length));
}
