// Every network against PyTorch: goldens of `python -m melody_train goldens`, computed in float32 from the same f16 weights.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { joinTokens } from '../../src/models/timbre.ts';
import { type RunningDecoderConfig, vaeDecoder } from '../../src/models/vae_decoder.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import { denoise } from '../../src/pipeline/stages/denoise.ts';
import type { Weights } from '../../src/weights/weights.ts';
import { expectParity, golden, modelFolder, runModel } from '../helpers/goldens.ts';
import { TEST_GPU, useGpu } from '../helpers/gpu.ts';
import { checkDualPath, checkEncoder, checkRunningDecoder, compareNetworks } from '../helpers/networks.ts';

const gpu = useGpu();

describe('melody-tiny', () => compareNetworks(gpu, 'weights/melody-tiny', ''));

describe('melody-small', () => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url));
  const marked: string = JSON.parse(read('test/goldens/small/weights.json').toString()).manifest_sha256;
  const same = marked === createHash('sha256').update(read('weights/melody-small/manifest.json')).digest('hex');

  it('its goldens belong to these weights', () => {
    if (!same)
      throw new Error(
        'test/goldens/small was made from other weights than weights/melody-small holds: run `python -m melody_train.goldens_short` in tools/train',
      );
  });

  if (!same) return;
  compareNetworks(gpu, 'weights/melody-small', 'small/');

  it('fixed noise → latents, with the steps and guidance of the model', async () => {
    const melody = await MeLoDy.load(new URL('../../weights/melody-small/', import.meta.url), TEST_GPU);
    const gold = await golden('small/generation');
    const [noise, words] = [gold.get('in.noise'), gold.ids('in.tokens')];
    const { sampling, latent_dim } = melody.model.config;
    const [latents] = await denoise(melody.engine, [
      {
        ...sampling,
        tokens: gold.has('in.timbre') ? joinTokens(words, gold.ids('in.timbre'), melody.model.config.semantic_lm) : words,
        latents: noise,
        noise,
        fresh: new Array<boolean>(noise.length / latent_dim).fill(true),
        seed: 0,
        firstFrame: 0,
        schedule: 'linear',
        sampler: 'rotation',
      },
    ]);
    expectParity(latents, gold.get('latents'), 2e-2); // several guided steps of a network that is within 1e-2
    melody.dispose();
  });
});

describe('a decoder whose phase runs on, narrow, random weights', () => {
  it('head, choice of pitches, jitter and synthesis', async () => {
    const { weights, config } = await modelFolder<{ vae_decoder: RunningDecoderConfig }>('test/goldens/running_mini');
    await checkRunningDecoder(gpu(), weights, await golden('running_mini/vae_decoder'), config.vae_decoder);
  });
});

describe('a stereo codec, narrow, random weights', () => {
  const folder = modelFolder<Pick<ModelConfig, 'vae_encoder'> & { vae_decoder: RunningDecoderConfig }>('test/goldens/stereo_mini');

  it('encoder: long windows, levels of the highest bands, pan and width', async () => {
    const { weights, config } = await folder;
    await checkEncoder(gpu(), weights, await golden('stereo_mini/vae_encoder'), config.vae_encoder);
  });

  it('decoder: both channels of a mid and its image', async () => {
    const { weights, config } = await folder;
    await checkRunningDecoder(gpu(), weights, await golden('stereo_mini/vae_decoder'), config.vae_decoder);
  });
});

describe("the paper's forms, narrow, random weights", () => {
  let weights: Weights;
  let c: ModelConfig;
  beforeAll(async () => {
    ({ weights, config: c } = await modelFolder<ModelConfig>('test/goldens/paper_mini'));
  });

  it('strided convolutional encoder', async () => {
    await checkEncoder(gpu(), weights, await golden('paper_mini/vae_encoder'), c.vae_encoder);
  });

  it('HiFi-GAN decoder: exactly hop · L samples', async () => {
    const gold = await golden('paper_mini/vae_decoder');
    const [frames] = gold.shape('in.latents');
    const { audio } = await runModel(
      gpu(),
      weights,
      (g) => ({ audio: vaeDecoder(g, weights.at('vae_decoder'), g.input('z', [frames, c.latent_dim]), c.vae_decoder) }),
      { z: gold.get('in.latents') },
    );
    expect(audio.length).toBe(frames * c.hop_length);
    expectParity(audio, gold.get('out.audio'));
  });

  it('dual path as printed', async () => {
    await checkDualPath(gpu(), weights, await golden('paper_mini/dual_path'), c.dual_path);
  });
});
