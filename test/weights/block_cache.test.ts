import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ByteSource, memorySource } from '../../src/platform/bytes.ts';
import { blockCached } from '../../src/weights/block_cache.ts';

const MIB = 1024 * 1024;

function counted(size: number, fail?: (offset: number) => boolean) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  const memory = memorySource('memory', bytes);
  const reads: [number, number][] = [];
  const source: ByteSource = {
    name: 'memory',
    size,
    async read(offset, length, signal) {
      reads.push([offset, length]);
      if (fail?.(offset)) throw new Error('network');
      return memory.read(offset, length, signal);
    },
  };
  return { bytes, reads, cached: blockCached(source) };
}

afterEach(() => void vi.useRealTimers());

describe('block cache', () => {
  it('gives the same bytes within a block, across two, at the end, and for long reads', async () => {
    const { bytes, cached } = counted(2 * MIB + 777);
    for (const [offset, length] of [
      [0, 1],
      [5, 1000],
      [MIB - 3, 7],
      [MIB - 1, 1],
      [MIB, 1],
      [2 * MIB + 700, 77],
      [10, MIB + 50],
      [3, 0],
      [2 * MIB + 777, 0],
    ]) {
      expect(Buffer.from(await cached.read(offset, length)).equals(bytes.subarray(offset, offset + length)), `${offset}+${length}`).toBe(
        true,
      );
    }
  });

  it('reads each block once for many small reads, also at the same time', async () => {
    const { reads, cached } = counted(2 * MIB);
    await Promise.all(Array.from({ length: 500 }, (_, i) => cached.read(i * 4096, 4096)));
    expect(reads).toEqual([
      [0, MIB],
      [MIB, MIB],
    ]);
  });

  it('keeps nothing once no read has come for a second', async () => {
    vi.useFakeTimers();
    const { reads, cached } = counted(2 * MIB);
    await cached.read(0, 1);
    vi.advanceTimersByTime(900);
    await cached.read(MIB, 1); // the second begins again
    vi.advanceTimersByTime(900);
    await cached.read(0, 1);
    expect(reads).toHaveLength(2);
    vi.advanceTimersByTime(1001);
    await Promise.all([cached.read(0, 1), cached.read(MIB, 1)]);
    expect(reads).toHaveLength(4);
  });

  it('a block that somebody still waits for outlasts the pause', async () => {
    vi.useFakeTimers();
    let arrive = () => {};
    const reads: number[] = [];
    const cached = blockCached({
      name: 'slow',
      size: 2 * MIB,
      async read(offset, length) {
        reads.push(offset);
        if (offset === 0) await new Promise<void>((resolve) => (arrive = resolve));
        return new Uint8Array(length);
      },
    });
    const slow = cached.read(0, 1);
    await cached.read(MIB, 1);
    vi.advanceTimersByTime(5000);
    const same = cached.read(1, 1);
    arrive();
    await Promise.all([slow, same]);
    expect(reads).toEqual([0, MIB]);
  });

  it('keeps 16 blocks, the last used ones', async () => {
    const { reads, cached } = counted(18 * MIB);
    for (let i = 0; i < 16; i++) await cached.read(i * MIB, 1);
    await cached.read(0, 1);
    await cached.read(16 * MIB, 1); // pushes out block 1
    expect(reads).toHaveLength(17);
    await cached.read(0, 1);
    expect(reads).toHaveLength(17);
    await cached.read(MIB, 1);
    expect(reads).toHaveLength(18);
  });

  it.each([false, true])('lets go of what was read to its end, and reads the next into its place; some twice %s', async (twice) => {
    const bytes = Uint8Array.from({ length: 6 * MIB }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
    const places = new Set<ArrayBufferLike>();
    const reads: number[] = [];
    const cached = blockCached({
      name: 'file',
      size: bytes.length,
      async read(offset, length, _signal, into) {
        reads.push(offset);
        await Promise.resolve();
        const place = into as Uint8Array; // as a file does
        place.set(bytes.subarray(offset, offset + length));
        places.add(place.buffer);
        return place;
      },
    });
    // Tensors that lie over borders too, several at a time.
    const size = 50_000;
    for (let at = 0; at < bytes.length; at += 3 * size) {
      const starts = [at, at + size, at + 2 * size, ...(twice ? [at + 1] : [])].filter((start) => start < bytes.length);
      const parts = await Promise.all(starts.map((start) => cached.read(start, Math.min(size, bytes.length - start))));
      for (const [i, part] of parts.entries()) {
        const start = starts[i];
        expect(Buffer.compare(part, bytes.subarray(start, start + part.length)), `from ${start}`).toBe(0);
      }
    }
    expect(reads).toContain(5 * MIB);
    if (!twice) expect(places.size).toBeLessThan(4);
  });

  it('what it gave stays as it is when its block is read into again', async () => {
    const cached = blockCached({
      name: 'file',
      size: 4 * MIB,
      read: async (offset, _length, _signal, into) => (into as Uint8Array).fill(1 + offset / MIB),
    });
    const first = await cached.read(0, MIB);
    for (let i = 1; i < 4; i++) await cached.read(i * MIB, MIB);
    expect([...new Set(first)]).toEqual([1]);
  });

  it('tries a failed block again', async () => {
    let failures = 1;
    const { cached } = counted(MIB, () => failures-- > 0);
    await expect(cached.read(0, 10)).rejects.toThrow('network');
    expect((await cached.read(0, 10)).length).toBe(10);
  });

  it('one reader that aborts does not spoil the block for another', async () => {
    const { cached } = counted(MIB);
    const aborted = new AbortController();
    const [one, other] = [cached.read(0, 10, aborted.signal), cached.read(0, 10)];
    aborted.abort();
    await expect(one).rejects.toMatchObject({ code: 'aborted' });
    expect((await other).length).toBe(10);
  });

  it('a block that nobody waits for any more is given up, and read anew by the next', async () => {
    const signals: AbortSignal[] = [];
    const hanging: ByteSource = {
      name: 'slow',
      size: MIB,
      read: (_offset, length, signal) => {
        signals.push(signal as AbortSignal);
        return signals.length === 1 ? new Promise(() => {}) : Promise.resolve(new Uint8Array(length));
      },
    };
    const cached = blockCached(hanging);
    const stops = [new AbortController(), new AbortController()];
    const reads = stops.map(({ signal }) => cached.read(0, 10, signal));
    stops[0].abort();
    await expect(reads[0]).rejects.toMatchObject({ code: 'aborted' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    stops[1].abort();
    await expect(reads[1]).rejects.toMatchObject({ code: 'aborted' });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect((await cached.read(0, 10)).length).toBe(10);
  });

  it('refuses ranges outside the source', async () => {
    const { cached } = counted(100);
    await expect(cached.read(90, 20)).rejects.toMatchObject({ code: 'io' });
    await expect(cached.read(-1, 2)).rejects.toMatchObject({ code: 'io' });
  });
});
