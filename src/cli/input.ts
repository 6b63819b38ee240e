// A file or an address that a command reads, or "-" (/dev/stdin): what comes through standard input.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { type ByteSource, memorySource } from '../platform/bytes.ts';
import type { OpenOptions } from '../platform/platform.ts';

/** Nothing longer is taken from a pipe, which says nothing of its length: two and a half hours of 24-bit stereo at 48 kHz. */
const MAX_PIPED_BYTES = 2 ** 31;

/** Names of standard input. As a file it may also be a regular one (`< song.wav`), which all of these read alike. */
const STANDARD_INPUT = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

/** Opens what a command names. Throws `io`, `aborted`. */
export async function openInput(name: string, options: OpenOptions & { signal: AbortSignal }): Promise<ByteSource> {
  const { signal } = options;
  if (!STANDARD_INPUT.includes(name)) return platform.openBytes(name, options);
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
  if (length === 0)
    throw new MelodyError('io', 'standard input: got no bytes', 'see what the program before the pipe says, or name a file');
  return memorySource('standard input', Buffer.concat(parts, length));
}
