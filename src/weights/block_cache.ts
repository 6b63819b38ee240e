import { aborted, type ByteSource, checkRange } from '../platform/bytes.ts';
import { givePlace, takePlace } from './places.ts';

const BLOCK_BYTES = 1024 * 1024;
const BLOCKS_KEPT = 16;
/** Longer reads gain nothing from sharing a block and go straight through; each of those opens a file, or is a request. */
const SMALL_READ = BLOCK_BYTES;
/** Once nothing has been read for so long, what was asked for is loaded: the blocks go, since up to 16 MiB a file would stay for ever. */
const IDLE_MS = 1000;

interface Block {
  readonly bytes: Promise<Uint8Array>;
  /** What is read into it is this array, where the source does that. */
  readonly place: Uint8Array;
  /** Bytes handed out so far. */
  given: number;
  /** Ends the read: for when nobody waits for it any more. */
  readonly stop: AbortController;
  waiting: number;
  there: boolean;
}

/**
 * The same bytes with fewer trips: small reads are cut out of blocks of 1 MiB, of which the last 16 used are kept. Models ask for
 * thousands of small tensors that lie near each other; each would cost an open file or a request of its own. Tensors are read once: a block
 * goes when as many bytes as it has were handed out, and a second after the last read none is kept. Who aborts leaves at once; a block is
 * given up when all who wanted it have left.
 */
export function blockCached(source: ByteSource): ByteSource {
  const blocks = new Map<number, Block>(); // least recently used first

  let idle: ReturnType<typeof setTimeout> | undefined;

  /** Lets go of the blocks a while from now, unless there is another read. Node need not wait for that. */
  function rest(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      for (const [index, { there, waiting }] of blocks) if (there && waiting === 0) blocks.delete(index);
    }, IDLE_MS);
    (idle as { unref?: () => void }).unref?.();
  }

  function block(index: number): Block {
    const known = blocks.get(index);
    const found = known ?? begin(index);
    blocks.delete(index);
    blocks.set(index, found);
    for (const oldest of blocks.keys()) {
      if (blocks.size <= BLOCKS_KEPT) break;
      blocks.delete(oldest);
    }
    return found;
  }

  function begin(index: number): Block {
    const start = index * BLOCK_BYTES;
    const stop = new AbortController();
    const length = Math.min(BLOCK_BYTES, source.size - start);
    const place = takePlace(BLOCK_BYTES);
    const bytes = source.read(start, length, stop.signal, place.subarray(0, length));
    const begun: Block = { bytes, place, given: 0, stop, waiting: 0, there: false };
    bytes.then(
      ({ buffer }) => {
        begun.there = true;
        if (buffer !== place.buffer) givePlace(place); // the source has its own
      },
      () => forget(index, begun), // may be tried again
    );
    return begun;
  }

  function forget(index: number, old: Block): void {
    if (blocks.get(index) === old) blocks.delete(index);
  }

  /** Copies what block `index` has from `from` on to `to`, as far as there is room. */
  async function copy(index: number, from: number, to: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const wanted = block(index);
    wanted.waiting += 1;
    try {
      const bytes = await unlessAborted(wanted.bytes, source.name, signal);
      const part = bytes.subarray(from, from + to.length);
      to.set(part);
      wanted.given += part.length;
      if (wanted.given >= bytes.length && wanted.waiting === 1) {
        forget(index, wanted);
        if (bytes.buffer === wanted.place.buffer) givePlace(wanted.place);
      }
    } finally {
      wanted.waiting -= 1;
      rest();
      if (wanted.waiting === 0 && !wanted.there) {
        forget(index, wanted);
        wanted.stop.abort();
      }
    }
  }

  return {
    name: source.name,
    size: source.size,
    async read(offset, length, signal, into) {
      if (length > SMALL_READ || length === 0) return source.read(offset, length, signal, into);
      checkRange(source, offset, length);
      const first = Math.floor(offset / BLOCK_BYTES);
      const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
      const out = into ?? new Uint8Array(length);
      const border = last > first ? last * BLOCK_BYTES - offset : length;
      await Promise.all([
        copy(first, offset - first * BLOCK_BYTES, out.subarray(0, border), signal),
        last > first && copy(last, 0, out.subarray(border), signal),
      ]);
      return out;
    },
  };
}

/** Waits for work that others may wait for too, until the signal says otherwise. */
async function unlessAborted<T>(work: Promise<T>, name: string, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let leave = () => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(aborted(name));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
  return Promise.race([left, work]).finally(() => signal.removeEventListener('abort', leave));
}
