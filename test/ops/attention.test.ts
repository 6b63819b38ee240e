import { describe, expect, it } from 'vitest';
import { type AttentionSize, attentionCase, attentionReference, ropeReference } from '../../src/cases/attention.ts';
import { plus } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { ATTENTION_FORMS, attention, kvAppend, rope } from '../../src/ops/attention.ts';
import { checkCase } from '../helpers/cases.ts';
import { expectClose, randomArray } from '../helpers/data.ts';
import { formRunner } from '../helpers/forms.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const forms = formRunner(gpu, ATTENTION_FORMS);

describe('attention', () => {
  const CASES: (AttentionSize & { spread?: number })[] = [
    { batch: 1, tq: 1, tk: 1, heads: 1, dh: 1 },
    { batch: 2, tq: 5, tk: 7, heads: 3, dh: 9 },
    { batch: 3, tq: 33, tk: 33, heads: 4, dh: 32 },
    { batch: 1, tq: 40, tk: 40, heads: 2, dh: 16, causal: true },
    { batch: 1, tq: 130, tk: 260, heads: 2, dh: 64 },
    { batch: 2, tq: 31, tk: 65, heads: 1, dh: 65, scale: 0.3 },
    { batch: 1, tq: 9, tk: 600, heads: 2, dh: 24, keys: 590, causal: true, queryOffset: 585 },
    { batch: 4, tq: 17, tk: 50, heads: 2, dh: 32, sharedKeys: true },
    { batch: 1, tq: 18, tk: 40, heads: 1, dh: 100 },
    { batch: 1, tq: 6, tk: 20, heads: 1, dh: 256, keys: 13 },
    { batch: 1, tq: 3, tk: 20, heads: 1, dh: 201 },
    { batch: 1, tq: 5, tk: 9, heads: 2, dh: 257 },
    { batch: 2, tq: 2, tk: 33, heads: 1, dh: 1000, causal: true, queryOffset: 31 },
    { batch: 1, tq: 16, tk: 300, heads: 1, dh: 8, spread: 30 }, // scores to ±2000: the streaming maximum must hold
  ];
  for (const c of CASES)
    it(
      Object.entries(c)
        .map(([k, v]) => `${k} ${v}`)
        .join(', '),
      () => forms.each((form) => checkCase(gpu(), attentionCase('attention', { ...c, form }))),
    );

  it('decodes from a cache with run-time lengths, stale rows unread', async () => {
    const [heads, dh, capacity, filled] = [2, 16, 40, 23];
    const row = heads * dh;
    const [q, k, v] = [1, 2, 3].map((seed) => randomArray(row, seed));
    const [oldK, oldV] = [4, 5].map((seed) => randomArray(filled * row, seed));
    const { y, cache } = await runGraph(
      gpu(),
      (g) => {
        const pos = g.scalar('pos');
        const [kCache, vCache] = ['k', 'v'].map((name) => state(name, [1, capacity, row]));
        kvAppend(g, kCache, g.input('oldK', [1, filled, row]), 0);
        kvAppend(g, vCache, g.input('oldV', [1, filled, row]), 0);
        kvAppend(g, kCache, g.input('k', [1, 1, row]), pos);
        kvAppend(g, vCache, g.input('v', [1, 1, row]), pos);
        return {
          y: attention(g, g.input('q', [1, 1, row]), kCache, vCache, { heads, causal: true, keys: plus(pos, 1), queryOffset: pos }),
          cache: kCache,
        };
      },
      { q, k, v, oldK, oldV },
      { pos: filled },
    );
    const joined = (a: Float32Array, b: Float32Array) => Float32Array.of(...a, ...b);
    expectClose(y, attentionReference({ tq: 1, tk: filled + 1, heads, dh }, q, joined(oldK, k), joined(oldV, v)));
    expect([...cache.subarray(0, (filled + 1) * row)]).toEqual([...oldK, ...k]);
    expect(cache.subarray((filled + 1) * row).every((value) => value === 0)).toBe(true);
  });

  it('refuses heads and keys that do not fit', async () => {
    const run = (options: { heads: number; keys?: number }, tk = 4, width = 6) =>
      runGraph(gpu(), (g) => ({
        y: attention(g, g.input('q', [2, 3, 6]), g.input('k', [2, tk, width]), g.input('v', [2, 4, width]), options),
      }));
    await expect(run({ heads: 4 })).rejects.toThrow('attention: rows of 6 do not split into 4 heads');
    await expect(run({ heads: 2, keys: 5 })).rejects.toThrow('attention: 5 valid keys of [2,4,6]');
    await expect(run({ heads: 2 }, 4, 8)).rejects.toThrow('attention: k does not fit; got [2,4,8], expected [2,*,6]');
    await expect(run({ heads: 2 }, 5)).rejects.toThrow('attention: v does not fit; got [2,4,6], expected [2,5,6]');
  });
});

