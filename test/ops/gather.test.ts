import { describe, expect, it } from 'vitest';
import { concatCols, concatRows, embedding, gatherRows, meanRows, slice } from '../../src/ops/gather.ts';
import { expectClose, randomArray, roundHalf, seeded, weightOf } from '../helpers/data.ts';
import { runBothGrids, runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

function randomIndex(n: number, limit: number, seed: number): Uint32Array {
  const next = seeded(seed);
  return Uint32Array.from({ length: n }, () => Math.floor(next() * limit));
}

const rowsOf = (x: Float32Array, cols: number, index: ArrayLike<number>) =>
  Float32Array.from({ length: index.length * cols }, (_, i) => x[index[Math.floor(i / cols)] * cols + (i % cols)]);

describe('embedding', () => {
  for (const [words, dim, count] of [
    [1, 1, 1],
    [5, 7, 9],
    [11, 63, 3],
    [1281, 65, 13],
    [2049, 256, 64],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`${count} of [${words}, ${dim}] ${dtype}, exactly`, async () => {
        const raw = randomArray(words * dim, 1);
        const table = dtype === 'f16' ? roundHalf(raw) : raw;
        const ids = randomIndex(count, words, 2);
        const { y } = await runBothGrids(
          gpu(),
          (g) => ({ y: embedding(g, weightOf(table, [words, dim], dtype), g.input('ids', [count], 'u32')) }),
          { ids },
        );
        expect(y).toEqual(rowsOf(table, dim, ids));
      });

  it('adds an offset given at run time and keeps the shape of the ids', async () => {
    const table = randomArray(20 * 3, 1);
    const { y } = await runBothGrids(
      gpu(),
      (g) => {
        const out = embedding(g, weightOf(table, [20, 3]), g.input('ids', [2, 2], 'u32'), { offset: g.scalar('offset') });
        expect(out.shape).toEqual([2, 2, 3]);
        return { y: out };
      },
      { ids: Uint32Array.of(0, 5, 2, 9) },
      { offset: 10 },
    );
    expect(y).toEqual(rowsOf(table, 3, [10, 15, 12, 19]));
  });

  it('reads the last row for an id behind the table', async () => {
    const table = randomArray(4 * 3, 1);
    const { y } = await runBothGrids(gpu(), (g) => ({ y: embedding(g, weightOf(table, [4, 3]), g.input('ids', [2], 'u32')) }), {
      ids: Uint32Array.of(3, 4000),
    });
    expect(y).toEqual(rowsOf(table, 3, [3, 3]));
  });

  it('refuses float ids and a table that is no matrix', async () => {
    await expect(
      runBothGrids(gpu(), (g) => ({ y: embedding(g, weightOf(randomArray(4, 1), [2, 2]), g.input('ids', [1])) })),
    ).rejects.toThrow('got an index of f32, expected u32');
    await expect(
      runBothGrids(gpu(), (g) => ({ y: embedding(g, weightOf(randomArray(4, 1), [4]), g.input('ids', [1], 'u32')) })),
    ).rejects.toThrow('embedding: table test.weight does not fit; got [4], expected [V, D]');
  });
});

describe('gatherRows, slice', () => {
  for (const [rows, cols, count] of [
    [1, 1, 1],
    [9, 7, 4],
    [500, 24, 33],
    [65, 65, 65],
  ])
    it(`${count} rows of [${rows}, ${cols}]`, async () => {
      const x = randomArray(rows * cols, 1);
      const index = randomIndex(count, rows, 2);
      const { picked, cut } = await runBothGrids(
        gpu(),
        (g) => {
          const t = g.input('x', [rows, cols]);
          return { picked: gatherRows(g, t, g.input('index', [count], 'u32')), cut: slice(g, t, g.scalar('from'), count) };
        },
        { x, index },
        { from: rows - count },
      );
      expect(picked).toEqual(rowsOf(x, cols, index));
      expect(cut).toEqual(x.slice((rows - count) * cols));
    });

  it('slices words of any type along the first of many dimensions', async () => {
    const x = Uint32Array.from({ length: 5 * 2 * 3 }, (_, i) => 0x7fc0_0000 + i);
    const { raw } = await runBothGrids(gpu(), (g) => ({ y: slice(g, g.input('x', [5, 2, 3], 'u32'), 2, 2) }), { x });
    expect(new Uint32Array(raw.y)).toEqual(x.slice(12, 24));
  });

  it('refuses a slice over the end', async () => {
    await expect(runBothGrids(gpu(), (g) => ({ y: slice(g, g.input('x', [4, 2]), 3, 2) }))).rejects.toThrow(
      'slice: got 2 rows from 3, expected to stay within the 4 of [4,2]',
    );
  });
});

describe('concatRows, concatCols', () => {
  for (const [lead, widths] of [
    [[1], [1, 1]],
    [[5], [7, 1, 65]],
    [
      [2, 33],
      [24, 8],
    ],
  ])
    it(`columns [${lead}] x [${widths}]`, async () => {
      const rows = lead.reduce((p, d) => p * d, 1);
      const parts = widths.map((w, i) => randomArray(rows * w, i + 1));
      const { y } = await runBothGrids(
        gpu(),
        (g) => ({
          y: concatCols(
            g,
            parts.map((_, i) => g.input(`x${i}`, [...lead, widths[i]])),
          ),
        }),
        Object.fromEntries(parts.map((p, i) => [`x${i}`, p])),
      );
      const expected = Array.from({ length: rows }, (_, r) =>
        parts.flatMap((p, i) => [...p.slice(r * widths[i], (r + 1) * widths[i])]),
      ).flat();
      expect(y).toEqual(Float32Array.from(expected));
    });

  it('rows of different counts', async () => {
    const parts = [1, 13, 250].map((rows, i) => randomArray(rows * 10, i + 1));
    const { y } = await runBothGrids(
      gpu(),
      (g) => ({
        y: concatRows(
          g,
          parts.map((p, i) => g.input(`x${i}`, [p.length / 10, 2, 5])),
        ),
      }),
      Object.fromEntries(parts.map((p, i) => [`x${i}`, p])),
    );
    expect(y).toEqual(Float32Array.from(parts.flatMap((p) => [...p])));
  });

  it('refuses other widths, heights and types', async () => {
    const two = (body: (a: number[], b: number[]) => number[][], dtype: 'f32' | 'u32', op: typeof concatRows) =>
      runBothGrids(gpu(), (g) => ({
        y: op(
          g,
          body([3, 4], [2, 5]).map((s, i) => g.input(`x${i}`, s, i ? dtype : 'f32')),
        ),
      }));
    await expect(two((a, b) => [a, b], 'f32', concatRows)).rejects.toThrow('concat_rows: got [f32 [3,4], f32 [2,5]], expected one dtype');
    await expect(two((a, b) => [a, b], 'f32', concatCols)).rejects.toThrow('concat_cols: got [f32 [3,4], f32 [2,5]], expected one dtype');
    await expect(two((a) => [a, a], 'u32', concatRows)).rejects.toThrow('concat_rows: got [f32 [3,4], u32 [3,4]], expected one dtype');
  });
});

describe('meanRows', () => {
  for (const [batch, rows, cols] of [
    [1, 1, 1],
    [2, 7, 5],
    [1, 65, 63],
    [2, 250, 128],
  ])
    it(`[${batch}, ${rows}, ${cols}]`, async () => {
      const x = randomArray(batch * rows * cols, 1);
      const { mean } = await runBothGrids(
        gpu(),
        (g) => {
          const t = g.input('x', [batch, rows, cols]);
          const y = meanRows(g, t);
          expect(y.shape).toEqual([batch, cols]);
          return { mean: y };
        },
        { x },
      );
      const expected = new Float64Array(batch * cols);
      for (let i = 0; i < x.length; i++) expected[Math.floor(i / cols / rows) * cols + (i % cols)] += x[i] / rows;
      expectClose(mean, expected);
    });

  it('folds grids that are longer than an axis', async () => {
    const rows = 65536 * 64 + 1;
    const x = Float32Array.from({ length: rows }, (_, i) => i);
    const caps = { ...gpu().caps, executor: 'gpu' as const }; // a software adapter's grid is shorter
    const { y } = await runGraph(gpu(), (g) => ({ y: slice(g, g.input('x', [rows, 1]), 0, rows) }), { x }, {}, { caps });
    expect(y.every((v, i) => v === i)).toBe(true);
  });
});
