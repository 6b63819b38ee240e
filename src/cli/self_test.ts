// Does this very GPU compute right? Every kernel that this adapter is given, on small sizes, against its formula in double precision.
import type { Gpu } from '../gpu/device.ts';
import { type Case, makeCase } from './bench/cases.ts';
import { compareWithReference, NMSE_LIMIT } from './bench/check.ts';
import * as audio from './bench/families_audio.ts';
import * as diffusion from './bench/families_diffusion.ts';
import * as language from './bench/families_language.ts';
import type { Named } from './bench/measure.ts';
import { ownKernels } from './bench/own.ts';

const conv = { inChannels: 12, outChannels: 20, length: 37, kernel: 7, stride: 1, dilation: 3, padding: 9 };

/** Odd sizes, sizes by fours, many rows and few: between them every form that an op may choose on this adapter. */
const CASES: readonly Case[] = [
  makeCase('matrix product', { op: 'matmul', m: 37, k: 68, n: 44 }),
  makeCase('matrix product, odd', { op: 'matmul', m: 37, k: 65, n: 43 }),
  makeCase('matrix product, large', { op: 'matmul', m: 640, k: 12, n: 644 }), // the GPUs' large tile
  makeCase('vector times matrix', { op: 'matmul', m: 1, k: 68, n: 44 }),
  makeCase('few rows times matrix', { op: 'matmul', m: 5, k: 260, n: 44 }),
  makeCase('softmax', { op: 'softmax', rows: 13, cols: 67 }),
  makeCase('softmax, few rows', { op: 'softmax', rows: 5, cols: 67 }),
  makeCase('layer norm', { op: 'layer_norm', rows: 13, cols: 67, eps: 1e-5 }),
  makeCase('layer norm, few rows', { op: 'layer_norm', rows: 5, cols: 67, eps: 1e-5 }),
  makeCase('RMS norm', { op: 'rms_norm', rows: 13, cols: 67, eps: 1e-6 }),
  makeCase('RMS norm, few rows', { op: 'rms_norm', rows: 5, cols: 67, eps: 1e-6 }),
  makeCase('convolution', { op: 'conv1d', ...conv }),
  makeCase('transposed convolution', { op: 'conv_transpose1d', ...conv, dilation: 1, stride: 4, padding: 1 }),
  makeCase('attention', { op: 'attention', heads: 3, queries: 9, keys: 33, headDim: 20 }),
  makeCase('attention, one query', { op: 'attention', heads: 3, queries: 1, keys: 33, headDim: 20 }),
  makeCase('attention, odd heads', { op: 'attention', heads: 3, queries: 2, keys: 33, headDim: 19 }),
  makeCase('chain of products and sums', { op: 'elementwise_chain', steps: 6, size: 131 }),
];

const COLUMNS = { segments: 5, columns: 8, dim: 19, window: 4 };

const KERNELS: readonly Named[] = [
  ...ownKernels(CASES),
  language.swigluCase('SwiGLU', 5, 33, 21),
  language.swigluCase('SwiGLU, one dispatch', 1, 36, 20),
  language.ropeCase('rotary positions', 9, 3, 20),
  language.cachedAttentionCase('attention to a cache', 13, 3, 20),
  language.embeddingCase('embedding', 50, 33, 21),
  language.sampleCase('token sampling', 300),
  language.meanCase('mean over time', 37, 19),
  language.noiseCase('noise', 1003),
  language.rvqCase('vector quantiser', 3, 4, 37, 19),
  language.rvqDecodeCase('vector quantiser, back', 3, 4, 37, 19),
  diffusion.segmentCase('segments and overlap-add', 37, 6, 8),
  diffusion.sruScanCase('recurrent scan', 3, 9, 34),
  diffusion.columnsCase('merged and repeated columns', COLUMNS),
  diffusion.columnsNormCase('RMS norm of repeated columns', COLUMNS),
  diffusion.filmCase('FiLM', 5, 67),
  diffusion.anglesCase('angle embedding', 37, 19),
  diffusion.diffusionStepCase('diffusion step', 37, 6),
  diffusion.ddpmStepCase('ancestral step', 37, 6),
  audio.groupedConvCase('convolution in groups', { length: 37, from: 12, to: 20, kernel: 5, groups: 4 }),
  audio.depthwiseCase('depthwise convolution', 37, 20, 5),
  audio.depthwiseCase('depthwise convolution, odd', 37, 19, 5),
  audio.groupNormCase('group norm', 13, 12, 3),
  audio.snakeCase('snake', 5, 67),
  ...audio.activationCases('activation ', 67),
  audio.elementwiseCase('products, sums and limits', 131),
  audio.stftCase('Fourier transform', 5, 64, 16),
  audio.istftCase('inverse Fourier transform', 5, 64),
  audio.polarCase('magnitudes and phases', 5, 33),
  audio.runningPhaseCase('running phase', 9, 64, { lowest: 69, count: 7, bins: 5 }),
  audio.melCase('mel filter bank', { frames: 5, bins: 33, bands: 7 }),
  audio.peaksCase('chroma peaks', { frames: 5, bins: 33, bands: 12 }),
  audio.risesCase('onset rises', 5, 3, 2),
  audio.watchCase('watch for NaN', 131),
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
