// The stages of a generation, each from host data to host data: what a lost GPU costs is one stage, never the piece.

import type { Machine } from '../engine/engine.ts';
import { audioTower } from '../models/audio_tower.ts';
import { styleCodes } from '../models/rvq.ts';
import { semanticFeatures, semanticTokens } from '../models/semantic_encoder.ts';
import { styleHeads } from '../models/style_heads.ts';
import { textTower } from '../models/text_tower.ts';
import { decoderContext, vaeDecoder } from '../models/vae_decoder.ts';
import { vaeEncoder } from '../models/vae_encoder.ts';
import { finite } from './faults.ts';
import { logMel } from './log_mel.ts';
import type { Model } from './model.ts';

/** Token ids → unit embedding of the text. */
export function embedText(engine: Machine<Model>, ids: Uint32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { config, weights } = engine.model;
  return engine.resilient(async () => {
    await weights.prepare(['text_tower'], signal);
    const plan = await engine.plan(
      `text ${ids.length}`,
      (g) => {
        g.output('embedding', textTower(g, weights.at('text_tower'), g.input('ids', [ids.length], 'u32'), config.text_tower));
      },
      signal,
    );
    plan.run({}, { ids });
    return finite('the text embedding', await plan.read('embedding'));
  });
}

/** Audio of the model's rate → unit embedding of one window, the audio cut or padded with zeros to it (music prompting). */
export function embedAudio(engine: Machine<Model>, audio: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { config, weights } = engine.model;
  const samples = config.window_seconds * config.sample_rate;
  return engine.resilient(async () => {
    const { audio_tower, sample_rate } = config;
    await weights.prepare(['audio_tower', ...(audio_tower.kind === 'ast' ? [] : ['semantic_encoder'])], signal);
    const plan = await engine.plan(
      'audio embedding',
      (g) => {
        const sound = g.input('audio', [samples]);
        const heard =
          audio_tower.kind === 'ast' ? logMel(g, sound, sample_rate) : semanticFeatures(g, weights.at('semantic_encoder'), sound);
        g.output('embedding', audioTower(g, weights.at('audio_tower'), heard, audio_tower));
      },
      signal,
    );
    plan.run({}, { audio: fitTo(audio, samples) });
    return finite('the audio embedding', await plan.read('embedding'));
  });
}

/** Unit embedding → RVQ codes, one a level. */
export function quantiseStyle(engine: Machine<Model>, embedding: Float32Array, signal?: AbortSignal): Promise<number[]> {
  const { config, weights } = engine.model;
  return engine.resilient(async () => {
    await weights.prepare(['rvq'], signal);
    const plan = await engine.plan(
      'style codes',
      (g) => {
        g.output('codes', styleCodes(g, weights.at('rvq'), g.input('embedding', [1, embedding.length]), config.rvq));
      },
      signal,
    );
    plan.run({}, { embedding });
    return [...new Uint32Array(await plan.readBytes('codes'))];
  });
}

/** Unit embedding → logits of the style heads, which have these sizes: tempo bins, keys, metres. */
export function styleLogits(
  engine: Machine<Model>,
  embedding: Float32Array,
  sizes: readonly number[],
  signal?: AbortSignal,
): Promise<number[][]> {
  const { weights } = engine.model;
  return engine.resilient(async () => {
    await weights.prepare(['style_heads'], signal);
    const plan = await engine.plan(
      'style heads',
      (g) => {
        g.output('logits', styleHeads(g, weights.at('style_heads'), g.input('embedding', [1, embedding.length]), sizes));
      },
      signal,
    );
    plan.run({}, { embedding });
    const logits = [...finite('the style heads', await plan.read('logits'))];
    return sizes.map((size) => logits.splice(0, size));
  });
}

/** Audio of the model's rate → semantic tokens, one for every whole token period. */
export function tokensOfAudio(engine: Machine<Model>, audio: Float32Array, signal?: AbortSignal): Promise<Uint32Array> {
  const { config, weights } = engine.model;
  const period = config.sample_rate / config.token_rate;
  const samples = Math.floor(audio.length / period) * period;
  return engine.resilient(async () => {
    await weights.prepare(['semantic_encoder'], signal);
    const plan = await engine.plan(
      `tokens of ${samples} samples`,
      (g) => {
        const w = weights.at('semantic_encoder');
        g.output('ids', semanticTokens(g, w, semanticFeatures(g, w, g.input('audio', [samples])), config.semantic_encoder));
      },
      signal,
    );
    plan.run({}, { audio: audio.subarray(0, samples) });
    return new Uint32Array(await plan.readBytes('ids'));
  });
}

/** Audio of the model's rate → latent means [frames · D], for whole frames. */
export function latentsOfAudio(engine: Machine<Model>, audio: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { config, weights } = engine.model;
  const frames = Math.floor(audio.length / config.hop_length);
  return engine.resilient(async () => {
    await weights.prepare(['vae_encoder'], signal);
    const plan = await engine.plan(
      `latents of ${frames} frames`,
      (g) => {
        g.output('latents', vaeEncoder(g, weights.at('vae_encoder'), g.input('audio', [frames * config.hop_length]), config.vae_encoder));
      },
      signal,
    );
    plan.run({}, { audio: audio.subarray(0, frames * config.hop_length) });
    return finite('the latents of the given audio', await plan.read('latents'));
  });
}

/**
 * Audio of latent frames from…to−1 of a piece. Neighbours up to the decoder's reach are read too, so pieces join without a seam;
 * with `circular` the piece's end is the neighbour of its start.
 */
export function decode(
  engine: Machine<Model>,
  latents: Float32Array,
  from: number,
  to: number,
  options: { circular?: boolean; signal?: AbortSignal } = {},
): Promise<Float32Array> {
  const { config, weights } = engine.model;
  const dim = config.latent_dim;
  const total = latents.length / dim;
  const reach = decoderContext(config.vae_decoder);
  const first = options.circular ? from - reach : Math.max(0, from - reach);
  const last = options.circular ? to + reach : Math.min(total, to + reach);
  return engine.resilient(async () => {
    await weights.prepare(['vae_decoder'], options.signal);
    const plan = await engine.plan(
      `decoder ${last - first}`,
      (g) => {
        g.output('audio', vaeDecoder(g, weights.at('vae_decoder'), g.input('z', [last - first, dim]), config.vae_decoder));
      },
      options.signal,
    );
    const z = new Float32Array((last - first) * dim);
    for (let f = first; f < last; f++) {
      const at = ((f % total) + total) % total;
      z.set(latents.subarray(at * dim, (at + 1) * dim), (f - first) * dim);
    }
    plan.run({}, { z });
    const audio = finite('the decoded audio', await plan.read('audio'));
    return audio.slice((from - first) * config.hop_length, (to - first) * config.hop_length);
  });
}

/** Cut or padded with zeros to `samples`. */
function fitTo(audio: Float32Array, samples: number): Float32Array {
  const out = new Float32Array(samples);
  out.set(audio.subarray(0, samples));
  return out;
}
