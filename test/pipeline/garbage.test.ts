// Silent garbage (docs/requirements.md §2.6): weights that are all zero, all denormal or at the end of f16 give an error that names the stage, or a
// clip of finite samples that is said to be suspect. A text tower or language model of zeros alone is not found: what follows makes music of it.
import { expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { openModel } from '../../src/pipeline/model.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { poisoned } from '../helpers/poison.ts';

vi.setConfig({ testTimeout: 180_000 });
const folder = new URL('../../weights/melody-tiny/', import.meta.url);

async function make(which: RegExp, value: { f16: number; f32: number }) {
  const model = await openModel(platform.openFolder(folder));
  const weights = poisoned(model.weights, which, (data, dtype) =>
    dtype === 'f16' ? data.fill(value.f16) : dtype === 'f32' ? data.fill(value.f32) : data,
  );
  const m = await MeLoDy.over({ ...model, weights }, () => platform.openGpu(), TEST_GPU);
  try {
    const clip = await m.generate({ prompt: 'calm piano', durationSeconds: 0.8, steps: 4, seed: 5 });
    return { suspect: clip.report.suspect.join('; '), samples: clip.channels[0] };
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    m.dispose();
  }
}

const ZERO = { f16: 0, f32: 0 };
const DENORMAL = { f16: 1, f32: 1e-40 };
const LARGEST = { f16: 0x7bff, f32: 65_504 };

test.each([
  ['all zero', /./, ZERO],
  ['all denormal', /./, DENORMAL],
  ['a decoder of zeros', /^vae_decoder\./, ZERO],
  ['a denormal decoder', /^vae_decoder\./, DENORMAL],
])('%s: bins of magnitude 1 whose phases are random make noise of finite samples, which is said', async (_name, which, value) => {
  const { samples, suspect } = await make(which, value);
  expect(suspect).toContain('flat noise');
  expect(samples?.every(Number.isFinite)).toBe(true);
});

test.each([
  ['all', /./, /^NaN or infinity in the /],
  ['the diffusion network', /^dual_path\./, 'NaN or infinity in the latents at diffusion step 1 of 4'],
  ['the decoder', /^vae_decoder\./, 'NaN or infinity in the decoded audio'],
])('%s at 65,504, the end of f16: the stage where it overflows is named', async (_name, which, message) => {
  expect((await make(which, LARGEST)).error).toMatch(message);
});
