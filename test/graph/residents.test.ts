import { expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { Residents } from '../../src/graph/residents.ts';
import type { WeightRef } from '../../src/graph/tensor.ts';
import { linearLayout } from '../../src/ops/layouts.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const MIB = 2 ** 20;

/** A weight [rows, 1024] f16 that tells when it is read and when the reading is over. */
function watched(name: string, mebibytes: number, read: (ref: WeightRef, begun: boolean) => void): WeightRef {
  const rows = mebibytes * 512;
  const ref: WeightRef = {
    name,
    shape: [rows, 1024],
    dtype: 'f16',
    async *read() {
      read(ref, true);
      yield { offset: rows * 1024 - 1, data: Uint16Array.of(1) };
      await new Promise((resolve) => setTimeout(resolve, 5)); // others could begin meanwhile
      read(ref, false);
    },
  };
  return ref;
}

it('weights that are rearranged hold 64 MiB of JS memory together, whatever the file: larger ones come alone', async () => {
  const residents = new Residents(gpu());
  const g = new Graph(gpu().caps);
  const open = new Set<WeightRef>();
  let most = 0; // twice the file's bytes: as read and as packed
  let together = 0;
  const read = (ref: WeightRef, begun: boolean) => {
    if (begun) open.add(ref);
    else open.delete(ref);
    const held = [...open].reduce((n, { shape }) => n + 4 * shape[0] * shape[1], 0);
    if (open.size > 1) most = Math.max(most, held);
    together = Math.max(together, open.size);
  };
  const sizes = [10, 4, 40, 4, 10, 4, 10, 4, 4, 10];
  const refs = sizes.map((mebibytes, i) => watched(`w${i}`, mebibytes, read));
  const found = await residents.ensure(refs.map((ref) => g.weight(ref, linearLayout(ref)).storage));
  expect(found.size).toBe(sizes.length);
  expect(gpu().memory.bytes).toBe(100 * MIB);
  expect(together).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(64 * MIB);
  residents.dispose();
});

it('a weight that cannot be read lets the others pass', async () => {
  const residents = new Residents(gpu());
  const g = new Graph(gpu().caps);
  const broken = watched('broken', 40, (_ref, begun) => {
    if (begun) throw new Error('disk on fire');
  });
  const good = [1, 2, 3].map((i) => watched(`w${i}`, 40, () => {}));
  const all = [good[0], broken, good[1], good[2]].map((ref) => g.weight(ref, linearLayout(ref)).storage);
  await expect(residents.ensure(all)).rejects.toThrow('disk on fire');
  expect((await residents.ensure(all.filter(({ label }) => label !== 'broken'))).size).toBe(3);
  residents.dispose();
});
