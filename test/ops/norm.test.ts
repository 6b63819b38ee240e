import { describe, expect, it } from 'vitest';
import { softmaxCase, softmaxReference } from '../../src/cases/biased_attention.ts';
import { groupNormCase, groupNormReference } from '../../src/cases/group_norm.ts';
import { normCase, normReference } from '../../src/cases/norm.ts';
import type { Executor } from '../../src/gpu/caps.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { softmax } from '../../src/ops/biased_attention.ts';
import { groupNorm } from '../../src/ops/group_norm.ts';
import { layerNorm, rmsNorm, rmsNormRepeat } from '../../src/ops/norm.ts';
import { checkBothForms } from '../helpers/cases.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const EPS = 1e-5;

/** y by both forms of the row kernels: a thread per row (software adapters, from 8 rows on) and a workgroup per row. */
async function runForms(body: (g: Graph) => { y: Tensor }, inputs: Record<string, Float32Array>): Promise<Float32Array[]> {
  const run = async (executor: Executor) => (await runGraph(gpu(), body, inputs, {}, { caps: { ...gpu().caps, executor } })).y;
  return [await run('software'), await run('gpu')];
}

const rmsNormReference = (x: ArrayLike<number>, w: Float32Array) => normReference(x, w, undefined, EPS, false);
const layerNormReference = (x: ArrayLike<number>, w: Float32Array, b: Float32Array | undefined) => normReference(x, w, b, EPS, true);

/** One, odd, around the workgroup sizes 8, 64 and 256, the model's shapes, more rows than groups fit on one axis. */
const SHAPES = [
  [1, 1],
  [3, 7],
  [2, 8],
  [9, 9],
  [2, 63],
  [17, 64],
  [5, 65],
  [1, 257],
  [528, 128],
  [250, 256],
  [3, 1024],
  [70000, 3],
];
const weight = (n: number, seed: number, dtype: 'f32' | 'f16') =>
  dtype === 'f16' ? roundHalf(randomArray(n, seed)) : randomArray(n, seed);

describe('rmsNorm', () => {
  for (const [rows, cols] of SHAPES)
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${rows}, ${cols}] ${dtype}`, () => checkBothForms(gpu(), normCase('RMS norm', { rows, cols, eps: EPS, storage: dtype }, false)));

  for (const rows of [6, 40])
    it(`adds the residual before it measures, ${rows} rows`, async () => {
      const [x, r, w] = [randomArray(rows * 33, 1), randomArray(rows * 33, 2), randomArray(33, 3)];
      const forms = await runForms(
        (g) => ({
          y: rmsNorm(g, g.input('x', [rows, 33]), weightOf(w, [33]), { eps: EPS, residual: g.input('r', [rows, 33]) }),
        }),
        { x, r },
      );
      for (const y of forms)
        expectClose(
          y,
          rmsNormReference(
            x.map((v, i) => v + r[i]),
            w,
          ),
        );
    });

  for (const [batch, segments, columns, width, dim] of [
    [1, 3, 4, 4, 5],
    [2, 5, 6, 3, 7],
    [2, 33, 32, 8, 16],
    [1, 2, 32, 1, 128],
  ])
    it(`adds repeated columns: [${batch}, ${segments}, ${columns}, ${dim}], width ${width}`, async () => {
      const [h, c, w] = [
        randomArray(batch * segments * columns * dim, 1),
        randomArray(batch * width * segments * dim, 2),
        randomArray(dim, 3),
      ];
      const sum = h.map((v, i) => {
        const [d, k, s, b] = [
          i % dim,
          Math.floor(i / dim) % columns,
          Math.floor(i / dim / columns) % segments,
          Math.floor(i / dim / columns / segments),
        ];
        return v + c[((b * width + Math.floor((k * width) / columns)) * segments + s) * dim + d];
      });
      const forms = await runForms(
        (g) => ({
          y: rmsNormRepeat(
            g,
            g.input('h', [batch, segments, columns, dim]),
            g.input('c', [batch, width, segments, dim]),
            weightOf(w, [dim]),
            { eps: EPS },
          ),
        }),
        { h, c },
      );
      for (const y of forms) expectClose(y, rmsNormReference(sum, w));
    });

  it('gives each batch item what a single run gives, bit for bit', async () => {
    const [items, w] = [randomArray(3 * 33 * 20, 1), randomArray(20, 2)];
    const run = (count: number, x: Float32Array) =>
      runGraph(gpu(), (g) => ({ y: rmsNorm(g, g.input('x', [count, 33, 20]), weightOf(w, [20])) }), { x });
    const all = await run(3, items);
    for (let i = 0; i < 3; i++) expect((await run(1, items.slice(i * 660, i * 660 + 660))).y).toEqual(all.y.slice(i * 660, i * 660 + 660));
  });

  it('refuses a weight of another width', async () => {
    await expect(runGraph(gpu(), (g) => ({ y: rmsNorm(g, g.input('x', [2, 8]), weightOf(randomArray(7, 1), [7])) }))).rejects.toThrow(
      'rms_norm: test.weight does not fit; got [7], expected [8]',
    );
  });

  it('refuses a repeated width that does not divide the columns', async () => {
    await expect(
      runGraph(gpu(), (g) => ({
        y: rmsNormRepeat(g, g.input('h', [1, 2, 8, 4]), g.input('c', [1, 3, 2, 4]), weightOf(randomArray(4, 1), [4])),
      })),
    ).rejects.toThrow('got c [1,3,2,4] beside h [1,2,8,4], expected a width that divides 8');
  });
});

describe('layerNorm', () => {
  for (const [rows, cols] of SHAPES)
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${rows}, ${cols}] ${dtype}`, async () => {
        // An offset of three deviations: a one-pass variance would lose digits.
        const x = randomArray(rows * cols, 1).map((v) => v + 2);
        const [w, b] = [weight(cols, 2, dtype), weight(cols, 3, dtype)];
        const forms = await runForms(
          (g) => ({
            y: layerNorm(g, g.input('x', [rows, cols]), weightOf(w, [cols], dtype), weightOf(b, [cols], dtype), { eps: EPS }),
          }),
          { x },
        );
        for (const y of forms) expectClose(y, layerNormReference(x, w, b));
      });

  for (const rows of [3, 40])
    it(`keeps its digits far from zero, without bias, with residual, ${rows} rows`, async () => {
      const [x, r, w] = [randomArray(rows * 96, 1).map((v) => v + 512), randomArray(rows * 96, 2), randomArray(96, 3)];
      const forms = await runForms(
        (g) => ({
          y: layerNorm(g, g.input('x', [rows, 96]), weightOf(w, [96]), undefined, { eps: EPS, residual: g.input('r', [rows, 96]) }),
        }),
        { x, r },
      );
      for (const y of forms)
        expectClose(
          y,
          layerNormReference(
            x.map((v, i) => v + r[i]),
            w,
            undefined,
          ),
        ); // x + r rounds to f32 in both
    });

  it('refuses a bias of another width', async () => {
    const w = weightOf(randomArray(8, 1), [8]);
    await expect(
      runGraph(gpu(), (g) => ({ y: layerNorm(g, g.input('x', [2, 8]), w, weightOf(randomArray(7, 1), [7], 'f32', 'bias')) })),
    ).rejects.toThrow('layer_norm: bias does not fit; got [7], expected [8]');
  });
});

