// Do a published folder's weights fit its config? Records every network that playing needs, and the codec's encoder, without a device.
import { MelodyError } from '../errors.ts';
import { DEFAULT_CAPS } from '../gpu/caps.ts';
import { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  codebooks,
  codebooksOf,
  type EncodecConfig,
  encodecDecoderFrames,
  encodecDecoderSamples,
  encodecEncoder,
  hopOf,
} from '../models/encodec.ts';
import { keysAndValues, musicgenPrefix, musicgenStep, musicgenText } from '../models/musicgen_decoder.ts';
import { oobleckDecoder, oobleckEncoder, oobleckHop, oobleckSamples } from '../models/oobleck.ts';
import { contextStates, globalTokens, readContext, stableAudioDit, widthOf } from '../models/stable_audio_dit.ts';
import { t5Encoder } from '../models/t5_encoder.ts';
import { rvqDecode } from '../ops/codes.ts';
import type { JsonObject } from '../weights/json.ts';
import { licenceOf } from '../weights/model_card.ts';
import type { Scope, WeightSource } from '../weights/weights.ts';
import { readEncodec, readMusicgen } from './musicgen/config.ts';
import { openMusicgen, PUBLISHED, projectionsOf, USELESS } from './musicgen/model.ts';
import { openWeights } from './open_weights.ts';
import type { SystemPlace } from './place.ts';
import { openStableAudio, type StableAudioModel, USELESS as USELESS_PARTS } from './stable_audio/model.ts';
import { numberTokens, textTokens } from './stable_audio/stages.ts';

export interface Misfits {
  /** What it is, in a line. */
  readonly title: string;
  readonly licence: string | undefined;
  /** What keeps the weights from playing. */
  readonly faults: string[];
  /** Tensors that no network asks for, without those that are known to be of no use. */
  readonly unused: string[];
  /** Where the files of its parts lie, where it has parts. */
  readonly folders?: StableAudioModel['folders'];
}

/** Reads headers only. Throws `weights` or `io` where not even that can be done. */
export async function systemMisfits(
  folder: SystemPlace,
  kind: 'musicgen' | 'encodec' | 'stable_audio',
  json: JsonObject,
  signal?: AbortSignal,
): Promise<Misfits> {
  if (kind === 'stable_audio') return stableAudioMisfits(folder, json, signal);
  const card = await licenceOf(folder, signal);
  const faults: string[] = [];
  const weights = await openWeights(folder, signal);
  if (kind === 'encodec') {
    const c = readEncodec(json, folder.name);
    recordCodec(weights, '', c, codebooksOf(c), faults);
    const title = `EnCodec, ${c.sampling_rate} Hz, ${c.audio_channels} channels, ${codebooksOf(c)} codebooks of ${c.codebook_size} at ${c.sampling_rate / hopOf(c)} frames a second`;
    return { title, licence: card, faults: [...weights.misfits(), ...faults], unused: unusedOf(weights) };
  }
  const c = readMusicgen(json, folder.name);
  await openMusicgen(folder, json, signal).catch((error: unknown) => faults.push(textOf(error)));
  const { decoder: d, text_encoder: t5, audio_encoder: codec } = c;
  record(faults, 'text_encoder', (g) => {
    const states = t5Encoder(g, weights.at('text_encoder'), g.input('ids', [4], 'u32'), t5);
    if (c.melody) {
      const { chroma_length, num_chroma } = c.melody;
      const tune = g.input('tune', [chroma_length, num_chroma]);
      const cache = keysAndValues('self', d, 1, chroma_length + 4);
      musicgenPrefix(g, weights.at('decoder'), projectionsOf(weights, c), tune, states, d, cache, 1);
    } else musicgenText(g, weights.at('decoder'), projectionsOf(weights, c).text, states, d, keysAndValues('text', d, 1, 4));
  });
  record(faults, 'decoder', (g) => {
    const [cache, text] = [keysAndValues('self', d, 2, 4), keysAndValues('text', d, 1, 4)];
    musicgenStep(g, weights.at('decoder'), g.input('ids', [1, d.num_codebooks], 'u32'), d, {
      cache,
      text: c.melody ? undefined : text,
      textLength: 4,
      column: 0,
      batch: 2,
    });
  });
  recordCodec(weights, 'audio_encoder', codec, d.num_codebooks / d.audio_channels, faults);
  const title =
    `MusicGen${c.melody ? ' Melody' : ''}, ${codec.sampling_rate} Hz, ${d.audio_channels === 2 ? 'stereo' : 'mono'}: ${d.num_hidden_layers} layers of ${d.hidden_size}, ` +
    `${d.num_codebooks} codebooks of ${d.vocab_size}; T5 of ${t5.num_layers} layers of ${t5.d_model}`;
  return { title, licence: card ?? PUBLISHED, faults: [...weights.misfits(), ...faults], unused: unusedOf(weights) };
}

