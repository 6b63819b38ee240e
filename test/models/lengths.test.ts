// Lengths of the coder (docs/system.md §9.5), from graphs that are recorded and not run: the decoder makes hop·L samples of every L latent frames, the
// encoder one latent frame of every hop of samples, the last one padded with zeros: ⌈n / hop⌉ in all.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph } from '../../src/graph/graph.ts';
import { elementsOf } from '../../src/graph/tensor.ts';
import { vaeDecoder } from '../../src/models/vae_decoder.ts';
import { vaeEncoder } from '../../src/models/vae_encoder.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';

describe.each(['weights/melody-tiny/config.json', 'weights/melody-small/config.json', 'tools/train/melody_train/configs/paper.json'])(
  '%s',
  (path) => {
    const c: ModelConfig = JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
    const weights = randomWeights(1, 'f16');
    const { channels = 1 } = c;
    const encode = (samples: number) => {
      const g = new Graph(DEFAULT_CAPS);
      return vaeEncoder(g, weights.at('vae_encoder'), g.input('audio', channels === 1 ? [samples] : [channels, samples]), c.vae_encoder);
    };

    test.each([1, 2, 3, 7, 40, 41, 250])('decoder: %i frames give as many hops', (frames) => {
      const g = new Graph(DEFAULT_CAPS);
      const audio = vaeDecoder(g, weights.at('vae_decoder'), g.input('z', [frames, c.latent_dim]), c.vae_decoder);
      expect(elementsOf(audio.shape)).toBe(channels * frames * c.hop_length);
    });

    test.each([1, 2, 7, 100])('encoder: %i hops give as many frames', (hops) => {
      const { variance } = c.vae_encoder;
      expect(encode(hops * c.hop_length).shape).toEqual([hops, variance === false ? c.latent_dim : 2 * c.latent_dim]);
    });

    test('encoder: part of a hop is refused, not dropped', () => {
      for (const samples of [1, c.hop_length - 1, c.hop_length + 1, 10 * c.hop_length - 7])
        expect(() => encode(samples)).toThrow(/expected a multiple of the hop/);
    });
  },
);
