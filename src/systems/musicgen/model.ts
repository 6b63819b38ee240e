// A folder of MusicGen in transformers' layout: config, tokenizer, weights, licence.
import { MelodyError } from '../../errors.ts';
import type { ByteFolder } from '../../platform/bytes.ts';
import { CONFIG_FILE, readJson, readSmall } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { licenceOf } from '../../weights/model_card.ts';
import { halved } from '../../weights/references.ts';
import { type Scope, type WeightSource, Weights } from '../../weights/weights.ts';
import { T5Tokenizer } from '../t5_tokenizer.ts';
import { type MusicgenConfig, readMusicgen } from './config.ts';

export interface MusicgenModel {
  readonly name: string;
  readonly config: MusicgenConfig;
  readonly sampling: Sampling;
  readonly tokenizer: T5Tokenizer;
  readonly weights: WeightSource;
  /** What the weights allow. */
  readonly licence: string;
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

const MAX_TOKENIZER_BYTES = 16 * 1024 * 1024;

/** How the weights of Meta are published; a model card in the folder says more. */
export const PUBLISHED = 'CC-BY-NC-4.0, as Meta publishes the weights of MusicGen';

/** Tensors that are saved and never read: what training kept of the codebooks, the embedding's second name, tables that are computed. */
export const USELESS =
  /\.codebook\.(inited|cluster_size|embed_avg)$|\.embed_positions\.weights$|^text_encoder\.encoder\.embed_tokens\.weight$/;

/** Opens a folder; of the weights only headers are read. Throws `weights` or `io`. */
export async function openMusicgen(folder: ByteFolder, json: JsonObject, signal?: AbortSignal): Promise<MusicgenModel> {
  const config = readMusicgen(json, folder.name);
  const source = await folder.open('tokenizer.json', signal);
  if (!source)
    throw new MelodyError(
      'weights',
      `${folder.name}: no tokenizer.json`,
      "fetch it too: transformers' AutoTokenizer saves one of spiece.model",
    );
  const bytes = await readSmall(source, MAX_TOKENIZER_BYTES, signal);
  const tokenizer = new T5Tokenizer(parsed(bytes, source.name), source.name);
  if (tokenizer.size > config.text_encoder.vocab_size)
    throw new MelodyError(
      'weights',
      `${source.name}: ${tokenizer.size} pieces, of which ${CONFIG_FILE} knows ${config.text_encoder.vocab_size}`,
      'the tokenizer is of another model: fetch both again',
    );
  const weights = await Weights.open(folder, { ...(signal && { signal }) });
  await weights.prepare(undefined, signal);
  checkLayers(folder.name, config, weights);
  const card = await licenceOf(folder, signal);
  return {
    name: nameOf(folder.name),
    config,
    sampling: samplingOf(await readJson(folder, 'generation_config.json', signal)),
    tokenizer,
    weights,
    licence: card === undefined ? PUBLISHED : /nc/i.test(card) ? `${card}: not for commercial use` : card,
  };
}

/** The scope with its matrices in half precision, where `half` is true. */
export function inPrecision(w: Scope, half: boolean): Scope {
  if (!half) return w;
  return {
    path: w.path,
    at: (prefix) => inPrecision(w.at(prefix), half),
    get: (name, shape) => (shape.length > 1 ? halved(w.get(name, shape)) : w.get(name, shape)),
    has: (name) => w.has(name),
  };
}

/** Fewer layers in the config than in the file would play, with a part of the network missing and no word about it. */
function checkLayers(where: string, { decoder, text_encoder }: MusicgenConfig, weights: Weights): void {
  for (const [field, next] of [
    ['decoder.num_hidden_layers', `decoder.model.decoder.layers.${decoder.num_hidden_layers}.fc1.weight`],
    ['decoder.num_codebooks', `decoder.lm_heads.${decoder.num_codebooks}.weight`],
    ['text_encoder.num_layers', `text_encoder.encoder.block.${text_encoder.num_layers}.layer.0.layer_norm.weight`],
  ])
    if (weights.has(next))
      throw new MelodyError(
        'weights',
        `${where}: ${field} of ${CONFIG_FILE} leaves out weights: there is ${next}`,
        'fetch the model again',
      );
}

/** The last part of a path or address; of the hub (owner/name/resolve/…) and its cache (models--owner--name/snapshots/…) the name. */
function nameOf(path: string): string {
  const hub = /models--[\w.-]+?--([\w.-]+)[/\\]/.exec(path)?.[1] ?? /\/([\w.-]+)\/resolve\//.exec(path)?.[1];
  return (
    hub ??
    (path
      .replace(/[/\\]+$/, '')
      .split(/[/\\]/)
      .pop() ||
      'musicgen')
  );
}

function parsed(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new MelodyError('weights', `${where}: not JSON: ${(cause as Error).message}`, 'fetch or export the model again');
  }
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