forms.covered(['row', 'tile'], ['broadcast']);

describe('rope', () => {
  for (const style of ['half', 'interleaved'] as const)
    for (const [batch, len, heads, dh] of [
      [1, 1, 1, 2],
      [2, 13, 3, 10],
      [1, 70, 4, 32],
    ])
      it(`${style} [${batch}, ${len}, ${heads}·${dh}]`, async () => {
        const row = heads * dh;
        const x = randomArray(batch * len * row, 1);
        const own = randomArray(len, 2, 40).map(Math.abs); // seconds on a clock: not whole
        const perItem = randomArray(batch * len, 3, 40);
        const turned = (position: (b: number, t: number) => number, theta: number) =>
          ropeReference({ batch, len, heads, dh, style, theta }, x, position);
        const { counted, placed, each } = await runGraph(
          gpu(),
          (g) => {
            const input = g.input('x', [batch, len, row]);
            return {
              counted: rope(g, input, { heads, style, offset: g.scalar('at') }),
              placed: rope(g, input, { heads, style, theta: 100, positions: g.input('own', [len]) }),
              each: rope(g, input, { heads, style, positions: g.input('perItem', [batch, len]) }),
            };
          },
          { x, own, perItem },
          { at: 57 },
        );
        expectClose(
          counted,
          turned((_b, t) => 57 + t, 1e4),
        );
        expectClose(
          placed,
          turned((_b, t) => own[t], 100),
        );
        expectClose(
          each,
          turned((b, t) => perItem[b * len + t], 1e4),
        );
      });

  it('refuses odd heads and positions of another length', async () => {
    const run = (heads: number, positions: number[]) =>
      runGraph(gpu(), (g) => ({ y: rope(g, g.input('x', [1, 4, 6]), { heads, positions: g.input('p', positions) }) }));
    await expect(run(2, [4])).rejects.toThrow('rope: heads are 3 wide, expected an even width');
    await expect(run(1, [5])).rejects.toThrow('rope: positions does not fit; got [5], expected [4]');
  });
});

describe('kvAppend', () => {
  // one element, odd, around a workgroup of 64 threads, the language model's own
  for (const [batch, len, cols] of [
    [1, 1, 1],
    [2, 3, 7],
    [1, 3, 21],
    [1, 1, 64],
    [1, 5, 13],
    [2, 40, 256],
  ])
    it(`[${batch}, ${len}, ${cols}] into a cache of ${len + 2} rows, nothing beside or behind them`, async () => {
      const x = randomArray(batch * len * cols, 1);
      const { cache } = await runGraph(
        gpu(),
        (g) => {
          const cache = g.temp([batch, len + 2, cols]); // with guard words behind it, NaN before
          kvAppend(g, cache, g.input('x', [batch, len, cols]), 1);
          return { cache };
        },
        { x },
      );
      const expected = new Float32Array(batch * (len + 2) * cols).fill(Number.NaN);
      for (let b = 0; b < batch; b++) expected.set(x.subarray(b * len * cols, (b + 1) * len * cols), (b * (len + 2) + 1) * cols);
      expect(cache).toEqual(expected);
    });

  it('writes rows of every batch item at a run-time place and drops what is past the end', async () => {
    const x = randomArray(2 * 3 * 5, 1);
    const { cache } = await runGraph(
      gpu(),
      (g) => {
        const kept = state('cache', [2, 7, 5]);
        kvAppend(g, kept, g.input('x', [2, 3, 5]), g.scalar('at'));
        return { cache: kept };
      },
      { x },
      { at: 5 },
    );
    const expected = new Float32Array(2 * 7 * 5);
    for (let b = 0; b < 2; b++) expected.set(x.subarray(b * 15, b * 15 + 10), b * 35 + 25);
    expect([...cache]).toEqual([...expected]);
  });

  it('refuses rows of another width', async () => {
    await expect(
      runGraph(gpu(), (g) => {
        const kept = state('cache', [1, 7, 5]);
        kvAppend(g, kept, g.input('x', [1, 3, 4]), 0);
        return { cache: kept };
      }),
    ).rejects.toThrow('kv_append: cache does not fit; got [1,7,5], expected [1,*,4]');
  });
});
