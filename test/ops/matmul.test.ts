import { describe, expect, it } from 'vitest';
import { type Caps, DEFAULT_CAPS } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { ACT, type Act } from '../../src/ops/act.ts';
import { FORMS } from '../../src/ops/gemm.ts';
import { linear, matmul, swiglu } from '../../src/ops/matmul.ts';
import { expectClose, randomArray, roundHalf, weightOf } from '../helpers/data.ts';
import { formRunner } from '../helpers/forms.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';
import { activate } from '../helpers/reference.ts';

const gpu = useGpu();

/** x [rows, inner] · w [cols, inner]ᵀ */
function product(x: Float32Array, w: Float32Array, rows: number, inner: number, cols: number): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++)
    for (let n = 0; n < cols; n++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += x[r * inner + k] * w[n * inner + k];
      y[r * cols + n] = sum;
    }
  return y;
}

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
    it(`[${rows}, ${inner}] · [${cols}, ${inner}]ᵀ ${dtype}`, async () => {
      const x = randomArray(rows * inner, 1);
      const w = dtype === 'f16' ? roundHalf(randomArray(cols * inner, 2)) : randomArray(cols * inner, 2);
      const expected = product(x, w, rows, inner, cols);
      await forms.each(async (form) => {
        const { y } = await runGraph(
          gpu(),
          (g) => ({ y: linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner], dtype), { form }) }),
          { x },
        );
        expectClose(y, expected);
      });
    });

  // where a GPU shares the columns otherwise than a software adapter: 256 threads for up to two rows, one quad each
  for (const [dtype, rows, inner, cols] of [
    ['f16', 1, 256, 1024],
    ['f32', 1, 704, 256],
    ['f16', 2, 256, 36],
    ['f32', 3, 260, 128],
    ['f16', 8, 64, 132],
  ] as const)
    for (const executor of ['software', 'gpu'] as const)
      it(`vector form as on a ${executor === 'software' ? 'software adapter' : 'GPU'}, [${rows}, ${inner}] to ${cols} ${dtype}`, async () => {
        const x = randomArray(rows * inner, 1);
        const w = dtype === 'f16' ? roundHalf(randomArray(cols * inner, 2)) : randomArray(cols * inner, 2);
        const { y } = await runGraph(
          gpu(),
          (g) => ({ y: linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner], dtype), { form: 'vector' }) }),
          { x },
          {},
          { caps: { ...gpu().caps, executor } },
        );
        expectClose(y, product(x, w, rows, inner, cols));
      });

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
    it(`bias, activation, scale and residual in this order, [${rows}, ${inner}] to ${cols}`, async () => {
      const [x, w, b, s, r] = [rows * inner, cols * inner, cols, rows * cols, rows * cols].map((n, i) => randomArray(n, i + 1));
      const expected = product(x, w, rows, inner, cols).map((v, i) => activate('silu', v + b[i % cols]) * s[i] + r[i]);
      await forms.each(async (form) => {
        const { y } = await runGraph(
          gpu(),
          (g) => ({
            y: linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner]), {
              form,
              bias: weightOf(b, [cols], 'f32', 'b'),
              act: 'silu',
              scale: g.input('s', [rows, cols]),
              residual: g.input('r', [rows, cols]),
            }),
          }),
          { x, s, r },
        );
        expectClose(y, expected);
      });
    });

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
    it(`scales columns by a weight, ${form}`, async () => {
      const cols = 20;
      const [x, w, s] = [rows * inner, cols * inner, cols].map((n, i) => randomArray(n, i + 1));
      const { y } = await runGraph(
        gpu(),
        (g) => ({
          y: linear(g, g.input('x', [rows, inner]), weightOf(w, [cols, inner]), { form, scale: weightOf(s, [cols], 'f32', 'gamma') }),
        }),
        { x },
      );
      expectClose(
        y,
        product(x, w, rows, inner, cols).map((v, i) => v * s[i % cols]),
      );
    });

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
    it(`[${rows}, ${inner}] to ${cols} ${dtype}`, async () => {
      const round = dtype === 'f16' ? roundHalf : (v: Float32Array) => v;
      const [x, gate, up] = [randomArray(rows * inner, 1), round(randomArray(cols * inner, 2)), round(randomArray(cols * inner, 3))];
      const other = product(x, up, rows, inner, cols);
      const expected = product(x, gate, rows, inner, cols).map((v, i) => activate('silu', v) * other[i]);
      await forms.each(async (form) => {
        const [a, b] = [weightOf(gate, [cols, inner], dtype, 'gate'), weightOf(up, [cols, inner], dtype, 'up')];
        const { y } = await runGraph(gpu(), (g) => ({ y: swiglu(g, g.input('x', [rows, inner]), a, b, { form }) }), { x });
        expectClose(y, expected);
      });
    });

  it('refuses gate and up of two shapes', async () => {
    await expect(
      runGraph(gpu(), (g) => ({
        y: swiglu(g, g.input('x', [2, 8]), weightOf(randomArray(32, 1), [4, 8]), weightOf(randomArray(40, 1), [5, 8], 'f32', 'up')),
      })),
    ).rejects.toThrow('swiglu: up does not fit; got [5,8], expected [4,8]');
  });
});

describe('matmul', () => {
  for (const [batch, rows, inner, cols] of [
    [1, 1, 1, 1],
    [2, 5, 7, 3],
    [3, 33, 16, 64],
    [4, 70, 40, 31],
  ])
    for (const transposeB of [false, true])
      it(`[${batch}, ${rows}, ${inner}] × [${batch}, ${inner}, ${cols}]${transposeB ? ' transposed' : ''}`, async () => {
        const [a, b] = [randomArray(batch * rows * inner, 1), randomArray(batch * inner * cols, 2)];
        const expected = new Float64Array(batch * rows * cols);
        for (let i = 0; i < batch; i++) {
          const w = new Float32Array(cols * inner);
          for (let k = 0; k < inner; k++)
            for (let n = 0; n < cols; n++) w[n * inner + k] = b[i * inner * cols + (transposeB ? n * inner + k : k * cols + n)];
          expected.set(
            product(a.subarray(i * rows * inner, (i + 1) * rows * inner), w, rows, inner, cols).map((v) => v * 0.25),
            i * rows * cols,
          );
        }
        await forms.each(async (form) => {
          const { y } = await runGraph(
            gpu(),
            (g) => ({
              y: matmul(g, g.input('a', [batch, rows, inner]), g.input('b', transposeB ? [batch, cols, inner] : [batch, inner, cols]), {
                transposeB,
                alpha: 0.25,
                form,
              }),
            }),
            { a, b },
          );
          expectClose(y, expected);
        });
      });

  it('shares an unbatched right side', async () => {
    const [a, b] = [randomArray(2 * 3 * 4, 1), randomArray(5 * 4, 2)];
    const { y } = await runGraph(gpu(), (g) => ({ y: matmul(g, g.input('a', [2, 3, 4]), g.input('b', [5, 4]), { transposeB: true }) }), {
      a,
      b,
    });
    expectClose(y, product(a, b, 6, 4, 5));
  });

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
