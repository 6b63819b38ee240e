import { describe, expect, it } from 'vitest';
import { type ConvSize, convEpilogueCase, convReference, convTransposeCase, patchesCase } from '../../src/cases/conv.ts';
import type { Act } from '../../src/ops/act.ts';
import { conv1d, convTranspose1d, patches } from '../../src/ops/conv.ts';
import { FORMS, type Form } from '../../src/ops/gemm.ts';
import { checkBothForms, checkCase } from '../helpers/cases.ts';
import { expectClose, randomArray, weightOf } from '../helpers/data.ts';
import { formRunner } from '../helpers/forms.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const forms = formRunner(gpu, FORMS);

interface Case extends ConvSize {
  storage?: 'f16' | undefined;
  act?: Act | undefined;
  preAct?: Act | undefined;
  all?: boolean | undefined; // run every kernel form; the others compile only the one the op chooses
}

const title = (c: Case) =>
  Object.entries(c)
    .map(([k, v]) => `${k} ${v}`)
    .join(', ');

describe('conv1d', () => {
  const CASES: Case[] = [
    { len: 1, cin: 1, cout: 1, taps: 1, all: true },
    { len: 5, cin: 8, cout: 12, taps: 3, padding: [2, 1], all: true },
    { len: 33, cin: 3, cout: 5, taps: 3, padding: [1, 1], all: true },
    { len: 70, cin: 8, cout: 36, taps: 5, stride: 2, padding: [3, 1], all: true },
    { batch: 3, len: 29, cin: 4, cout: 8, taps: 3, dilation: 2, padding: [0, 4], all: true },
    { batch: 2, len: 21, cin: 16, cout: 8, taps: 3, groups: 2, padding: [1, 1], all: true },
    { len: 65, cin: 6, cout: 12, taps: 2, groups: 2, stride: 2, dilation: 2, all: true },
    { len: 40, cin: 7, cout: 9, taps: 4, stride: 3, padding: [2, 0], act: 'gelu', storage: 'f16' },
    { len: 41, cin: 8, cout: 32, taps: 7, dilation: 3, padding: [9, 9], preAct: 'leaky_relu' },
    { batch: 2, len: 21, cin: 5, cout: 6, taps: 3, padding: [2, 2], preAct: 'sigmoid' },
    { batch: 2, len: 21, cin: 24, cout: 8, taps: 3, groups: 2, padding: [1, 1], storage: 'f16' },
    { batch: 2, len: 21, cin: 12, cout: 18, taps: 3, groups: 2, padding: [1, 1], storage: 'f16' },
    { len: 96, cin: 1, cout: 32, taps: 5, stride: 2, padding: [2, 2] },
    { batch: 2, len: 70, cin: 40, cout: 40, taps: 7, groups: 40, padding: [3, 3], storage: 'f16' },
    { len: 50, cin: 65, cout: 65, taps: 3, groups: 65, stride: 2, dilation: 2, padding: [4, 0], act: 'relu', preAct: 'leaky_relu' },
    { len: 9, cin: 4, cout: 4, taps: 9, groups: 4, padding: [8, 8] },
    { batch: 2, len: 33, cin: 12, cout: 12, taps: 2, groups: 12, padding: [0, 1], act: 'silu', preAct: 'leaky_relu' },
    { len: 3, cin: 7, cout: 7, taps: 3, groups: 7, padding: [1, 1] },
    // a thread is one output, or four channels of 8 (software) or 4 outputs: one, around a workgroup of 64 threads of each, the model's
    { len: 1, cin: 2, cout: 2, taps: 1, groups: 2 },
    { len: 1, cin: 4, cout: 4, taps: 1, groups: 4 },
    ...[9, 65].flatMap((len) => [7, 8].map((cin): Case => ({ len, cin, cout: cin, taps: 3, groups: cin, padding: [1, 1] }))),
    ...[252, 256, 257, 504, 512, 513].map((len): Case => ({ len, cin: 4, cout: 4, taps: 3, groups: 4, padding: [1, 1] })),
    { len: 500, cin: 256, cout: 256, taps: 7, groups: 256, padding: [3, 3], storage: 'f16' },
    { len: 100, cin: 128, cout: 128, taps: 7, dilation: 3, padding: [9, 9] },
    { len: 300, cin: 16, cout: 1, taps: 7, padding: [3, 3], act: 'tanh' },
  ];
  for (const c of CASES)
    it(title(c), async () => {
      const of = (form?: Form) => convEpilogueCase('convolution', { ...c, form });
      await (c.all ? forms.each((form) => checkCase(gpu(), of(form))) : checkCase(gpu(), of()));
      if (c.groups === c.cin && c.groups > 1) await checkBothForms(gpu(), of());
    });

  it('without bias and with one number of padding', async () => {
    const [x, w] = [randomArray(20 * 4, 1), randomArray(4 * 4 * 3, 2)];
    const { y } = await runGraph(gpu(), (g) => ({ y: conv1d(g, g.input('x', [20, 4]), weightOf(w, [4, 4, 3]), { padding: 1 }) }), { x });
    expectClose(y, convReference({ len: 20, cin: 4, cout: 4, taps: 3, padding: [1, 1] }, x, w));
  });

  it('refuses shapes and counts that do not fit', async () => {
    const run = (options: object) =>
      runGraph(gpu(), (g) => ({ y: conv1d(g, g.input('x', [5, 6]), weightOf(randomArray(4 * 3 * 7, 1), [4, 3, 7]), options) }));
    await expect(run({})).rejects.toThrow('conv1d: test.weight does not fit; got [4,3,7], expected [*,6,*]');
    await expect(run({ groups: 2 })).rejects.toThrow('conv1d: test.weight spans 7 frames; got 5 with padding [0,0]');
    await expect(run({ groups: 4 })).rejects.toThrow('conv1d: 6 input channels in 4 groups');
    await expect(run({ groups: 2, stride: 0 })).rejects.toThrow('conv1d: stride is 0, expected a whole number from 1');
  });
});

