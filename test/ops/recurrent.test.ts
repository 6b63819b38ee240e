import { describe, expect, it } from 'vitest';
import { sruLayer, sruScan } from '../../src/ops/recurrent.ts';
import { expectClose, nmse, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The formula, lane by lane and step by step. u [R, T, G·W], skip [R, T, W] or undefined, v, b [2, W] → [R, T, W]. */
function scanReference(
  u: ArrayLike<number>,
  skip: ArrayLike<number> | undefined,
  v: Float32Array,
  b: Float32Array,
  rows: number,
  steps: number,
  width: number,
  hidden: number,
): Float64Array {
  const groups = skip ? 3 : 4;
  const y = new Float64Array(rows * steps * width);
  for (let row = 0; row < rows; row++)
    for (let j = 0; j < width; j++) {
      let c = 0;
      for (let s = 0; s < steps; s++) {
        const at = row * steps + (j < hidden ? s : steps - 1 - s);
        const lane = (group: number) => u[(at * groups + group) * width + j];
        const f = sigmoid(lane(1) + b[j] + v[j] * c);
        const r = sigmoid(lane(2) + b[width + j] + v[width + j] * c);
        const x = skip ? Math.sqrt(3) * skip[at * width + j] : lane(3);
        c = lane(0) + (c - lane(0)) * f;
        y[at * width + j] = x + (c - x) * r;
      }
    }
  return y;
}

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
        it(`[${rows}, ${steps}, ${hidden}] ${directions} directions, ${groups} groups`, async () => {
          const width = directions * hidden;
          const [u, x] = [randomArray(rows * steps * groups * width, 1, 2), randomArray(rows * steps * width, 2)];
          const [v, b] = [randomArray(2 * width, 3), randomArray(2 * width, 4)];
          const { y } = await runGraph(
            gpu(),
            (g) => ({
              y: sruScan(g, g.input('u', [rows, steps, groups * width]), {
                v: weightOf(v, [2, width]),
                b: weightOf(b, [2, width]),
                directions,
                skip: groups === 3 ? g.input('x', [rows, steps, width]) : undefined,
              }),
            }),
            groups === 3 ? { u, x } : { u },
          );
          expectClose(y, scanReference(u, groups === 3 ? x : undefined, v, b, rows, steps, width, hidden));
        });

  it('stays finite where the gates saturate', async () => {
    const u = randomArray(2 * 9 * 16, 1, 300);
    const [v, b] = [randomArray(8, 3), randomArray(8, 4)];
    const { y } = await runGraph(
      gpu(),
      (g) => ({
        y: sruScan(g, g.input('u', [2, 9, 16]), { v: weightOf(v, [2, 4]), b: weightOf(b, [2, 4]), directions: 2 }),
      }),
      { u },
    );
    expectClose(y, scanReference(u, undefined, v, b, 2, 9, 4, 2));
  });

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
      it(`[${rows}, ${steps}, ${inner}] to 2 x ${hidden}, ${dtype}`, async () => {
        const width = 2 * hidden;
        const groups = inner === width ? 3 : 4;
        const x = randomArray(rows * steps * inner, 1);
        const round = (a: Float32Array) => (dtype === 'f16' ? roundHalf(a) : a);
        const values: Record<string, Float32Array> = {
          weight: round(randomArray(inner * groups * width, 2, Math.sqrt(3 / inner))),
          v: round(randomArray(2 * width, 3)),
          b: round(randomArray(2 * width, 4)),
        };
        const { y } = await runGraph(
          gpu(),
          (g) => ({
            y: sruLayer(
              g,
              { get: (name, shape) => weightOf(values[name], shape, dtype, name) },
              g.input('x', [rows, steps, inner]),
              hidden,
            ),
          }),
          { x },
        );
        const u = product(x, values.weight, rows * steps, inner, groups * width);
        expectClose(
          y,
          scanReference(u, groups === 3 ? x : undefined, values.v, values.b, rows, steps, width, hidden),
          dtype === 'f16' ? 1e-6 : 1e-7,
        );
      });

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
    const first = scanReference(product(x, values[0].weight, steps, inner, 32), undefined, values[0].v, values[0].b, 1, steps, 8, hidden);
    const second = scanReference(product(first, values[1].weight, steps, 8, 24), first, values[1].v, values[1].b, 1, steps, 8, hidden);
    expectClose(y, second);
    expect(nmse(y, first)).toBeGreaterThan(0.01);
  });
});
