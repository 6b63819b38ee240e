// melody-tiny with a decoder whose phase runs on, of random weights.
import type { RunningDecoderConfig } from '../../src/models/vae_decoder.ts';
import { type Model, openModel } from '../../src/pipeline/model.ts';
import { platform } from '../../src/platform/node.ts';
import { withRandom } from './controls.ts';

export const RUNNING = {
  kind: 'istft_running',
  sample_rate: 24000,
  pitches: { lowest: 24, count: 60, bins: 40 },
  reference_pitch: 440,
} as const;

export async function runningModel(
  change: Partial<RunningDecoderConfig> = {},
): Promise<Model & { config: { vae_decoder: RunningDecoderConfig } }> {
  const { config, weights, ...rest } = await openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));
  const { vae_decoder } = config;
  if (vae_decoder.kind !== 'istft_running') throw new Error('melody-tiny has another decoder than this test expects');
  return {
    ...rest,
    config: { ...config, vae_decoder: { ...vae_decoder, ...RUNNING, ...change } },
    weights: withRandom(weights, /^vae_decoder\./),
  };
}
