import { describe, expect, it } from 'vitest';
import { ddpmReference } from '../../src/cases/diffusion.ts';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import {
  angleEmbedding,
  ddpmStep,
  diffusionStep,
  frameAngles,
  mergeColumns,
  overlapAdd,
  segment,
  segmentCount,
} from '../../src/ops/diffusion.ts';
import { rmsNorm, rmsNormRepeat } from '../../src/ops/norm.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runBothGrids, runnerOf, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

/** Index of element [i, j, k, l] of a tensor of these four dimensions. */
const at = ([, b, c, d]: readonly number[], i: number, j: number, k: number, l: number) => ((i * b + j) * c + k) * d + l;

/** Values of a four-dimensional tensor by a function of its indices. */
function tensor4(shape: readonly number[], of: (i: number, j: number, k: number, l: number) => number): Float64Array {
  const y = new Float64Array(shape.reduce((p, d) => p * d, 1));
  for (let i = 0; i < shape[0]; i++)
    for (let j = 0; j < shape[1]; j++)
      for (let k = 0; k < shape[2]; k++) for (let l = 0; l < shape[3]; l++) y[at(shape, i, j, k, l)] = of(i, j, k, l);
  return y;
}

describe('segment, overlapAdd', () => {
  it("gives 80 segments for the paper's window", () => expect(segmentCount(2500, 64)).toBe(80));

  for (const [batch, length, dim, size] of [
    [1, 1, 1, 2],
    [1, 1, 3, 8],
    [2, 7, 5, 4],
    [1, 63, 3, 16],
    [3, 64, 2, 16],
    [1, 65, 7, 16],
    [1, 500, 24, 32],
  ])
    it(`[${batch}, ${length}, ${dim}] in segments of ${size}`, async () => {
      const x = randomArray(batch * length * dim, 1);
      const shape = [batch, segmentCount(length, size), size, dim];
      const { h, y } = await runBothGrids(
        gpu(),
        (g) => {
          const h = segment(g, g.input('x', [batch, length, dim]), { size });
          expect(h.shape).toEqual(shape);
          return { h, y: overlapAdd(g, h, length) };
        },
        { x },
      );
      expect(Float64Array.from(h)).toEqual(
        tensor4(shape, (b, s, k, d) => {
          const frame = (s - 1) * (size / 2) + k;
          return frame >= 0 && frame < length ? x[(b * length + frame) * dim + d] : 0;
        }),
      );
      expect(y).toEqual(x.map((v) => 2 * v)); // exact: the oracle of docs/system.md §9.3
    });

  it('adds different covers', async () => {
    const [length, size, dim] = [13, 6, 4];
    const shape = [2, segmentCount(length, size), size, dim];
    const h = randomArray(
      shape.reduce((p, d) => p * d, 1),
      1,
    );
    const { y } = await runBothGrids(gpu(), (g) => ({ y: overlapAdd(g, g.input('h', shape), length) }), { h });
    const expected = new Float64Array(2 * length * dim);
    tensor4(shape, (b, s, k, d) => {
      const frame = (s - 1) * 3 + k;
      if (frame >= 0 && frame < length) expected[(b * length + frame) * dim + d] += h[at(shape, b, s, k, d)];
      return 0;
    });
    expectClose(y, expected);
  });

  it('refuses odd sizes and a length that does not belong to the segments', async () => {
    await expect(runBothGrids(gpu(), (g) => ({ y: segment(g, g.input('x', [1, 8, 2]), { size: 5 }) }))).rejects.toThrow(
      'segment: got [1,8,2] in segments of 5, expected [L, D] or [B, L, D] and an even size',
    );
    await expect(runBothGrids(gpu(), (g) => ({ y: overlapAdd(g, g.input('h', [1, 3, 4, 2]), 9) }))).rejects.toThrow(
      'overlap_add: h does not fit; got [1,3,4,2], expected [*,6,*,*]',
    );
  });
});

