import { describe, expect, it } from 'vitest';
import { rvqDecode } from '../../src/ops/codes.ts';
import { nearestCode, rvqEncode } from '../../src/ops/quantise.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runBothGrids, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

const squared = (x: ArrayLike<number>, books: Float32Array, row: number, dim: number) => {
  let sum = 0;
  for (let d = 0; d < dim; d++) sum += (x[d] - books[row * dim + d]) ** 2;
  return sum;
};

/** Every chosen code must be as near as the nearest, up to f32 rounding; returns what the codes leave over. */
function checkLevel(rest: Float64Array, code: number, books: Float32Array, level: number, entries: number, dim: number): Float64Array {
  let best = Infinity;
  for (let v = 0; v < entries; v++) best = Math.min(best, squared(rest, books, level * entries + v, dim));
  expect(code).toBeLessThan(entries);
  expect(squared(rest, books, level * entries + code, dim)).toBeLessThanOrEqual(best * (1 + 1e-5) + 1e-9);
  return rest.map((v, d) => v - books[(level * entries + code) * dim + d]);
}

describe('nearestCode', () => {
  for (const [count, entries, dim] of [
    [1, 1, 1],
    [5, 7, 3],
    [9, 63, 40],
    [3, 65, 65],
    [250, 512, 40],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`${count} of [${entries}, ${dim}] ${dtype}`, async () => {
        const raw = randomArray(entries * dim, 1);
        const book = dtype === 'f16' ? roundHalf(raw) : raw;
        const x = randomArray(count * dim, 2);
        const { raw: bytes } = await runBothGrids(
          gpu(),
          (g) => ({ y: nearestCode(g, g.input('x', [count, dim]), weightOf(book, [entries, dim], dtype)) }),
          { x },
        );
        const codes = new Uint32Array(bytes.y);
        expect(codes.length).toBe(count);
        for (const [i, code] of codes.entries())
          checkLevel(Float64Array.from(x.slice(i * dim, (i + 1) * dim)), code, book, 0, entries, dim);
      });

  it('takes the lowest index of equals', async () => {
    const book = Float32Array.from({ length: 300 }, (_, v) => (v % 100 === 77 ? 2 : 10 + (v % 100)));
    const { raw } = await runBothGrids(gpu(), (g) => ({ y: nearestCode(g, g.input('x', [3, 1]), weightOf(book, [300, 1])) }), {
      x: Float32Array.of(1, 3, 2),
    });
    expect([...new Uint32Array(raw.y)]).toEqual([77, 77, 77]);
  });

  it('refuses a codebook of another width, and vectors that no workgroup can hold', async () => {
    await expect(
      runBothGrids(gpu(), (g) => ({ y: nearestCode(g, g.input('x', [2, 3]), weightOf(randomArray(8, 1), [2, 4])) })),
    ).rejects.toThrow('nearest_code: test.weight does not fit; got [2,4], expected [*,3]');
    await expect(
      runBothGrids(gpu(), (g) => ({ y: nearestCode(g, g.input('x', [1, 20000]), weightOf(randomArray(20000, 1), [1, 20000])) })),
    ).rejects.toThrow('rvq_encode: got vectors of 20000, expected at most');
  });
});

describe('rvqEncode, rvqDecode', () => {
  for (const [count, levels, entries, dim] of [
    [1, 1, 1, 1],
    [3, 4, 7, 5],
    [2, 12, 64, 64],
    [5, 3, 65, 33],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${count}, ${dim}] with [${levels}, ${entries}] ${dtype}`, async () => {
        const raw = randomArray(levels * entries * dim, 1);
        const books = dtype === 'f16' ? roundHalf(raw) : raw;
        const x = randomArray(count * dim, 2, 2);
        const { raw: bytes, sum } = await runBothGrids(
          gpu(),
          (g) => {
            const w = weightOf(books, [levels, entries, dim], dtype);
            const codes = rvqEncode(g, g.input('x', [count, dim]), w);
            return { codes, sum: rvqDecode(g, codes, w) };
          },
          { x },
        );
        const codes = new Uint32Array(bytes.codes);
        const expected = new Float64Array(count * dim);
        for (let i = 0; i < count; i++) {
          let rest: Float64Array = Float64Array.from(x.slice(i * dim, (i + 1) * dim));
          for (let q = 0; q < levels; q++) rest = checkLevel(rest, codes[i * levels + q], books, q, entries, dim);
          rest.forEach((v, d) => {
            expected[i * dim + d] = x[i * dim + d] - v;
          });
        }
        expectClose(sum, expected);
      });

  it('decodes fewer levels than there are', async () => {
    const books = randomArray(3 * 5 * 2, 1);
    const { y } = await runBothGrids(gpu(), (g) => ({ y: rvqDecode(g, g.input('codes', [2, 2], 'u32'), weightOf(books, [3, 5, 2])) }), {
      codes: Uint32Array.of(0, 4, 3, 1),
    });
    const entry = (q: number, v: number, d: number) => books[(q * 5 + v) * 2 + d];
    expectClose(y, [
      entry(0, 0, 0) + entry(1, 4, 0),
      entry(0, 0, 1) + entry(1, 4, 1),
      entry(0, 3, 0) + entry(1, 1, 0),
      entry(0, 3, 1) + entry(1, 1, 1),
    ]);
  });

  it('refuses more levels than codebooks', async () => {
    await expect(
      runBothGrids(gpu(), (g) => ({ y: rvqDecode(g, g.input('codes', [1, 4], 'u32'), weightOf(randomArray(30, 1), [3, 5, 2])) })),
    ).rejects.toThrow('rvq_decode: got u32 codes [1,4], expected u32 of at most the 3 levels of test.weight');
  });
});
