// melody-tiny as a model that makes 48 kHz in stereo: its own words, tokens and latents, and a decoder and encoder of random weights.
import { type Model, openModel } from '../../src/pipeline/model.ts';
import { platform } from '../../src/platform/node.ts';
import { withRandom } from './controls.ts';

export const STEREO = { sampleRate: 48_000, channels: 2 };
const CODEC = { hop_length: 960, dim: 64, ffn: 128, kernel: 7 };

/** Two heads with a phase of their own, as models before 0.2.0 had. */
const OLDER = { kind: 'istft_convnext', channels: STEREO.channels } as const;
/** One phase that runs on, and an image of it. */
const RUNNING = {
  kind: 'istft_running',
  channels: STEREO.channels,
  sample_rate: STEREO.sampleRate,
  directed: 241,
  image: { bands: 24 },
  pitches: { lowest: 24, count: 60, bins: 20, smooth: 2 },
  reference_pitch: 440,
} as const;

export async function stereoModel({ older = false } = {}): Promise<Model> {
  const { config, weights, ...rest } = await openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));
  const { latent_dim } = config;
  const { sampleRate: sample_rate, channels } = STEREO;
  return {
    ...rest,
    config: {
      ...config,
      sample_rate,
      channels,
      hop_length: CODEC.hop_length,
      vae_decoder: { ...CODEC, ...(older ? OLDER : RUNNING), latent_dim, low_layers: 1, high_layers: 1, upsample: 4, fft_size: 960 },
      vae_encoder: {
        ...CODEC,
        kind: 'stft_convnext',
        channels,
        sample_rate,
        latent_dim,
        layers: 1,
        variance: false,
        gain: 0.5,
        spectra: [{ size: 2048, hop: 960, bins: 96 }],
        air: { size: 512, hop: 480, low: 12000, high: 20250, bands: 8 },
        image: { size: 960, bands: 12 },
      },
    },
    weights: withRandom(weights, /^vae_(decoder|encoder)\./),
  };
}
