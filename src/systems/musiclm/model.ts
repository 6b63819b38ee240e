// The shape of MusicLM (Agostinelli et al. 2023, arXiv 2301.11325), whose weights were never published: three language models in the layout of
// transformers' LlamaForCausalLM and a codec in that of EncodecModel, a folder each. For counting and measuring; nothing here reads words.
import { MelodyError } from '../../errors.ts';
import { codebooksOf, type EncodecConfig } from '../../models/encodec.ts';
import type { LlamaConfig } from '../../models/llama.ts';
import { CONFIG_FILE, readJson } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { type Scope, Weights } from '../../weights/weights.ts';
import { Fields } from '../fields.ts';
import { readEncodec } from '../musicgen/config.ts';
import { PartWeights } from '../parts.ts';
import type { SystemPlace } from '../place.ts';

/** The folders of a model. */
const MUSICLM_PARTS = ['semantic', 'coarse', 'fine', 'codec'] as const;
export type MusicLmPart = (typeof MUSICLM_PARTS)[number];

export interface MusicLmConfig {
  readonly semantic: LlamaConfig;
  readonly coarse: LlamaConfig;
  readonly fine: LlamaConfig;
  readonly codec: EncodecConfig;
}

export interface MusicLmModel {
  readonly config: MusicLmConfig;
  readonly weights: { at(part: MusicLmPart): Scope; check(): void };
}

/** Levels of the codec that the coarse model speaks; the fine one speaks the rest. */
export const COARSE_LEVELS = 4;

/** Opens a folder; of the weights only headers are read. Throws `weights` or `io`. */
export async function openMusicLm(place: SystemPlace, signal?: AbortSignal): Promise<MusicLmModel> {
  const read = async (part: MusicLmPart) => {
    const json = await readJson(place.part(part), CONFIG_FILE, signal);
    if (!json) throw new MelodyError('weights', `${place.name}: no ${part}/${CONFIG_FILE}`, `expected ${MUSICLM_PARTS.join(', ')}`);
    return json;
  };
  const llama = async (part: MusicLmPart) => {
    return readLlama(await read(part), `${place.name}/${part}`);
  };
  const config = {
    semantic: await llama('semantic'),
    coarse: await llama('coarse'),
    fine: await llama('fine'),
    codec: readEncodec(await read('codec'), `${place.name}/codec`),
  };
  checkWords(config, place.name);
  const open = async (part: MusicLmPart) => {
    const weights = await Weights.open(place.part(part), { ...(signal && { signal }) });
    await weights.prepare(undefined, signal);
    return [part, weights] as const;
  };
  const weights = Object.fromEntries(await Promise.all(MUSICLM_PARTS.map(open))) as Record<MusicLmPart, Weights>;
  return { config, weights: new PartWeights(weights) };
}

/** LlamaConfig, with transformers' defaults (5.24.0). Throws `weights` with every fault. */
export function readLlama(json: JsonObject, where: string): LlamaConfig {
  const f = new Fields(json);
  const rope = json.rope_parameters === undefined ? f : f.part('rope_parameters'); // transformers 5 has it in a config of its own
  rope.word('rope_type', 'default', ['default']);
  f.word('model_type', 'llama', ['llama']);
  const heads = f.whole('num_attention_heads', 32);
  const config: LlamaConfig = {
    vocab_size: f.whole('vocab_size', 32_000, 2),
    hidden_size: f.whole('hidden_size', 4096, 2),
    intermediate_size: f.whole('intermediate_size', 11_008),
    num_hidden_layers: f.whole('num_hidden_layers', 32, 1, 256),
    num_attention_heads: heads,
    rms_norm_eps: f.number('rms_norm_eps', 1e-6, 0, 1),
    rope_theta: rope.number('rope_theta', 10_000, 1),
    tie_word_embeddings: f.flag('tie_word_embeddings', false),
  };
  f.word('hidden_act', 'silu', ['silu']);
  f.expect(config.hidden_size % (2 * heads) === 0, `hidden_size ${config.hidden_size} does not split into ${heads} heads of even width`);
  f.expect(f.whole('num_key_value_heads', heads) === heads, `num_key_value_heads must be num_attention_heads, ${heads}`);
  f.check(where);
  return config;
}

/** Ids are code + level · entries; behind them stand what conditions. Throws `weights` where a vocabulary has no room for them. */
function checkWords({ semantic, coarse, fine, codec }: MusicLmConfig, where: string): void {
  const entries = codec.codebook_size;
  const least = { semantic: entries, coarse: (COARSE_LEVELS + 1) * entries, fine: codebooksOf(codec) * entries };
  for (const [part, { vocab_size }] of Object.entries({ semantic, coarse, fine }))
    if (vocab_size < least[part as keyof typeof least])
      throw new MelodyError(
        'weights',
        `${where}: vocab_size of ${part}/${CONFIG_FILE} is ${vocab_size}; expected at least ${least[part as keyof typeof least]}`,
      );
}
