// Does this very GPU compute right? Every kernel family once, on small odd sizes, against its formula in double precision.
import type { Gpu } from '../gpu/device.ts';
import { type Case, makeCase } from './bench/cases.ts';
import { compareWithReference, NMSE_LIMIT } from './bench/check.ts';
import * as family from './bench/families.ts';
import type { Named } from './bench/measure.ts';
import { ownKernels } from './bench/own.ts';

const conv = { inChannels: 12, outChannels: 20, length: 37, kernel: 7, stride: 1, dilation: 3, padding: 9 };

const CASES: readonly Case[] = [
  makeCase('matrix product', { op: 'matmul', m: 37, k: 65, n: 43 }),
  makeCase('vector times matrix', { op: 'matmul', m: 1, k: 65, n: 43 }),
  makeCase('softmax', { op: 'softmax', rows: 5, cols: 67 }),
  makeCase('layer norm', { op: 'layer_norm', rows: 5, cols: 67, eps: 1e-5 }),
  makeCase('RMS norm', { op: 'rms_norm', rows: 5, cols: 67, eps: 1e-6 }),
  makeCase('convolution', { op: 'conv1d', ...conv }),
  makeCase('transposed convolution', { op: 'conv_transpose1d', ...conv, dilation: 1, stride: 4, padding: 1 }),
  makeCase('attention', { op: 'attention', heads: 3, queries: 9, keys: 33, headDim: 20 }),
  makeCase('add and multiply', { op: 'elementwise_chain', steps: 6, size: 131 }),
];

const KERNELS: readonly Named[] = [
  ...ownKernels(CASES),
  family.swigluCase('SwiGLU', 5, 33, 21),
  family.ropeCase('rotary positions', 9, 3, 20),
  family.embeddingCase('embedding', 50, 33, 21),
  family.sampleCase('token sampling', 300),
  family.noiseCase('noise', 1003),
  family.segmentCase('segments and overlap-add', 37, 6, 8),
  family.sruScanCase('recurrent scan', 3, 9, 34),
  family.filmCase('FiLM', 5, 67),
  family.diffusionStepCase('diffusion step', 37, 6),
  family.rvqCase('vector quantiser', 3, 4, 37, 19),
  family.depthwiseCase('depthwise convolution', 37, 19, 5),
  family.groupNormCase('group norm', 13, 12, 3),
  family.snakeCase('snake', 5, 67),
  family.stftCase('Fourier transform', 5, 64, 16),
  family.istftCase('inverse Fourier transform', 5, 64),
];

export interface SelfTestResult {
  name: string;
  storage: 'f32' | 'f16';
  ok: boolean;
  /** Normalised mean square error, NaN when the kernel did not run. */
  nmse: number;
  error?: string;
}

async function testOne(gpu: Gpu, kernel: Named): Promise<SelfTestResult> {
  const { name, storage } = kernel;
  try {
    const prepared = await kernel.prepare(gpu);
    try {
      const output = await prepared.read();
      const { nmse, ok } = compareWithReference(output, prepared.reference?.() ?? new Float64Array(), NMSE_LIMIT[storage]);
      return { name, storage, ok, nmse };
    } finally {
      prepared.dispose();
    }
  } catch (error) {
    return { name, storage, ok: false, nmse: Number.NaN, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Results of every family, in order. Never throws for a kernel that fails: that is a result. */
export async function selfTest(gpu: Gpu): Promise<SelfTestResult[]> {
  return Promise.all(KERNELS.map((kernel) => testOne(gpu, kernel))); // pipelines compile side by side
}
