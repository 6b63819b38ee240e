// The stages of a generation, each from host data to host data: what a lost GPU costs is one stage, never the piece.

import type { Machine } from '../../engine/engine.ts';
import { MelodyError } from '../../errors.ts';
import { styleCodes } from '../../models/rvq.ts';
import { styleHeads } from '../../models/style_heads.ts';
import { textTower } from '../../models/text_tower.ts';
import { decoderContext, runningDecoder, runningInputs, vaeDecoder } from '../../models/vae_decoder.ts';
import { finite } from '../../ops/watch.ts';
import { audioOf, type Model } from '../model.ts';
import type { RunningPhase } from './running_phase.ts';

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

export interface DecodeOptions {
  /** The piece's end is the neighbour of its start. */
  readonly circular?: boolean | undefined;
  /** Place of the first of the latents in the piece, frames. Default 0. */
  readonly origin?: number | undefined;
  /** Where the decoder's phase runs on, the phase of this piece before frame `from`: this call moves it on. */
  readonly phase?: RunningPhase | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Audio of latent frames from…to−1 of a piece, one array a channel. Neighbours up to the decoder's reach are read too, so pieces join
 * without a seam. Throws `graph` where the decoder's phase runs on and none is given.
 */
export function decode(
  engine: Machine<Model>,
  latents: Float32Array,
  from: number,
  to: number,
  { circular, origin = 0, phase, signal }: DecodeOptions = {},
): Promise<Float32Array[]> {
  const { config, weights } = engine.model;
  const { vae_decoder, latent_dim: dim, hop_length } = config;
  const total = latents.length / dim;
  const reach = decoderContext(vae_decoder);
  const first = circular ? from - reach : Math.max(0, from - reach);
  const last = circular ? to + reach : Math.min(total, to + reach);
  if (vae_decoder.kind === 'istft_running' && !phase)
    throw new MelodyError('graph', "decode: this decoder's phase runs on; expected the phase of the piece");
  return engine.resilient(async () => {
    await weights.prepare(['vae_decoder'], signal);
    const plan = await engine.plan(
      `decoder ${last - first}`,
      (g) => {
        g.relaxed = true;
        const [w, z] = [weights.at('vae_decoder'), g.input('z', [last - first, dim])];
        if (vae_decoder.kind !== 'istft_running') return void g.output('audio', vaeDecoder(g, w, z, vae_decoder));
        const { audio, next } = runningDecoder(g, w, z, vae_decoder, runningInputs(g, vae_decoder));
        g.output('audio', audio);
        g.output('next', next);
      },
      signal,
    );
    const z = new Float32Array((last - first) * dim);
    for (let f = first; f < last; f++) {
      const at = ((f % total) + total) % total;
      z.set(latents.subarray(at * dim, (at + 1) * dim), (f - first) * dim);
    }
    const running = phase?.part(origin + first, origin + to);
    plan.run(running?.scalars ?? {}, { z, ...running?.inputs });
    const audio = finite('the decoded audio', await plan.read('audio'));
    phase?.goOn(new Uint32Array(await plan.readBytes('next')), origin + to);
    const samples = (last - first) * hop_length;
    const [start, end] = [(from - first) * hop_length, (to - first) * hop_length];
    return Array.from({ length: audioOf(config).channels }, (_, c) => audio.subarray(c * samples + start, c * samples + end));
  });
}