describe('mergeColumns', () => {
  it("has the widths of the paper's eight blocks", () => {
    const g = new Graph(gpu().caps);
    const widths = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (i) => mergeColumns(g, g.input(`h${i}`, [1, 80, 64, 2]), { window: 2 ** Math.min(i, 8 - i + 1) }).shape[1],
    );
    expect(widths).toEqual([64, 32, 16, 8, 8, 16, 32, 64]);
  });

  for (const [batch, segments, columns, dim, window] of [
    [1, 1, 1, 1, 2],
    [1, 3, 7, 5, 2],
    [2, 5, 8, 3, 4],
    [1, 33, 32, 16, 16],
    [2, 3, 32, 65, 64],
    [1, 33, 32, 128, 4],
  ])
    it(`[${batch}, ${segments}, ${columns}, ${dim}] by windows of ${window}`, async () => {
      const shape = [batch, segments, columns, dim];
      const h = randomArray(
        shape.reduce((p, d) => p * d, 1),
        1,
      );
      const width = (2 * columns) / window;
      const { merged } = await runBothGrids(
        gpu(),
        (g) => {
          const merged = mergeColumns(g, g.input('h', shape), { window });
          expect(merged.shape).toEqual([batch, width, segments, dim]);
          return { merged };
        },
        { h },
      );
      const means = tensor4([batch, width, segments, dim], (b, j, s, d) => {
        let sum = 0;
        for (let k = 0; k < window; k++) if ((j * window) / 2 + k < columns) sum += h[at(shape, b, s, (j * window) / 2 + k, d)];
        return sum / window;
      });
      expectClose(merged, means);
    });

  for (const window of [2, 4, 8, 16])
    it(`Merge(constant) is the constant away from the padding, window ${window}`, async () => {
      const { y } = await runBothGrids(gpu(), (g) => ({ y: mergeColumns(g, g.input('h', [1, 2, 16, 3]), { window }) }), {
        h: new Float32Array(96).fill(0.7),
      });
      const inside = y.filter((_, i) => (Math.floor(i / 6) * window) / 2 <= 16 - window);
      expect(inside.length).toBeGreaterThan(0);
      for (const v of inside) expect(v).toBeCloseTo(0.7, 6);
    });

  it('RMSNorm(h + Repeat(c)) in one dispatch is RMSNorm with Repeat(c) as its residual', async () => {
    const [h, c, w] = [randomArray(2 * 5 * 8 * 12, 1), randomArray(2 * 4 * 5 * 12, 2), randomArray(12, 3)];
    const shape = [2, 5, 8, 12];
    const repeated = Float32Array.from(tensor4(shape, (b, s, k, d) => c[at([2, 4, 5, 12], b, Math.floor(k / 2), s, d)]));
    const { one, two } = await runBothGrids(
      gpu(),
      (g) => {
        const [a, b, weight] = [g.input('h', shape), g.input('c', [2, 4, 5, 12]), weightOf(w, [12])];
        return { one: rmsNormRepeat(g, a, b, weight), two: rmsNorm(g, a, weight, { residual: g.input('r', shape) }) };
      },
      { h, c, r: repeated },
    );
    expect(one).toEqual(two);
  });

  it('refuses windows that do not divide', async () => {
    await expect(runBothGrids(gpu(), (g) => ({ y: mergeColumns(g, g.input('h', [1, 2, 6, 3]), { window: 8 }) }))).rejects.toThrow(
      'merge_columns: got a window of 8, expected an even number whose half divides the 6 columns of [1,2,6,3]',
    );
  });
});

