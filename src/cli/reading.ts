// How far a file has been read, for people who wait for it: one line on a terminal that is rewritten and wiped.
import type { ByteSource } from '../platform/bytes.ts';
import { printableText } from '../weights/printable.ts';
import type { Io } from './command.ts';

/**
 * Calls `use` with a source of the same bytes whose reads are told of: from `afterMs` on, and then at most ten times a second, the share of the file up to
 * the last byte that was asked for. Nothing is printed where no terminal is.
 */
export async function readingTold<T>(source: ByteSource, io: Io, use: (source: ByteSource) => Promise<T>, afterMs = 1000): Promise<T> {
  if (!io.terminal || source.size === 0) return use(source);
  let [next, furthest, open] = [performance.now() + afterMs, 0, false];
  const tell = (end: number) => {
    furthest = Math.max(furthest, end);
    if (performance.now() < next) return;
    next = performance.now() + 100;
    open = true;
    io.err(`\rreading ${printableText(source.name)}, ${Math.floor((100 * furthest) / source.size)} %\u001b[K`);
  };
  const told: ByteSource = {
    ...source,
    read(offset, length, signal) {
      tell(offset + length);
      return source.read(offset, length, signal);
    },
  };
  if (source.readSync)
    told.readSync = (offset, length) => {
      tell(offset + length);
      return (source.readSync as NonNullable<ByteSource['readSync']>)(offset, length);
    };
  try {
    return await use(told);
  } finally {
    if (open) io.err('\r\u001b[K');
  }
}
