import { describe, expect, it } from 'vitest';
import { activate } from '../../src/cases/activate.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { state, type Tensor } from '../../src/graph/tensor.ts';
import { ACT, type Act } from '../../src/ops/act.ts';
import { activation, add, clamp, copy, film, mul } from '../../src/ops/elementwise.ts';
import { snake } from '../../src/ops/snake.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runBothGrids, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const SIZES = [1, 7, 63, 64, 65, 1023, 1025, 65537];

/** y of one op over inputs of the given shapes. */
async function apply(
  body: (g: Graph, ...x: Tensor[]) => Tensor,
  shapes: number[][],
  data: Float32Array[],
  scalars: Record<string, number> = {},
) {
  const inputs = Object.fromEntries(data.map((d, i) => [`x${i}`, d]));
  return (await runBothGrids(gpu(), (g) => ({ y: body(g, ...shapes.map((s, i) => g.input(`x${i}`, s))) }), inputs, scalars)).y;
}

describe('add, mul', () => {
  for (const n of SIZES)
    it(`[${n}]`, async () => {
      const [a, b] = [randomArray(n, 1), randomArray(n, 2)];
      expectClose(
        await apply((g, x, y) => add(g, x, y, { alpha: 2, beta: -0.5 }), [[n], [n]], [a, b]),
        a.map((v, i) => 2 * v - 0.5 * b[i]),
      );
      expectClose(
        await apply((g, x, y) => mul(g, x, y), [[n], [n]], [a, b]),
        a.map((v, i) => v * b[i]),
      );
    });

  for (const [shape, tail] of [
    [[3, 5, 7], [7]],
    [
      [3, 5, 7],
      [5, 7],
    ],
    [[2, 1], [1]],
    [[70000, 3], [3]],
  ])
    it(`[${shape}] with [${tail}] repeated`, async () => {
      const [a, b] = [
        randomArray(
          shape.reduce((p, d) => p * d, 1),
          1,
        ),
        randomArray(
          tail.reduce((p, d) => p * d, 1),
          2,
        ),
      ];
      expectClose(
        await apply((g, x, y) => add(g, x, y), [shape, tail], [a, b]),
        a.map((v, i) => v + b[i % b.length]),
      );
      expectClose(
        await apply((g, x, y) => mul(g, x, y), [shape, tail], [a, b]),
        a.map((v, i) => v * b[i % b.length]),
      );
    });

  it('reads factors at run time', async () => {
    const [a, b] = [randomArray(9, 1), randomArray(9, 2)];
    const y = await apply((g, x, y) => add(g, x, y, { alpha: g.scalar('alpha') }), [[9], [9]], [a, b], { alpha: 3 });
    expectClose(
      y,
      a.map((v, i) => 3 * v + b[i]),
    );
  });

  it('writes into a state', async () => {
    const [a, b] = [randomArray(9, 1), randomArray(9, 2)];
    expectClose(
      await apply((g, x, y) => mul(g, x, y, { into: state('product', [9]) }), [[9], [9]], [a, b]),
      a.map((v, i) => v * b[i]),
    );
  });

  it('refuses shapes that are not trailing dimensions', async () => {
    const data = [randomArray(6, 1), randomArray(3, 2)];
    await expect(apply((g, x, y) => add(g, x, y), [[3, 2], [3]], data)).rejects.toThrow(
      'add: got [3,2] and [3], expected the second to be',
    );
    await expect(apply((g, x, y) => mul(g, y, x), [[3, 2], [3]], data)).rejects.toThrow(
      'mul: got [3] and [3,2], expected the second to be',
    );
    await expect(apply((g, x) => mul(g, x, x, { into: state('s', [6]) }), [[3, 2]], data.slice(0, 1))).rejects.toThrow(
      'mul: into does not fit; got [6], expected [3,2]',
    );
  });
});

