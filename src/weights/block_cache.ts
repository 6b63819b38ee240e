import { MelodyError } from '../errors.ts';
import { type ByteSource, checkRange } from '../platform/bytes.ts';

const BLOCK_BYTES = 1024 * 1024;
const BLOCKS_KEPT = 16;
/** Longer reads gain nothing from sharing a block and go straight through. */
const SMALL_READ = BLOCK_BYTES / 4;

/**
 * The same bytes with fewer trips: small reads are cut out of blocks of 1 MiB, of which the last 16 used are kept. Models ask for
 * thousands of small tensors that lie near each other; each would cost an open file or a request of its own.
 */
export function blockCached(source: ByteSource): ByteSource {
  const blocks = new Map<number, Promise<Uint8Array>>(); // least recently used first

  function block(index: number): Promise<Uint8Array> {
    let bytes = blocks.get(index);
    if (bytes) {
      blocks.delete(index);
    } else {
      const start = index * BLOCK_BYTES;
      // Shared by all who wait for it, so nobody's signal may cancel it.
      bytes = source.read(start, Math.min(BLOCK_BYTES, source.size - start));
      bytes.catch(() => blocks.delete(index)); // may be tried again
    }
    blocks.set(index, bytes);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= BLOCKS_KEPT) break;
      blocks.delete(oldest);
    }
    return bytes;
  }

  return {
    name: source.name,
    size: source.size,
    async read(offset, length, signal) {
      if (length > SMALL_READ || length === 0) return source.read(offset, length, signal);
      checkRange(source, offset, length);
      const first = Math.floor(offset / BLOCK_BYTES);
      const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
      const [head, tail] = await Promise.all([block(first), last > first ? block(last) : undefined]);
      if (signal?.aborted) throw new MelodyError('aborted', `${source.name}: reading was aborted`);
      const from = offset - first * BLOCK_BYTES;
      if (!tail) return head.subarray(from, from + length);
      const joined = new Uint8Array(length);
      joined.set(head.subarray(from));
      joined.set(tail.subarray(0, offset + length - last * BLOCK_BYTES), head.length - from);
      return joined;
    },
  };
}