describe('groupNorm', () => {
  for (const [batch, length, channels, groups] of [
    [1, 1, 1, 1],
    [2, 7, 6, 3],
    [1, 63, 8, 2],
    [1, 65, 12, 4],
    [3, 100, 32, 8],
    [1, 500, 96, 1],
  ])
    it(`[${batch}, ${length}, ${channels}] in ${groups} groups`, () =>
      checkBothForms(gpu(), groupNormCase('group norm', { batch, length, channels, groups, eps: EPS })));

  it('keeps its digits far from zero', async () => {
    const x = randomArray(64 * 8, 1).map((v) => v + 512);
    const [w, b] = [randomArray(8, 2), randomArray(8, 3)];
    const forms = await runForms((g) => ({ y: groupNorm(g, g.input('x', [64, 8]), weightOf(w, [8]), weightOf(b, [8]), { groups: 2 }) }), {
      x,
    });
    for (const y of forms) expectClose(y, groupNormReference({ length: 64, channels: 8, groups: 2 }, x, w, b));
  });

  it('refuses groups that do not divide the channels', async () => {
    const w = weightOf(randomArray(8, 1), [8]);
    await expect(runGraph(gpu(), (g) => ({ y: groupNorm(g, g.input('x', [2, 8]), w, w, { groups: 3 }) }))).rejects.toThrow(
      'group_norm: got [2,8] in 3 groups, expected [L, C] or [B, L, C] with C a multiple of the groups',
    );
  });
});

describe('softmax', () => {
  for (const [rows, cols] of SHAPES) it(`[${rows}, ${cols}]`, () => checkBothForms(gpu(), softmaxCase('softmax', rows, cols)));

  it('gives each batch item what a single run gives, bit for bit', async () => {
    for (const rows of [1, 5, 33]) {
      const x = randomArray(3 * rows * 20, 1);
      const run = (count: number, data: Float32Array) => runForms((g) => ({ y: softmax(g, g.input('x', [count, rows, 20])) }), { x: data });
      const all = await run(3, x);
      for (let i = 0; i < 3; i++) {
        const [from, to] = [i * rows * 20, (i + 1) * rows * 20];
        expect(await run(1, x.slice(from, to))).toEqual(all.map((y) => y.slice(from, to)));
      }
    }
  });

  for (const rows of [2, 40])
    it(`survives large and equal values, ${rows} rows`, async () => {
      const x = Float32Array.from({ length: rows * 5 }, (_, i) => (i % 5 === 2 ? 3e4 : i < 5 ? 3e4 : -3e4));
      const forms = await runForms((g) => ({ y: softmax(g, g.input('x', [rows, 5])) }), { x });
      for (const y of forms) expectClose(y, softmaxReference(x, 5));
    });
});
