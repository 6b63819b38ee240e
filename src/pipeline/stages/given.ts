// What the networks hear in given sound: an embedding, tokens, latents. Pages fetch this file when sound is first given.
import { lengthOf, monoAt } from '../../audio/channels.ts';
import { melBank } from '../../audio/mel.ts';
import { bandLimit } from '../../audio/resample.ts';
import type { Machine } from '../../engine/engine.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { audioTower } from '../../models/audio_tower.ts';
import { LISTENING_RATE } from '../../models/layers.ts';
import { semanticFeatures, semanticTokens, timbreTokens } from '../../models/semantic_encoder.ts';
import { rowsOfWords, spokenKeys } from '../../models/semantic_lm.ts';
import { joinTokens, timbreOf, wordsOf } from '../../models/timbre.ts';
import { vaeEncoder } from '../../models/vae_encoder.ts';
import { sharedConstant } from '../../ops/constant.ts';
import { complexPower, filterBank, logFloor, stft } from '../../ops/spectrum.ts';
import { finite } from '../../ops/watch.ts';
import { type Key, keyOfNumber } from '../controls/control_words.ts';
import type { Model } from '../model.ts';
import type { AudioInput } from '../options.ts';

export { intoGiven, onFromGiven, sayOfGiven } from '../../audio/own_sound.ts'; // what is made beside it, for the pages that fetch this file

const SIZE = 1024; // samples of a window of the log-mel
const BINS = SIZE / 2 + 1;
const BANDS = 128;

/** Mono audio [n] at the listening rate → unit embedding of one window, the audio cut or padded with zeros to it (music prompting). */
export function embedAudio(engine: Machine<Model>, audio: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
  const { config, weights } = engine.model;
  const samples = config.window_seconds * LISTENING_RATE;
  return engine.resilient(async () => {
    const { audio_tower } = config;
    await weights.prepare(['audio_tower', ...(audio_tower.kind === 'ast' ? [] : ['semantic_encoder'])], signal);
    const plan = await engine.plan(
      'audio embedding',
      (g) => {
        const sound = g.input('audio', [samples]);
        const heard =
          audio_tower.kind === 'ast' ? logMel(g, sound, LISTENING_RATE) : semanticFeatures(g, weights.at('semantic_encoder'), sound);
        g.output('embedding', audioTower(g, weights.at('audio_tower'), heard, audio_tower));
      },
      signal,
    );
    plan.run({}, { audio: fitTo(audio, samples) });
    return finite('the audio embedding', await plan.read('embedding'));
  });
}

/** Mono audio [n] at the listening rate → semantic tokens, one for every whole token period. */
export function tokensOfAudio(engine: Machine<Model>, audio: Float32Array, signal?: AbortSignal): Promise<Uint32Array> {
  const { config, weights } = engine.model;
  const c = config.semantic_encoder;
  const timbre = timbreOf(c);
  const period = LISTENING_RATE / config.token_rate;
  const samples = Math.floor(audio.length / period) * period;
  return engine.resilient(async () => {
    await weights.prepare(['semantic_encoder'], signal);
    const plan = await engine.plan(
      `tokens of ${samples} samples`,
      (g) => {
        const w = weights.at('semantic_encoder');
        const features = semanticFeatures(g, w, g.input('audio', [samples]));
        const ids = semanticTokens(g, w, features, c);
        g.output('ids', ids);
        if (timbre) g.output('timbre', timbreTokens(g, w, features, ids, c));
      },
      signal,
    );
    plan.run({}, { audio: audio.subarray(0, samples) });
    const words = new Uint32Array(await plan.readBytes('ids'));
    if (!timbre) return words;
    const blocks = new Uint32Array(await plan.readBytes('timbre'));
    const rows = words.map((_, i) => blocks[Math.floor(i / timbre.frames)] ?? 0);
    return joinTokens(words, rows, c);
  });
}

/** The key that the words of one window of audio, up to a second of it, speak for most by the counts of keys (docs/training.md §11); undefined where the model has none. */
export async function keyOfAudio(engine: Machine<Model>, given: AudioInput, until: number, signal?: AbortSignal): Promise<Key | undefined> {
  const { config, weights } = engine.model;
  const { semantic_lm: c } = config;
  const listened = monoAt(given, LISTENING_RATE).subarray(0, Math.ceil(until * LISTENING_RATE));
  const audio = listened.subarray(Math.max(0, listened.length - config.window_seconds * LISTENING_RATE));
  if (!c.controls?.counted_keys || audio.length * config.token_rate < LISTENING_RATE) return undefined;
  const words = wordsOf(await tokensOfAudio(engine, audio, signal), c);
  return engine.resilient(async () => {
    await weights.prepare(['semantic_lm'], signal);
    const w = weights.at('semantic_lm');
    const plan = await engine.plan(
      `keys of ${words.length} words`,
      (g) => g.output('rows', rowsOfWords(g, w, g.input('words', [words.length], 'u32'), c)),
      signal,
    );
    plan.run({}, { words });
    const spoken = spokenKeys(await plan.read('rows'), words.length);
    return keyOfNumber(spoken.indexOf(Math.max(...spoken)));
  });
}

/**
 * Audio as the model makes it, channels of [n] → latent means [frames · D], for whole frames. The encoder was trained on music that came through
 * `resample`; sound that is strong above that filter's end is heard wrongly, bass too loud and treble too soft, so it goes through it too.
 */
export function latentsOfAudio(engine: Machine<Model>, channels: readonly Float32Array[], signal?: AbortSignal): Promise<Float32Array> {
  const { config, weights } = engine.model;
  const frames = Math.floor(lengthOf(channels) / config.hop_length);
  const samples = frames * config.hop_length;
  return engine.resilient(async () => {
    await weights.prepare(['vae_encoder'], signal);
    const plan = await engine.plan(
      `latents of ${frames} frames`,
      (g) => {
        const audio = g.input('audio', channels.length === 1 ? [samples] : [channels.length, samples]);
        g.output('latents', vaeEncoder(g, weights.at('vae_encoder'), audio, config.vae_encoder));
      },
      signal,
    );
    const audio = new Float32Array(channels.length * samples);
    for (const [c, channel] of channels.entries()) audio.set(bandLimit(channel).subarray(0, samples), c * samples);
    plan.run({}, { audio });
    return finite('the latents of the given audio', await plan.read('latents'));
  });
}

/** What an audio tower of kind 'ast' is shown (weights/FORMAT.md): audio [n], n a multiple of 240 → ln(mel filters · |STFT|² + 1e-4), [n / 240, 128]. */
export function logMel(g: Graph, audio: Tensor, sampleRate: number): Tensor {
  const filters = sharedConstant(`mel filters ${sampleRate}`, [BINS, BANDS], () => {
    const table = new Float32Array(BINS * BANDS);
    for (const [b, { start, weights }] of melBank(sampleRate, SIZE, BANDS, 20, sampleRate / 2).filters.entries())
      for (const [i, v] of weights.entries()) table[(start + i) * BANDS + b] = v;
    return table;
  });
  const power = complexPower(g, stft(g, audio, { size: SIZE, hop: 240 }), { bins: BINS, mode: 'power' });
  return logFloor(g, filterBank(g, power, filters), 1e-4);
}

/** Cut or padded with zeros to `samples`. */
function fitTo(audio: Float32Array, samples: number): Float32Array {
  const out = new Float32Array(samples);
  out.set(audio.subarray(0, samples));
  return out;
}
