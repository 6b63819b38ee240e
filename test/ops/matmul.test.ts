import { describe, expect, it } from 'vitest';
import { activate } from '../../src/cases/activate.ts';
import { epilogueCase, linearCase, matmulCase, product, swigluCase } from '../../src/cases/matmul.ts';
import { type Caps, DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { ACT, type Act } from '../../src/ops/act.ts';
import { FORMS } from '../../src/ops/gemm.ts';
import { linear, matmul, swiglu } from '../../src/ops/matmul.ts';
import { checkCase } from '../helpers/cases.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { formRunner } from '../helpers/forms.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

const forms = formRunner(gpu, FORMS);

describe('linear', () => {
  // rows × inner × cols: ones, odd, around the tiles (8, 16, 32, 64), the models' own
  const SIZES = [
    ['f32', 1, 1, 1],
    ['f16', 1, 256, 1024],
    ['f32', 1, 64, 36],
    ['f32', 2, 8, 32],
    ['f32', 3, 12, 20],
    ['f16', 3, 129, 33],
    ['f32', 8, 64, 31],
    ['f16', 8, 20, 68],
    ['f32', 9, 8, 32],
    ['f16', 15, 4, 28],
    ['f32', 17, 36, 60],
    ['f32', 63, 65, 64],
    ['f16', 64, 16, 65],
    ['f32', 65, 33, 129],
    ['f16', 128, 127, 127],
    ['f32', 250, 128, 512],
  ] as const;
  for (const [dtype, rows, inner, cols] of SIZES)
    it(`[${rows}, ${inner}] · [${cols}, ${inner}]ᵀ ${dtype}`, () =>
      forms.each((form) => checkCase(gpu(), linearCase('linear', { rows, inner, cols, storage: dtype, form }))));

  // where a GPU shares the columns otherwise than a software adapter: 256 threads for up to two rows, one quad each
  for (const [dtype, rows, inner, cols] of [
    ['f16', 1, 256, 1024],
    ['f32', 1, 704, 256],
    ['f16', 2, 256, 36],
    ['f32', 3, 260, 128],
    ['f16', 8, 64, 132],
  ] as const)
    for (const executor of ['software', 'gpu'] as const)
      it(`vector form as on a ${executor === 'software' ? 'software adapter' : 'GPU'}, [${rows}, ${inner}] to ${cols} ${dtype}`, () =>
        checkCase(gpu(), linearCase('linear', { rows, inner, cols, storage: dtype, form: 'vector' }), {
          caps: { ...gpu().caps, executor },
        }));

  it('rounds its columns up to a multiple of four when asked; what stands behind is act(0)', async () => {
    const [rows, inner, cols] = [9, 8, 13];
    const [x, w, b] = [rows * inner, cols * inner, cols].map((n, i) => randomArray(n, i + 1));
    const plain = product(x, w, rows, inner, cols);
    const { y } = await runGraph(
      gpu(),
      (g) => ({
        y: linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner]), { bias: weightOf(b, [cols]), act: 'sigmoid', padded: true }),
      }),
      { x },
    );
    expectClose(
      y,
      Float64Array.from({ length: rows * 16 }, (_, i) =>
        activate('sigmoid', i % 16 < cols ? plain[Math.floor(i / 16) * cols + (i % 16)] + b[i % 16] : 0),
      ),
    );
  });

  // one size for the forms that go by fours, one for those that take any
  for (const [rows, inner, cols] of [
    [7, 20, 44],
    [70, 19, 45],
  ])
    it(`bias, activation, scale and residual in this order, [${rows}, ${inner}] to ${cols}`, () =>
      forms.each((form) => checkCase(gpu(), epilogueCase('linear', { rows, inner, cols, act: 'silu', scale: 'whole', form }))));

  for (const act of Object.keys(ACT) as Act[])
    it(`activation ${act}`, async () => {
      const x = Float32Array.from({ length: 400 }, (_, i) => (i - 200) / (act === 'exp' ? 40 : 5)); // to ±40, where careless formulas overflow
      const { y } = await runGraph(
        gpu(),
        (g) => ({ y: linear(g, g.input('x', [400, 1]), weightOf(Float32Array.of(1), [1, 1]), { act, form: 'register' }) }),
        { x },
      );
      const expected = Float64Array.from(x, (v) => activate(act, v));
      expectClose(y, expected);
      if (act === 'gelu')
        for (let i = 0; i < 400; i++) expect(Math.abs(y[i] - expected[i])).toBeLessThan(1e-6 * Math.max(1, Math.abs(x[i])));
    });

  for (const [rows, inner, form] of [
    [1, 12, 'vector'],
    [30, 13, 'register'],
  ] as const)
    it(`scales columns by a weight, ${form}`, () =>
      checkCase(gpu(), epilogueCase('linear', { rows, inner, cols: 20, act: 'none', scale: 'columns', form })));

  it('keeps leading dimensions and writes into a state', async () => {
    const [x, w] = [randomArray(2 * 3 * 5, 1), randomArray(7 * 5, 2)];
    const { y } = await runGraph(
      gpu(),
      (g) => ({ y: linear(g, g.input('x', [2, 3, 5]), weightOf(w, [7, 5]), { into: state('kept', [2, 3, 7]) }) }),
      { x },
    );
    expectClose(y, product(x, w, 6, 5, 7));
  });

  it('refuses misfits with both shapes', async () => {
    const run = (options: object) =>
      runGraph(gpu(), (g) => ({ y: linear(g, g.input('x', [2, 8]), weightOf(randomArray(21, 1), [3, 7]), options) }));
    await expect(run({})).rejects.toThrow('linear: test.weight does not fit; got [3,7], expected [*,8]');
    const bias = { bias: weightOf(randomArray(4, 1), [4], 'f32', 'head.bias') };
    await expect(
      runGraph(gpu(), (g) => ({ y: linear(g, g.input('x', [2, 7]), weightOf(randomArray(21, 1), [3, 7]), bias) })),
    ).rejects.toThrow('linear: head.bias does not fit; got [4], expected [3]');
  });
});

