// melody-tiny as a model that makes 48 kHz in stereo: its own words, tokens and latents, and a decoder and encoder of random weights.
import { type Model, openModel } from '../../src/pipeline/model.ts';
import { platform } from '../../src/platform/node.ts';
import { withRandom } from './controls.ts';

export const STEREO = { sampleRate: 48_000, channels: 2 };
const CODEC = { hop_length: 960, dim: 64, ffn: 128, kernel: 7 };

export async function stereoModel(): Promise<Model> {
  const { config, weights, ...rest } = await openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));
  const { latent_dim } = config;
  return {
    ...rest,
    config: {
      ...config,
      sample_rate: STEREO.sampleRate,
      channels: STEREO.channels,
      hop_length: CODEC.hop_length,
      vae_decoder: {
        ...CODEC,
        kind: 'istft_convnext',
        channels: STEREO.channels,
        latent_dim,
        low_layers: 1,
        high_layers: 1,
        upsample: 2,
        fft_size: 1920,
      },
      vae_encoder: { ...CODEC, kind: 'stft_convnext', latent_dim, layers: 1, variance: false, spectra: [{ size: 2048, hop: 960 }] },
    },
    weights: withRandom(weights, /^vae_(decoder|encoder)\./),
  };
}
