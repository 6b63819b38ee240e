// LayerNorm with the products that follow it: both forms, sizes that they refuse, and the launches of a layer of MusicGen's decoder.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { normLinearCase, odd, queryKeyValueCase } from '../../src/cases/norm_linear.ts';
import { Cpu } from '../../src/cpu/runner.ts';
import { DEFAULT_CAPS, type Executor } from '../../src/gpu/caps.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { WeightRef } from '../../src/graph/tensor.ts';
import { keysAndValues, type MusicgenDecoderConfig, musicgenStep } from '../../src/models/musicgen_decoder.ts';
import { normLinear } from '../../src/ops/norm_linear.ts';
import type { Scope } from '../../src/weights/weights.ts';
import { checkCase } from '../helpers/cases.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open(platform.threads, { threads: 2 });
});
afterAll(() => cpu.dispose());

describe('LayerNorm and products', () => {
  const wide = queryKeyValueCase('qkv', { rows: 2, inner: 36, cols: 36 });
  const high = normLinearCase('norm', { rows: 8, inner: 260, cols: 132 });
  for (const c of [...odd(), wide, high]) it(`${c.name}, ${c.storage}: CPU`, () => checkCase(cpu as unknown as Gpu, c));
  for (const c of [...odd(), wide]) it(`${c.name}, ${c.storage}: WebGPU`, () => checkCase(gpu(), c));
  it('the form for GPUs', () => checkCase(gpu(), wide, { caps: { ...gpu().caps, executor: 'gpu' } }));

  it('refuses what does not fit', () => {
    const ref = (name: string, shape: number[]): WeightRef => ({ name, shape, dtype: 'f32', async *read() {} });
    const g = new Graph(DEFAULT_CAPS);
    const norm = { weight: ref('w', [8]), bias: ref('b', [8]), eps: 1e-5 };
    expect(() => normLinear(g, g.input('x', [2, 8]), norm, ref('m', [4, 12]))).toThrow(
      'norm_linear: m does not fit; got [4,12], expected [*,8]',
    );
  });
});

describe('a column of MusicGen', () => {
  const c: MusicgenDecoderConfig = {
    vocab_size: 64,
    hidden_size: 32,
    num_hidden_layers: 3,
    ffn_dim: 48,
    num_attention_heads: 4,
    num_codebooks: 4,
    audio_channels: 1,
    activation_function: 'gelu',
  };
  const scope = (path: string): Scope => ({
    path,
    at: (prefix) => scope(`${path}${prefix}.`),
    get: (name, shape) => ({ name: path + name, shape, dtype: 'f32', async *read() {} }),
    has: () => true,
  });

  /** Kernels of the second layer. */
  function launches(executor: Executor, withText: boolean): string[] {
    const g = new Graph({ ...DEFAULT_CAPS, executor });
    const [cache, text] = [keysAndValues('self', c, 2, 16), keysAndValues('text', c, 1, 8)];
    const step = { cache, column: g.scalar('column'), batch: 2, ...(withText && { text, textLength: 5 }) } as const;
    musicgenStep(g, scope(''), g.input('ids', [1, 4], 'u32'), c, step);
    return g.dispatches.filter(({ label }) => label.includes('layer 1/')).map(({ kernel }) => kernel.name);
  }

  it('takes eight launches a layer on every executor, five of MusicGen Melody', () => {
    for (const executor of ['gpu', 'software', 'cpu'] as const) {
      expect(launches(executor, true).length).toBe(8);
      expect(launches(executor, false).length).toBe(5);
    }
    const [product, attend] = ['matvec', 'attention_row4'];
    expect(launches('gpu', true)).toEqual(['matvec_norm', attend, product, 'matvec_norm', attend, product, 'matvec_norm', product]);
  });
});
