import { describe, expect, it } from 'vitest';
import { scanCase, scanReference, sruLayerCase } from '../../src/cases/recurrent.ts';
import { sruLayer, sruScan } from '../../src/ops/recurrent.ts';
import { checkCase } from '../helpers/cases.ts';
import { expectClose, nmse, randomArray, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
/** x [rows, inner] · w [inner, cols]. */
function product(x: ArrayLike<number>, w: Float32Array, rows: number, inner: number, cols: number): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < inner; k++) for (let n = 0; n < cols; n++) y[r * cols + n] += x[r * inner + k] * w[k * cols + n];
  return y;
}

describe('sruScan', () => {
  for (const [rows, steps, hidden] of [
    [1, 1, 1],
    [3, 7, 5],
    [1, 2, 63],
    [1, 32, 64],
    [2, 5, 65],
    [33, 32, 64],
  ])
    for (const directions of [1, 2] as const)
      for (const groups of [3, 4])
        it(`[${rows}, ${steps}, ${hidden}] ${directions} directions, ${groups} groups`, () =>
          checkCase(gpu(), scanCase('scan', { rows, steps, width: directions * hidden, directions, skip: groups === 3 })));

  it('stays finite where the gates saturate', () => checkCase(gpu(), scanCase('scan', { rows: 2, steps: 9, width: 4, spread: 300 })));

  it('refuses u of another width', async () => {
    const v = weightOf(randomArray(8, 1), [2, 4]);
    await expect(runGraph(gpu(), (g) => ({ y: sruScan(g, g.input('u', [1, 3, 12]), { v, b: v, directions: 2 }) }))).rejects.toThrow(
      'sru_scan: u does not fit; got [1,3,12], expected [*,*,16]',
    );
  });
});

describe('sruLayer', () => {
  for (const [rows, steps, inner, hidden] of [
    [1, 1, 1, 1],
    [2, 5, 7, 3],
    [3, 6, 10, 5],
    [5, 32, 128, 64],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${rows}, ${steps}, ${inner}] to 2 x ${hidden}, ${dtype}`, () =>
        checkCase(gpu(), sruLayerCase('layer', rows, steps, inner, hidden, dtype), { limit: dtype === 'f16' ? 1e-6 : 1e-7 }));

  it('gives each batch item what a single run gives, bit for bit', async () => {
    const [segments, steps, inner, hidden] = [5, 8, 24, 12];
    const values: Record<string, Float32Array> = {
      weight: randomArray(inner * 72, 2, 0.3),
      v: randomArray(48, 3),
      b: randomArray(48, 4),
    };
    const lookup = { get: (name: string, shape: readonly number[]) => weightOf(values[name], shape, 'f32', name) };
    const run = (items: number, x: Float32Array) =>
      runGraph(gpu(), (g) => ({ y: sruLayer(g, lookup, g.input('x', [items * segments, steps, inner]), hidden) }), { x });
    const size = segments * steps * inner;
    const x = randomArray(3 * size, 1);
    const all = await run(3, x);
    for (let i = 0; i < 3; i++) expect((await run(1, x.slice(i * size, (i + 1) * size))).y).toEqual(all.y.slice(i * size, (i + 1) * size));
  });

  it('stacks: layer 0 widens with four groups, layer 1 keeps its width with three', async () => {
    const [steps, inner, hidden] = [9, 6, 4];
    const x = randomArray(steps * inner, 1);
    const values = [0, 1].map(
      (i) =>
        ({
          weight: randomArray((i ? 8 : inner) * (i ? 24 : 32), 10 + i),
          v: randomArray(16, 20 + i),
          b: randomArray(16, 30 + i),
        }) as Record<string, Float32Array>,
    );
    const { y } = await runGraph(
      gpu(),
      (g) => ({
        y: values.reduce(
          (x, layer) => sruLayer(g, { get: (name, shape) => weightOf(layer[name], shape, 'f32', name) }, x, hidden),
          g.input('x', [1, steps, inner]),
        ),
      }),
      { x },
    );
    const first = scanReference({ rows: 1, steps, width: 8 }, product(x, values[0].weight, steps, inner, 32), values[0].v, values[0].b);
    const second = scanReference(
      { rows: 1, steps, width: 8 },
      product(first, values[1].weight, steps, 8, 24),
      values[1].v,
      values[1].b,
      first,
    );
    expectClose(y, second);
    expect(nmse(y, first)).toBeGreaterThan(0.01);
  });
});
