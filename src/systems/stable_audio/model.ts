// A pipeline of Stable Audio in diffusers' layout: configs, tokenizer, weights of its parts, licence.
import { MelodyError } from '../../errors.ts';
import { CONFIG_FILE } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { licenceOf } from '../../weights/model_card.ts';
import { type Scope, Weights } from '../../weights/weights.ts';
import { modelName } from '../model_name.ts';
import { PartWeights } from '../parts.ts';
import type { SystemPlace } from '../place.ts';
import { openTokenizer, type T5Tokenizer } from '../t5_tokenizer.ts';
import { PARTS, type Part, readPipeline, type StableAudioConfig } from './config.ts';

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
  /** What the weights allow. */
  readonly licence: string;
}

/** How Stability AI publishes the weights; a model card in the folder says more. */
const PUBLISHED = 'Stability AI Community License, as the weights of Stable Audio Open are published: commercial use is limited';

/** Tensors that are saved and never read. */
export const USELESS = /\.encoder\.embed_tokens\.weight$/;

/** Opens a pipeline; of the weights only headers are read. Throws `weights` or `io`. */
export async function openStableAudio(place: SystemPlace, index: JsonObject, signal?: AbortSignal): Promise<StableAudioModel> {
  const config = await readPipeline(place, index, signal);
  const tokenizer = await openTokenizer(place.part('tokenizer'), config.text_encoder.vocab_size, signal);
  const opened = await Promise.all(
    Object.entries(PARTS).map(async ([part, stem]) => {
      const weights = await Weights.open(place.part(part), { stem, ...(signal && { signal }) });
      await weights.prepare(undefined, signal);
      return [part, weights] as const;
    }),
  );
  const weights = new PartWeights(Object.fromEntries(opened) as Record<Part, Weights>);
  checkLayers(place.name, config, weights);
  return { name: modelName(place.name, 'stable-audio'), config, tokenizer, weights, licence: licenceText(await licenceOf(place, signal)) };
}

const licenceText = (card: string | undefined): string => (card === undefined || card === 'other' ? PUBLISHED : card);

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
