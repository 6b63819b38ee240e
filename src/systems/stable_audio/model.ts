// A pipeline of Stable Audio in diffusers' layout: configs, tokenizer, weights of its parts, licence.
import { MelodyError } from '../../errors.ts';
import type { ByteFolder } from '../../platform/bytes.ts';
import { CONFIG_FILE } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { licenceOf } from '../../weights/model_card.ts';
import type { Scope, Weights } from '../../weights/weights.ts';
import type { Identity } from '../identity.ts';
import { modelName } from '../model_name.ts';
import { openWeights } from '../open_weights.ts';
import { PartWeights } from '../parts.ts';
import type { SystemPlace } from '../place.ts';
import { openTokenizer, type T5Tokenizer } from '../t5_tokenizer.ts';
import { PARTS, type Part, readPipeline, type StableAudioConfig } from './config.ts';
import { readToolsConfig, TOOLS_CONFIG, toolsParts } from './tools_layout.ts';

export interface StableAudioWeights {
  at(part: Part): Scope;
  check(): void;
  misfits(): string[];
  unused(): string[];
}

export interface StableAudioModel {
  readonly name: string;
  readonly config: StableAudioConfig;
  readonly tokenizer: T5Tokenizer;
  readonly weights: StableAudioWeights;
  /** Where its files lie, and what they are called. */
  readonly folders: readonly { readonly folder: ByteFolder; readonly stem: string }[];
  /** What the weights allow. */
  readonly licence: string;
  /** What names its very bytes. */
  readonly identity?: Identity;
}

/** How Stability AI publishes the weights; a model card in the folder says more. */
const PUBLISHED = 'Stability AI Community License, as the weights of Stable Audio Open are published: commercial use is limited';

/** Tensors that are saved and never read. */
export const USELESS = /\.encoder\.embed_tokens\.weight$|\.rotary_pos_emb\.inv_freq$/;

/** Opens a pipeline, or a model of stable-audio-tools by its model_config.json; of the weights only headers are read. Throws `weights` or `io`. */
export async function openStableAudio(place: SystemPlace, index: JsonObject, signal?: AbortSignal): Promise<StableAudioModel> {
  if (index._class_name === undefined) return openTools(place, index, signal);
  const config = await readPipeline(place, index, signal);
  const tokenizer = await openTokenizer(place.part('tokenizer'), config.text_encoder.vocab_size, signal);
  const folders = Object.entries(PARTS).map(([part, stem]) => ({ part, folder: place.part(part), stem }));
  const opened = await Promise.all(folders.map(async ({ part, folder, stem }) => [part, await openWeights(folder, signal, stem)] as const));
  const weights = new PartWeights(Object.fromEntries(opened) as Record<Part, Weights>);
  checkLayers(place.name, config, weights);
  return {
    name: modelName(place.name, 'stable-audio'),
    config,
    tokenizer,
    weights,
    folders,
    licence: licenceText(await licenceOf(place, signal)),
  };
}

/** The same of one file in the layout of stable-audio-tools, with T5 in a folder beside it. */
async function openTools(place: SystemPlace, json: JsonObject, signal?: AbortSignal): Promise<StableAudioModel> {
  const { t5, ...config } = await readToolsConfig(place, json, signal);
  const folders = [place, place.part(t5)].map((folder) => ({ folder, stem: 'model' }));
  const tokenizer = await openTokenizer(place.part(t5), config.text_encoder.vocab_size, signal);
  const [all, text] = (await Promise.all(folders.map(({ folder, stem }) => openWeights(folder, signal, stem)))) as [Weights, Weights];
  const whole = new PartWeights({ [place.name]: all, [t5]: text });
  const weights: StableAudioWeights = {
    ...toolsParts(all, text, config),
    check: () => whole.check(),
    misfits: () => whole.misfits(),
    unused: () => whole.unused(),
  };
  if (all.has(`model.model.transformer.layers.${config.dit.num_layers}.pre_norm.gamma`))
    throw new MelodyError('weights', `${place.name}: depth of ${TOOLS_CONFIG} leaves out weights`, 'fetch the model again');
  if (!config.dit.qk_norm && all.has('model.model.transformer.layers.0.cross_attn.k_norm.weight'))
    throw new MelodyError('weights', `${place.name}: attn_kwargs.qk_norm of ${TOOLS_CONFIG} leaves out norms`, 'fetch the model again');
  return {
    name: modelName(place.name, 'stable-audio'),
    config,
    tokenizer,
    weights,
    folders,
    licence: licenceText(await licenceOf(place, signal)),
  };
}

/** What the weights allow, by what the model card says. */
export const licenceText = (card: string | undefined): string => (card === undefined || card === 'other' ? PUBLISHED : card);

/** Fewer layers in the config than in the file would play, with a part of the network missing and no word about it. */
function checkLayers(where: string, { dit, text_encoder, vae }: StableAudioConfig, weights: StableAudioWeights): void {
  const next = [
    ['transformer', 'num_layers', `transformer_blocks.${dit.num_layers}.norm1.weight`],
    ['text_encoder', 'num_layers', `encoder.block.${text_encoder.num_layers}.layer.0.layer_norm.weight`],
    ['vae', 'downsampling_ratios', `decoder.block.${vae.downsampling_ratios.length}.snake1.alpha`],
  ] as const;
  for (const [part, field, name] of next)
    if (weights.at(part).has(name))
      throw new MelodyError(
        'weights',
        `${where}: ${field} of ${part}/${CONFIG_FILE} leaves out weights: there is ${name}`,
        'fetch the model again',
      );
}
