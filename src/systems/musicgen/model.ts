// A folder of MusicGen in transformers' layout: config, tokenizer, weights, licence.
import { MelodyError } from '../../errors.ts';
import type { Projections } from '../../models/musicgen_decoder.ts';
import type { ByteFolder } from '../../platform/bytes.ts';
import { CONFIG_FILE, readJson } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { licenceOf } from '../../weights/model_card.ts';
import type { WeightSource, Weights } from '../../weights/weights.ts';
import type { Identity } from '../identity.ts';
import { modelName } from '../model_name.ts';
import { openWeights } from '../open_weights.ts';
import { openTokenizer, type T5Tokenizer } from '../t5_tokenizer.ts';
import type { ChromaConfig } from './chroma.ts';
import { type MusicgenConfig, readChroma, readMusicgen } from './config.ts';

export interface MusicgenModel {
  readonly name: string;
  readonly config: MusicgenConfig;
  readonly sampling: Sampling;
  /** Of MusicGen Melody: how a tune is heard. */
  readonly chroma?: ChromaConfig;
  readonly tokenizer: T5Tokenizer;
  readonly weights: WeightSource;
  /** What the weights allow. */
  readonly licence: string;
  /** What names its very bytes. */
  readonly identity?: Identity;
}

/** How codes are drawn. */
export interface Sampling {
  /** How closely the music follows the prompt: 1 is as trained, and takes half the work; default that of the model, usually 3. */
  readonly guidanceScale: number;
  /** Below 1 sharpens, above 1 flattens; 0 takes the likeliest code. Default 1. */
  readonly temperature: number;
  /** Draw from the k likeliest codes; 0 is all. Default 250. */
  readonly topK: number;
  /** Draw from the likeliest codes that hold this share of the probability, over 0 to 1. Default 1. */
  readonly topP: number;
}

/** How the weights of Meta are published; a model card in the folder says more. */
export const PUBLISHED = 'CC-BY-NC-4.0, as Meta publishes the weights of MusicGen';

/** Tensors that are saved and never read: what training kept of the codebooks, the embedding's second name, tables that are computed. */
export const USELESS =
  /\.codebook\.(inited|cluster_size|embed_avg)$|\.embed_positions\.weights$|^text_encoder\.encoder\.embed_tokens\.weight$/;

/** Opens a folder; of the weights only headers are read. Throws `weights` or `io`. */
export async function openMusicgen(folder: ByteFolder, json: JsonObject, signal?: AbortSignal): Promise<MusicgenModel> {
  const config = readMusicgen(json, folder.name);
  const tokenizer = await openTokenizer(folder, config.text_encoder.vocab_size, signal);
  const weights = await openWeights(folder, signal);
  checkLayers(folder.name, config, weights);
  const chroma = readChroma(config.melody && (await featuresOf(folder, signal)), config, folder.name);
  return {
    name: modelName(folder.name, 'musicgen'),
    config,
    ...(chroma && { chroma }),
    sampling: samplingOf(await readJson(folder, 'generation_config.json', signal)),
    tokenizer,
    weights,
    licence: licenceText(await licenceOf(folder, signal)),
  };
}

/** How sound is heard before the model: preprocessor_config.json, or a part of what newer versions of transformers save. */
async function featuresOf(folder: ByteFolder, signal?: AbortSignal): Promise<JsonObject | undefined> {
  const own = await readJson(folder, 'preprocessor_config.json', signal);
  const { feature_extractor: part } = (!own && (await readJson(folder, 'processor_config.json', signal))) || {};
  return own ?? (typeof part === 'object' && part !== null && !Array.isArray(part) ? part : undefined);
}

/** From the widths of the text encoder and of pitch classes to that of the decoder, where they are others. */
export function projectionsOf(weights: WeightSource, { text_encoder, decoder, melody }: MusicgenConfig): Projections {
  return {
    text: text_encoder.d_model === decoder.hidden_size ? undefined : weights.at('enc_to_dec_proj'),
    tune: melody && melody.num_chroma !== decoder.hidden_size ? weights.at('audio_enc_to_dec_proj') : undefined,
  };
}

/** What the weights allow, by what the model card says. */
export function licenceText(card: string | undefined): string {
  if (card === undefined) return PUBLISHED;
  return /nc/i.test(card) ? `${card}: not for commercial use` : card;
}

/** Fewer layers in the config than in the file would play, with a part of the network missing and no word about it. */
function checkLayers(where: string, { decoder, text_encoder, audio_encoder }: MusicgenConfig, weights: Weights): void {
  const leftOut: [field: string, weight: string][] = [
    ['decoder.num_hidden_layers', `decoder.model.decoder.layers.${decoder.num_hidden_layers}.fc1.weight`],
    ['decoder.num_codebooks', `decoder.lm_heads.${decoder.num_codebooks}.weight`],
    ['audio_encoder.num_lstm_layers', `audio_encoder.decoder.layers.1.lstm.weight_ih_l${audio_encoder.num_lstm_layers}`],
    ['text_encoder.num_layers', `text_encoder.encoder.block.${text_encoder.num_layers}.layer.0.layer_norm.weight`],
  ];
  for (const [field, next] of leftOut)
    if (weights.has(next))
      throw new MelodyError(
        'weights',
        `${where}: ${field} of ${CONFIG_FILE} leaves out weights: there is ${next}`,
        'fetch the model again',
      );
  if (!audio_encoder.use_conv_shortcut && weights.unused('audio_encoder.decoder').some((name) => name.includes('.shortcut.')))
    throw new MelodyError(
      'weights',
      `${where}: audio_encoder.use_conv_shortcut of ${CONFIG_FILE} is false, and there are shortcuts`,
      'fetch the model again',
    );
}

/** generation_config.json, where it says something; top-k 250 is what the paper's authors draw with, where transformers' own default is 50. */
function samplingOf(json: JsonObject | undefined): Sampling {
  const number = (name: string, least: number, preset: number) => {
    const value = json?.[name];
    return typeof value === 'number' && value >= least ? value : preset;
  };
  return {
    guidanceScale: number('guidance_scale', 0, 3),
    temperature: number('temperature', 0, 1),
    topK: 250,
    topP: Math.min(1, number('top_p', 1e-6, 1)),
  };
}
