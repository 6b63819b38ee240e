import { describe, expect, it } from 'vitest';
import { rmsNorm } from '../../src/ops/norm.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

function rmsNormReference(x: Float32Array, w: Float32Array, cols: number, eps: number): Float64Array {
  const y = new Float64Array(x.length);
  for (let base = 0; base < x.length; base += cols) {
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += x[base + c] ** 2;
    for (let c = 0; c < cols; c++) y[base + c] = (x[base + c] / Math.sqrt(sum / cols + eps)) * w[c];
  }
  return y;
}

describe('rmsNorm', () => {
  for (const [rows, cols] of [[1, 1], [3, 7], [2, 63], [2, 64], [5, 65], [512, 128], [70000, 3]])
    for (const dtype of ['f32', 'f16'] as const)
      it(`[${rows}, ${cols}] ${dtype}`, async () => {
        const x = randomArray(rows * cols, 1);
        const w = dtype === 'f16' ? roundHalf(randomArray(cols, 2)) : randomArray(cols, 2);
        const { y } = await runGraph(gpu(), (g) => ({ y: rmsNorm(g, g.input('x', [rows, cols]), weightOf(w, [cols], dtype), { eps: 1e-5 }) }), { x });
        expectClose(y, rmsNormReference(x, w, cols, 1e-5));
      });

  it('adds the residual before it measures', async () => {
    const [x, r, w] = [randomArray(6 * 33, 1), randomArray(6 * 33, 2), randomArray(33, 3)];
    const { y } = await runGraph(gpu(), (g) => ({
      y: rmsNorm(g, g.input('x', [6, 33]), weightOf(w, [33]), { eps: 1e-5, residual: g.input('r', [6, 33]) }),
    }), { x, r });
    expectClose(y, rmsNormReference(x.map((v, i) => v + r[i]), w, 33, 1e-5));
  });

  it('refuses a weight of another width', async () => {
    await expect(runGraph(gpu(), (g) => ({ y: rmsNorm(g, g.input('x', [2, 8]), weightOf(randomArray(7, 1), [7])) }))).rejects.toThrow(
      'rms_norm: test.weight does not fit; got [7], expected [8]');
  });
});