describe('convTranspose1d', () => {
  const CASES: Case[] = [
    { len: 1, cin: 1, cout: 1, taps: 1, all: true },
    { len: 13, cin: 3, cout: 5, taps: 4, stride: 2, padding: [1, 1], all: true },
    { batch: 2, len: 17, cin: 8, cout: 4, taps: 9, stride: 4, padding: [3, 2], all: true },
    { len: 9, cin: 6, cout: 3, taps: 9, stride: 4, padding: [3, 2], act: 'tanh', storage: 'f16' },
    { batch: 2, len: 17, cin: 5, cout: 7, taps: 5, stride: 3, padding: [0, 2], preAct: 'leaky_relu' },
    { len: 11, cin: 4, cout: 2, taps: 3, stride: 5, padding: [1, 0] },
    { len: 12, cin: 32, cout: 16, taps: 16, stride: 8, padding: [4, 4], storage: 'f16' },
    { len: 70, cin: 33, cout: 9, taps: 7, stride: 2, padding: [3, 2] },
  ];
  for (const c of CASES)
    it(title(c), async () => {
      const of = (form?: Form) => convTransposeCase('transposed convolution', { ...c, form });
      await (c.all ? forms.each((form) => checkCase(gpu(), of(form))) : checkCase(gpu(), of()));
    });

  it('gives exactly hop · L samples with the paddings of the paper’s rates', async () => {
    for (const [stride, taps] of [
      [4, 9],
      [4, 9],
      [3, 5],
      [2, 7],
    ]) {
      const cut = taps - stride;
      const left = Math.floor(cut / 2);
      const { y } = await runGraph(
        gpu(),
        (g) => {
          const x = g.input('x', [10, 2]);
          return {
            y: convTranspose1d(g, x, weightOf(randomArray(2 * 3 * taps, 1), [2, 3, taps]), { stride, padding: [left, cut - left] }),
          };
        },
        { x: randomArray(20, 2) },
      );
      expect(y.length).toBe(10 * stride * 3);
    }
  });

  it('refuses a weight of other input channels', async () => {
    await expect(
      runGraph(gpu(), (g) => ({ y: convTranspose1d(g, g.input('x', [5, 6]), weightOf(randomArray(24, 1), [2, 3, 4]), { stride: 2 }) })),
    ).rejects.toThrow('conv_transpose1d: test.weight does not fit; got [2,3,4], expected [6,*,*]');
  });
});

describe('patches', () => {
  for (const [height, width, size, stride, cout, dtype] of [
    [9, 8, 4, 2, 6, 'f32'],
    [47, 36, 16, 10, 20, 'f16'],
    [16, 16, 16, 10, 8, 'f32'],
  ] as const)
    it(`of ${size}, one every ${stride} of [${height}, ${width}], ${dtype}`, async () => {
      for (const form of [undefined, 'tile', 'small_tile', 'register'] as const)
        await checkCase(gpu(), patchesCase('patches', { height, width, size, stride, cout, storage: dtype, form }), {
          limit: dtype === 'f16' ? 1e-6 : 1e-7,
        });
    });

  it('refuses a picture smaller than a patch', async () => {
    const [w, bias] = [weightOf(new Float32Array(96), [6, 1, 4, 4]), weightOf(new Float32Array(6), [6])];
    await expect(runGraph(gpu(), (g) => ({ y: patches(g, g.input('x', [3, 8]), w, { stride: 2, bias }) }))).rejects.toThrow(
      'patches: got [3,8], expected [H, W] of at least 4 × 4',
    );
  });
});

forms.covered(['vector', 'tile', 'small_tile', 'register'], ['vector_broadcast', 'broadcast']);