describe('snake', () => {
  for (const [rows, cols] of [
    [1, 1],
    [5, 7],
    [3, 65],
    [960, 96],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${rows}, ${cols}] ${dtype}`, async () => {
        const x = randomArray(rows * cols, 1, 20); // arguments to ±60: far outside the range in which WGSL's sin promises anything
        const [alpha, gain] = [2, 3].map((seed) => {
          const values = randomArray(cols, seed).map((v, i) => (i === seed ? 0 : 1.5 + 1.4 * v));
          return dtype === 'f16' ? roundHalf(values) : values;
        });
        const y = await apply((g, t) => snake(g, t, weightOf(alpha, [cols], dtype), weightOf(gain, [cols], dtype)), [[rows, cols]], [x]);
        const expected = x.map((v, i) => v + gain[i % cols] * Math.sin(alpha[i % cols] * v) ** 2);
        expectClose(y, expected);
        const wave = (values: Float32Array) => values.map((v, i) => v - x[i]);
        expectClose(wave(y), wave(expected), 1e-7); // the wave alone too: x would hide an error in it
      });

  it('refuses an alpha of another width', async () => {
    const [narrow, fitting] = [3, 4].map((n) => weightOf(randomArray(n, 1), [n]));
    await expect(apply((g, x) => snake(g, x, narrow, fitting), [[2, 4]], [randomArray(8, 1)])).rejects.toThrow(
      'snake: test.weight does not fit; got [3], expected [4]',
    );
  });
});

describe('activation', () => {
  for (const act of Object.keys(ACT) as Act[])
    for (const n of [1, 63, 64, 65, 1000])
      it(`${act} [${n}]`, async () => {
        const x = randomArray(n, 1, 6);
        expectClose(
          await apply((g, t) => activation(g, t, act), [[n]], [x]),
          Float64Array.from(x, (v) => activate(act, v)),
        );
      });
});

describe('clamp, copy', () => {
  for (const n of SIZES)
    it(`[${n}]`, async () => {
      const x = randomArray(n, 1, 2);
      expect(await apply((g, t) => clamp(g, t, -1, 0.5), [[n]], [x])).toEqual(x.map((v) => Math.min(Math.max(v, -1), 0.5)));
      expect(await apply((g, t) => copy(g, t), [[n]], [x])).toEqual(x);
    });

  it('clamps infinities and leaves NaN for the watch to find', async () => {
    const x = Float32Array.of(Infinity, -Infinity, Number.NaN, 0.25, -3);
    expect(await apply((g, t) => clamp(g, t, -1, 0.5), [[5]], [x])).toEqual(Float32Array.of(0.5, -1, Number.NaN, 0.25, -1));
  });

  it('copies bits, NaN patterns and small integers included', async () => {
    const words = Uint32Array.from([0x7fc0dead, 0xffffffff, 1, 0x80000000, 0x7f800000]);
    const { raw } = await runBothGrids(gpu(), (g) => ({ y: copy(g, g.input('x', [5], 'u32')) }), { x: words });
    expect(new Uint32Array(raw.y)).toEqual(words);
  });
});

describe('film', () => {
  for (const [shape, conditions] of [
    [[1, 1], 1],
    [[6, 5], 2],
    [[2, 33, 8, 7], 66],
    [[33, 32, 128], 33],
    [[4, 65], 4],
  ] as [number[], number][])
    it(`[${shape}] with ${conditions} rows of scale and shift`, async () => {
      const dim = shape[shape.length - 1];
      const n = shape.reduce((p, d) => p * d, 1);
      const [x, scale, shift] = [randomArray(n, 1), randomArray(conditions * dim, 2), randomArray(conditions * dim, 3)];
      const times = n / dim / conditions;
      const expected = x.map((v, i) => {
        const j = Math.floor(i / dim / times) * dim + (i % dim);
        return v * scale[j] + shift[j];
      });
      expectClose(
        await apply((g, a, b, c) => film(g, a, b, c), [shape, [conditions, dim], [conditions, dim]], [x, scale, shift]),
        expected,
      );
    });

  it('refuses rows that do not divide', async () => {
    await expect(
      apply(
        (g, a, b) => film(g, a, b, b),
        [
          [5, 4],
          [2, 4],
        ],
        [randomArray(20, 1), randomArray(8, 2)],
      ),
    ).rejects.toThrow('film: got scale [2,4] beside x [5,4], expected the same last dimension and a number of rows that divides 5');
  });
});