async function stableAudioMisfits(place: SystemPlace, json: JsonObject, signal?: AbortSignal): Promise<Misfits> {
  const { config: c, weights, licence, folders } = await openStableAudio(place, json, signal);
  const faults: string[] = [];
  const { dit, vae, text_encoder: t5, conditioning } = c;
  const [frames, length] = [2, 3];
  const context = contextStates(dit, 1, length);
  record(faults, 'text_encoder', (g) => t5Encoder(g, weights.at('text_encoder'), g.input('ids', [4], 'u32'), t5));
  record(faults, 'projection_model', (g) => numberTokens(g, weights, c));
  if (t5.d_model !== conditioning) record(faults, 'text_projection', (g) => textTokens(g, weights, g.input('states', [4, t5.d_model]), c));
  record(faults, 'transformer', (g) => {
    const w = weights.at('transformer');
    readContext(g, w, g.input('tokens', [1, length, conditioning]), dit, context);
    w.get('time_proj.weight', [dit.time_proj_dim / 2]);
    const token = globalTokens(g, w, g.input('times', [1, dit.time_proj_dim]), g.input('durations', [1, dit.global_states_input_dim]), dit);
    stableAudioDit(g, w, g.input('x', [frames, dit.in_channels]), token, context, dit, 1);
  });
  record(faults, 'vae, decoder', (g) =>
    oobleckDecoder(g, weights.at('vae').at('decoder'), g.input('z', [frames, vae.decoder_input_channels]), vae),
  );
  record(faults, 'vae, encoder', (g) =>
    oobleckEncoder(g, weights.at('vae').at('encoder'), g.input('audio', [frames * oobleckHop(vae), vae.audio_channels]), vae),
  );
  const title =
    `Stable Audio, ${vae.sampling_rate} Hz, ${vae.audio_channels === 2 ? 'stereo' : 'mono'}, up to ${(oobleckSamples(vae, c.frames) / vae.sampling_rate).toFixed(1)} s: ` +
    `${dit.num_layers} layers of ${widthOf(dit)}; T5 of ${t5.num_layers} layers of ${t5.d_model}`;
  const unused = weights.unused().filter((name) => !USELESS_PARTS.test(name));
  return { title, licence, faults: [...weights.misfits(), ...faults], unused, folders };
}

function recordCodec(weights: WeightSource, path: string, c: EncodecConfig, levels: number, faults: string[]): void {
  const w: Scope = path === '' ? weights : weights.at(path);
  record(faults, `${path || 'codec'}, decoder`, (g) => {
    const z: Tensor = rvqDecode(g, g.input('codes', [4, levels], 'u32'), codebooks(w, c, levels));
    encodecDecoderSamples(g, w, encodecDecoderFrames(g, w, z, c), c);
  });
  record(faults, `${path || 'codec'}, encoder`, (g) => encodecEncoder(g, w, g.input('audio', [4 * hopOf(c), c.audio_channels]), c));
}

function record(faults: string[], name: string, body: (g: Graph) => unknown): void {
  try {
    body(new Graph(DEFAULT_CAPS));
  } catch (error) {
    faults.push(`${name} cannot be built: ${textOf(error)}`);
  }
}

function textOf(error: unknown): string {
  if (error instanceof MelodyError) return error.message;
  throw error;
}

const unusedOf = (weights: WeightSource): string[] => weights.unused().filter((name) => !USELESS.test(name));