describe('f16 weights with shader-f16', () => {
  for (const [rows, inner, cols] of [
    [1, 64, 36],
    [3, 129, 33],
    [70, 36, 100],
  ])
    it(`are the same bits as without, [${rows}, ${inner}] to ${cols}`, async () => {
      const [x, w] = [randomArray(rows * inner, 1), roundHalf(randomArray(cols * inner, 2))];
      await forms.each(async (form) => {
        const run = async (caps: Caps) => {
          let variant: string | undefined;
          const { y } = await runGraph(
            gpu(),
            (g) => {
              const y = linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner], 'f16'), { form });
              variant = g.dispatches[0].how.variant;
              return { y };
            },
            { x },
            {},
            { caps },
          );
          return { y, variant };
        };
        const words = await run({ ...gpu().caps, executor: 'gpu', f16: false });
        const halves = await run({ ...gpu().caps, executor: 'gpu' });
        expect([words.variant, halves.variant]).toEqual(['f16', gpu().caps.f16 ? 'half' : 'f16']);
        expect(halves.y).toEqual(words.y);
        expectClose(halves.y, product(x, w, rows, inner, cols), 1e-6);
      });
    });

  it('are off on software adapters', async () => {
    const g = new Graph({ ...DEFAULT_CAPS, f16: true, executor: 'software' });
    linear(g, g.input('x', [4, 8]), weightOf(new Float32Array(64), [8, 8], 'f16'));
    expect(g.dispatches[0].how.variant).toBe('f16');
  });
});

describe('swiglu', () => {
  for (const [rows, inner, cols, dtype] of [
    [1, 256, 684, 'f32'],
    [1, 256, 684, 'f16'],
    [2, 44, 68, 'f16'],
    [4, 32, 68, 'f32'],
    [7, 36, 100, 'f32'],
    [4, 33, 65, 'f16'],
    [40, 64, 96, 'f32'],
  ] as const)
    it(`[${rows}, ${inner}] to ${cols} ${dtype}`, () =>
      forms.each((form) => checkCase(gpu(), swigluCase('SwiGLU', { rows, inner, cols, storage: dtype, form }))));

  it('refuses gate and up of two shapes', async () => {
    await expect(
      runGraph(gpu(), (g) => ({
        y: swiglu(g, g.input('x', [2, 8]), weightOf(randomArray(32, 1), [4, 8]), weightOf(randomArray(40, 1), [5, 8], 'f32', 'up')),
      })),
    ).rejects.toThrow('swiglu: up does not fit; got [5,8], expected [4,8]');
  });
});

describe('matmul', () => {
  for (const [items, rows, inner, cols] of [
    [1, 1, 1, 1],
    [2, 5, 7, 3],
    [3, 33, 16, 64],
    [4, 70, 40, 31],
  ])
    for (const transposeB of [false, true])
      it(`[${items}, ${rows}, ${inner}] × [${items}, ${inner}, ${cols}]${transposeB ? ' transposed' : ''}`, () =>
        forms.each((form) => checkCase(gpu(), matmulCase('matmul', { items, rows, inner, cols, transposeB, alpha: 0.25, form }))));

  it('shares an unbatched right side', () =>
    checkCase(gpu(), matmulCase('matmul', { items: 2, rows: 3, inner: 4, cols: 5, transposeB: true, shared: true })));

  it('refuses inner sizes that differ', async () => {
    await expect(runGraph(gpu(), (g) => ({ y: matmul(g, g.input('a', [2, 3]), g.input('b', [4, 5])) }))).rejects.toThrow(
      'matmul: got [2,3] and [4,5], expected [B?, M, K] and [B?, K, N]',
    );
  });
});

forms.covered(['vector', 'tile', 'small_tile', 'register'], ['vector_broadcast', 'broadcast']);

describe('the choice of a form', () => {
  const llvmpipe = { ...DEFAULT_CAPS, executor: 'software' as const, subgroups: true, subgroupMin: 8, subgroupMax: 8 };
  const chosen = (caps: Caps, rows: number, inner: number, cols: number) => {
    const g = new Graph(caps);
    linear(g, g.input('x', [rows, inner]), weightOf(new Float32Array(inner * cols), [cols, inner]));
    return g.dispatches.map((d) => [d.kernel.name, d.how.consts?.TM].filter(Boolean).join(' ')).join();
  };
  it('goes by rows, alignment and adapter', () => {
    expect(chosen(llvmpipe, 1, 64, 64)).toBe('matvec_broadcast');
    expect(chosen({ ...llvmpipe, subgroupMin: 4 }, 1, 64, 64)).toBe('matvec');
    expect(chosen(DEFAULT_CAPS, 1, 64, 64)).toBe('matvec');
    expect(chosen(llvmpipe, 500, 128, 512)).toBe('matmul_broadcast');
    expect(chosen(llvmpipe, 500, 127, 512)).toBe('matmul_register');
    expect(chosen({ ...llvmpipe, subgroupMin: 4 }, 500, 128, 512)).toBe('matmul_register');
    expect(chosen(DEFAULT_CAPS, 500, 128, 512)).toBe('matmul_tile 4');
    expect(chosen(DEFAULT_CAPS, 2000, 128, 512)).toBe('matmul_tile 8');
    expect(chosen(DEFAULT_CAPS, 1, 63, 64)).toBe('matmul_tile 4');
  });
});