describe('angleEmbedding, frameAngles', () => {
  for (const [length, dim] of [
    [1, 1],
    [7, 5],
    [3, 65],
    [500, 256],
  ])
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${length}] to ${dim}, ${dtype}`, async () => {
        const delta = randomArray(length, 1).map((v, i) => (i === 0 ? 0 : ((v + 1) * Math.PI) / 4));
        const [start, end] = [2, 3].map((seed) => (dtype === 'f16' ? roundHalf(randomArray(dim, seed)) : randomArray(dim, seed)));
        const { y } = await runBothGrids(
          gpu(),
          (g) => ({
            y: angleEmbedding(g, g.input('delta', [length]), weightOf(start, [dim], dtype), weightOf(end, [dim], dtype)),
          }),
          { delta },
        );
        expectClose(
          y,
          Float64Array.from({ length: length * dim }, (_, i) => {
            const [a, e] = [delta[Math.floor(i / dim)], i % dim];
            return Math.cos(a) * start[e] + Math.sin(a) * end[e];
          }),
          1e-12,
        );
        expect(y.slice(0, dim)).toEqual(start); // angle 0, exactly
      });

  it('spreads one angle over the moving frames', async () => {
    const mask = Float32Array.of(1, 0, 0, 1, 1);
    const { y } = await runBothGrids(
      gpu(),
      (g) => ({ y: frameAngles(g, g.input('mask', [5]), g.scalar('delta')) }),
      { mask },
      { delta: 1.25 },
    );
    expect(y).toEqual(mask.map((m) => m * 1.25));
  });
});

/** Angles π/2 = δ_T > … > δ_0 = 0 of both schedules of docs/system.md §4. */
function anglesOf(steps: number, uniform: boolean): number[] {
  const angles = [Math.PI / 2];
  for (let t = steps; t >= 1; t--)
    angles.push(
      angles[angles.length - 1] - (uniform ? Math.PI / 2 / steps : Math.PI / (6 * steps) + (2 * Math.PI * t) / (3 * steps * (steps + 1))),
    );
  angles[steps] = Math.abs(angles[steps]) < 1e-12 ? 0 : angles[steps];
  return angles;
}

describe('diffusionStep', () => {
  for (const [batch, length, dim] of [
    [1, 1, 1],
    [1, 63, 1],
    [1, 64, 1],
    [1, 13, 5],
    [2, 13, 5],
    [1, 500, 24],
  ])
    for (const guided of [false, true])
      it(`[${batch}, ${length}, ${dim}] ${guided ? 'guided' : 'plain'}: moves masked frames, keeps the rest bit for bit`, async () => {
        const n = batch * length * dim;
        const [z, vc, vn] = [randomArray(n, 1), randomArray(n, 2), randomArray(n, 3)];
        const mask = Float32Array.from({ length }, (_, i) => (i % 3 === 1 ? 0 : 1));
        const [omega, guidance] = [0.3, 2.5];
        const { y } = await runBothGrids(
          gpu(),
          (g) => {
            const [a, b, c] = ['z', 'vc', 'vn'].map((name) => g.input(name, [batch, length, dim]));
            return {
              y: diffusionStep(g, a, b, guided ? c : undefined, { omega: g.scalar('omega'), guidance, mask: g.input('mask', [length]) }),
            };
          },
          { z, vc, vn, mask },
          { omega },
        );
        const expected = z.map((v, i) => {
          if (mask[Math.floor(i / dim) % length] === 0) return v;
          return Math.cos(omega) * v - Math.sin(omega) * (guided ? guidance * vc[i] + (1 - guidance) * vn[i] : vc[i]);
        });
        expectClose(y, expected, 1e-12);
        z.forEach((v, i) => {
          if (mask[Math.floor(i / dim) % length] === 0) expect(y[i]).toBe(v);
        });
      });

  for (const steps of [1, 5, 20])
    for (const uniform of [false, true])
      it(`with the true velocity ${steps} ${uniform ? 'uniform' : 'linear'} steps in a state return z`, async () => {
        const [clean, noise] = [randomArray(15 * 4, 1), randomArray(15 * 4, 2)];
        const mask = Float32Array.from({ length: 15 }, (_, i) => (i < 5 ? 0 : 1));
        const { residents, compile } = runnerOf(gpu());
        const g = new Graph(gpu().caps);
        const z = state('z', [15, 4]);
        diffusionStep(g, z, g.input('v', [15, 4]), undefined, { omega: g.scalar('omega'), mask: g.input('mask', [15]), into: z });
        const plan = await compile(g);
        const start = noise.map((e, i) => (i < 20 ? clean[i] : e)); // δ = π/2 on the moving frames, 0 on the context
        residents.write(z, start);
        const angles = anglesOf(steps, uniform);
        for (let t = 0; t < steps; t++) {
          const v = noise.map((e, i) => Math.cos(angles[t]) * e - Math.sin(angles[t]) * clean[i]);
          plan.run({ omega: angles[t] - angles[t + 1] }, { v, mask });
        }
        const y = new Float32Array(await residents.read(z));
        expectClose(y, clean, 1e-11);
        expect(y.slice(0, 20)).toEqual(clean.slice(0, 20));
        plan.dispose();
        residents.dispose();
      });

  it('refuses velocities and masks of other lengths', async () => {
    const step = (v: number[], mask: number) =>
      runBothGrids(gpu(), (g) => ({
        y: diffusionStep(g, g.input('z', [8, 2]), g.input('v', v), undefined, { omega: 1, mask: g.input('mask', [mask]) }),
      }));
    await expect(step([7, 2], 8)).rejects.toThrow('diffusion_step: vCond does not fit; got [7,2], expected [8,2]');
    await expect(step([8, 2], 7)).rejects.toThrow('diffusion_step: got a mask of [7] for z [8,2], expected one number a frame');
  });
});

describe('ddpmStep', () => {
  for (const [length, dim] of [
    [1, 1],
    [63, 1],
    [8, 8],
    [13, 5],
    [500, 24],
  ])
    for (const [angle, nextAngle] of [
      [Math.PI / 2, 1.3],
      [1.2, 0.9],
      [0.3, 0.29],
      [0.2, 0],
    ])
      it(`[${length}, ${dim}] from ${angle.toFixed(2)} to ${nextAngle}, guided`, async () => {
        const n = length * dim;
        const [z, vc, vn, noise] = [1, 2, 3, 4].map((seed) => randomArray(n, seed));
        const mask = Float32Array.from({ length }, (_, i) => (i % 3 === 1 ? 0 : 1));
        const { y } = await runBothGrids(
          gpu(),
          (g) => {
            const [a, b, c, e] = ['z', 'vc', 'vn', 'noise'].map((name) => g.input(name, [length, dim]));
            return {
              y: ddpmStep(g, a, b, c, e, {
                angle: g.scalar('angle'),
                nextAngle: g.scalar('next'),
                guidance: 2,
                mask: g.input('mask', [length]),
              }),
            };
          },
          { z, vc, vn, noise, mask },
          { angle, next: nextAngle },
        );
        expectClose(
          y,
          z.map((v, i) => (mask[Math.floor(i / dim)] ? ddpmReference(v, 2 * vc[i] - vn[i], noise[i], angle, nextAngle) : v)),
          1e-11,
        );
        z.forEach((v, i) => {
          if (mask[Math.floor(i / dim)] === 0) expect(y[i]).toBe(v);
        });
      });

  it('ends at x0 without noise: true velocity to angle 0 is z', async () => {
    const [clean, e] = [randomArray(40, 1), randomArray(40, 2)];
    const z = clean.map((c, i) => Math.cos(0.4) * c + Math.sin(0.4) * e[i]);
    const v = clean.map((c, i) => Math.cos(0.4) * e[i] - Math.sin(0.4) * c);
    const { y } = await runBothGrids(
      gpu(),
      (g) => ({
        y: ddpmStep(g, g.input('z', [10, 4]), g.input('v', [10, 4]), undefined, g.input('noise', [10, 4]), {
          angle: 0.4,
          nextAngle: 0,
          mask: g.input('mask', [10]),
        }),
      }),
      { z, v, noise: randomArray(40, 3), mask: new Float32Array(10).fill(1) },
    );
    expectClose(y, clean, 1e-11);
  });
});
