// A GPU that computes wrong is refused before the first clip, and the family of its wrong kernels is named (docs/requirements.md §1.6).
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { platform } from '#platform';
import { checkAdapter, wrongKinds } from '../../src/engine/adapter_check.ts';
import { gpuRunner } from '../../src/graph/runner.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { openModel } from '../../src/pipeline/model.ts';
import { diskFacts } from '../../src/platform/node_cache.ts';
import { openTestGpu, TEST_GPU, useGpu } from '../helpers/gpu.ts';

/** Facts in a folder of the test's own. */
let folder: string;
const { facts } = platform;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'melody-facts-'));
  Object.assign(platform, { facts: diskFacts(folder) });
});
afterEach(() => {
  Object.assign(platform, { facts });
  rmSync(folder, { recursive: true });
});

/** A device on which every kernel whose name matches writes nothing, as a miscompiled one may. */
function spoil(device: GPUDevice, kernel: RegExp): GPUDevice {
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    const code = kernel.test(descriptor.label ?? '')
      ? descriptor.code.replace(/(fn main\([^{]*\{)/, '$1 if (true) { return; } ')
      : descriptor.code;
    return create({ ...descriptor, code });
  };
  return device;
}

/** The GPU entry with such devices. */
async function spoiled(kernel: RegExp): Promise<GPU> {
  const gpu = await platform.openGpu();
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await requestAdapter(options);
    if (!adapter) return adapter;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (wanted) => spoil(await requestDevice(wanted), kernel);
    return adapter;
  };
  return gpu;
}

const tiny = () => openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));

describe('on this GPU', () => {
  const gpu = useGpu();

  it('every family is right, and nothing stays behind', async () => {
    expect(await wrongKinds(gpuRunner(gpu()))).toEqual([]);
    expect(gpu().memory).toMatchObject({ buffers: 0, bytes: 0 });
  });

  it('is asked once: what passed is remembered for this adapter, implementation and these kernels', async () => {
    await checkAdapter(gpuRunner(gpu()));
    expect(readdirSync(join(folder, 'facts'))).toHaveLength(1);
    const { device } = gpu();
    const { createCommandEncoder } = device;
    device.createCommandEncoder = () => {
      throw new Error('ran again');
    };
    try {
      await checkAdapter(gpuRunner(gpu()));
      const driver = { ...gpu().caps, name: 'another driver' };
      await expect(checkAdapter(gpuRunner(Object.assign(Object.create(gpu()), { caps: driver })))).rejects.toThrow();
    } finally {
      device.createCommandEncoder = createCommandEncoder;
    }
  });

  it('works where nothing can be kept', async () => {
    writeFileSync(join(folder, 'file'), '');
    Object.assign(platform, { facts: diskFacts(join(folder, 'file')) });
    await checkAdapter(gpuRunner(gpu()));
  });
});

describe('a GPU that computes wrong', () => {
  test.each([
    [
      ['attention_', 'rms_norm', 'conv1d_depthwise', 'sru_scan', 'sample_token'],
      ['attention', 'attention of one query', 'RMS norm', 'depthwise convolution', 'recurrent scan', 'token sampling'],
    ],
    [
      ['layer_norm', 'rope', 'overlap_add', 'diffusion_step', 'normal_noise'],
      ['rotary positions', 'layer norm', 'segments and overlap-add', 'diffusion step', 'noise'],
    ],
    [
      ['film', 'rvq_encode', 'polar\\b', 'count_non_finite'],
      ['modulation', 'vector quantiser', 'inverse Fourier transform', 'watch for NaN'],
    ],
    [['phase_advance'], ['running phase']],
    [['phase_sum'], ['running phase']],
    [['polar_turns'], ['running phase']],
  ])('%s are told as %s, and no other', async (kernels, families) => {
    const gpu = await openTestGpu();
    spoil(gpu.device, new RegExp(`^(${kernels.join('|')})`));
    try {
      expect(await wrongKinds(gpuRunner(gpu))).toEqual(families);
    } finally {
      gpu.dispose();
    }
  });

  it('matrix products of any form', async () => {
    const gpu = await openTestGpu();
    spoil(gpu.device, /^mat(mul|vec)/);
    const wrong = await wrongKinds(gpuRunner(gpu));
    expect(wrong).toEqual(expect.arrayContaining(['matrix products', 'vector times matrix', 'SwiGLU', 'convolution']));
    gpu.dispose();
  });

  it('loading throws `wrong_results` with the family, every time, unless asked not to test', async () => {
    const model = await tiny();
    const entry = () => spoiled(/^rms_norm/);
    for (let i = 0; i < 2; i++)
      await expect(MeLoDy.over(model, entry, TEST_GPU)).rejects.toMatchObject({
        code: 'wrong_results',
        message: expect.stringMatching(/^this GPU computes wrong: RMS norm \(1 of \d+ kinds of kernels, on /),
        hint: expect.stringMatching(/^use the CPU \(--device cpu, device: 'cpu'\), or update the driver or browser; /),
      });
    const melody = await MeLoDy.over(model, entry, { ...TEST_GPU, untested: true });
    melody.dispose();
  });
});
