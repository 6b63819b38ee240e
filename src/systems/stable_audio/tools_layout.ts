// The layout of stable-audio-tools (0.0.19): one file, model_config.json, and T5 in a folder beside them. Its tensors by the names that diffusers has.
import { MelodyError } from '../../errors.ts';
import type { WeightRef } from '../../graph/tensor.ts';
import { CONFIG_FILE, readJson } from '../../weights/config.ts';
import type { JsonObject, JsonValue } from '../../weights/json.ts';
import { reshaped, rowsOf } from '../../weights/references.ts';
import type { Scope } from '../../weights/weights.ts';
import { Fields } from '../fields.ts';
import { t5Of } from '../musicgen/config.ts';
import type { SystemPlace } from '../place.ts';
import { type NumberRange, oobleckOf, type Part, type StableAudioConfig } from './config.ts';
import type { Schedule } from './schedule.ts';

export const TOOLS_CONFIG = 'model_config.json';

/** Features of the time, which the library does not make a setting. */
const TIME_FEATURES = 256;
/** Columns of a head that turn with the position, at least. */
const LEAST_ROTARY = 32;
/** Of the codec, where nothing is said. */
const PRESETS = { strides: [2, 4, 8, 8], c_mults: [1, 2, 4, 8] } as const;
/** Numbers that condition, by their names here and there. */
const NUMBERS = { start: 'seconds_start', end: 'seconds_total' } as const;

/** Reads model_config.json, and T5's config from the folder of its name. Throws `weights`. */
export async function readToolsConfig(
  place: SystemPlace,
  json: JsonObject,
  signal?: AbortSignal,
): Promise<StableAudioConfig & { t5: string }> {
  const f = new Fields(json);
  f.word('model_type', 'diffusion_cond', ['diffusion_cond']);
  const model = f.part('model');
  const pretransform = model.part('pretransform');
  pretransform.word('type', 'autoencoder', ['autoencoder']);
  pretransform.expect(pretransform.number('scale', 1) === 1, 'scale must be 1');
  const codec = pretransform.part('config');
  const [encoder, decoder] = ['encoder', 'decoder'].map((name) => {
    const part = codec.part(name);
    part.word('type', 'oobleck', ['oobleck']);
    return part.part('config');
  }) as [Fields, Fields];
  codec.part('bottleneck').word('type', 'vae', ['vae']);
  for (const part of [encoder, decoder]) {
    part.expect(part.flag('use_snake', false), 'use_snake must be true');
    for (const unknown of ['antialias_activation', 'use_nearest_upsample'])
      part.expect(!part.flag(unknown, false), `${unknown} must be false`);
  }
  decoder.expect(!decoder.flag('final_tanh', true), 'final_tanh must be false');
  const channels = decoder.whole('out_channels', 2, 1, 2);
  const codecConfig = oobleckOf(
    new Fields({
      encoder_hidden_size: encoder.whole('latent_dim', 64),
      downsampling_ratios: [...decoder.numbers('strides', PRESETS.strides, 1, 64)],
      channel_multiples: [...decoder.numbers('c_mults', PRESETS.c_mults, 1, 256)],
      decoder_channels: decoder.whole('channels', 128),
      decoder_input_channels: decoder.whole('latent_dim', 32),
      audio_channels: channels,
      sampling_rate: f.whole('sample_rate', 44_100, 1000, 192_000),
    }),
  );
  const vae = { ...codecConfig, encoder_channels: encoder.whole('channels', 128) };
  for (const name of ['strides', 'c_mults'] as const)
    encoder.expect(
      JSON.stringify(encoder.numbers(name, PRESETS[name], 1, 256)) === JSON.stringify(decoder.numbers(name, PRESETS[name], 1, 256)),
      `${name} must be those of the decoder`,
    );

  const diffusion = model.part('diffusion');
  diffusion.word('type', 'dit', ['dit']);
  const objective = diffusion.word('diffusion_objective', 'v', ['v', 'rectified_flow', 'rf_denoiser']);
  const dit = diffusion.part('config');
  dit.word('transformer_type', 'continuous_transformer', ['continuous_transformer']);
  dit.word('global_cond_type', 'prepend', ['prepend']);
  dit.whole('patch_size', 1, 1, 1);
  const width = dit.whole('embed_dim', 768);
  const heads = dit.whole('num_heads', 8);
  const tokenWidth = dit.whole('cond_token_dim', 0);
  const cross = dit.flag('project_cond_tokens', true) ? width : tokenWidth;
  const head = Math.floor(width / heads);
  dit.expect(width % heads === 0, `embed_dim ${width} does not split into num_heads ${heads}`);
  dit.expect(
    head >= LEAST_ROTARY && head % 4 === 0,
    `heads are ${head} wide; expected a multiple of 4 from ${LEAST_ROTARY} on, so many columns of which turn`,
  );
  dit.expect(cross % head === 0, `tokens of ${cross} do not split into heads of ${head}`);
  const conditioning = model.part('conditioning');
  const numbers: { start?: NumberRange; end?: NumberRange } = {};
  let prompt: Fields | undefined;
  for (const entry of listOf(json, 'model', 'conditioning', 'configs')) {
    const one = new Fields(entry);
    const id = one.word<string>('id', '');
    if (one.word<string>('type', '') === 't5' && id === 'prompt') prompt = one.part('config');
    for (const [name, theirs] of Object.entries(NUMBERS))
      if (id === theirs)
        numbers[name as 'start' | 'end'] = {
          least: one.part('config').number('min_val', 0),
          most: one.part('config').number('max_val', 1),
        };
  }
  const { start, end } = numbers;
  conditioning.expect(prompt !== undefined, 'configs must have a prompt of type t5');
  conditioning.expect(end !== undefined, 'configs must have the number seconds_total');
  const known = start ? ['prompt', NUMBERS.start, NUMBERS.end] : ['prompt', NUMBERS.end];
  const ids = (name: string) => JSON.stringify(valueAt(json, 'model', 'diffusion', name));
  diffusion.expect(ids('cross_attention_cond_ids') === JSON.stringify(known), `cross_attention_cond_ids must be ${known.join(', ')}`);
  diffusion.expect(ids('global_cond_ids') === JSON.stringify(known.slice(1)), `global_cond_ids must be ${known.slice(1).join(', ')}`);
  const conditions = conditioning.whole('cond_dim', tokenWidth);
  conditioning.expect(
    conditions === tokenWidth,
    `cond_dim is ${conditions}, the transformer's cond_token_dim ${tokenWidth}; expected them equal`,
  );
  const qk = valueAt(json, 'model', 'diffusion', 'config', 'attn_kwargs', 'qk_norm');
  dit.expect(qk === undefined || qk === 'none' || qk === 'ln', `attn_kwargs.qk_norm must be ln or none; got ${JSON.stringify(qk)}`);
  const hop = vae.downsampling_ratios.reduce((a, b) => a * b, 1);
  const frames = Math.floor(f.whole('sample_size', 65_536, 1, 2 ** 31) / hop);
  f.check(place.name, TOOLS_CONFIG);
  const t5 = ((prompt as Fields).word('t5_model_name', 't5-base').split('/').pop() ?? 't5-base').replace(/[^\w.-]/g, '');
  const t5Config = await readJson(place.part(t5), CONFIG_FILE, signal);
  if (!t5Config)
    throw new MelodyError(
      'weights',
      `${place.name}: ${t5}/${CONFIG_FILE} is missing: stable-audio-tools keeps no text encoder in its file`,
      `put the folder ${t5} of transformers (config.json, model.safetensors, tokenizer.json) into this one`,
    );
  const text = new Fields(t5Config);
  const text_encoder = t5Of(text);
  text.check(`${place.name}/${t5}`);
  return {
    t5,
    text_encoder,
    vae,
    schedule: scheduleOf(objective),
    dit: {
      in_channels: dit.whole('io_channels', 32),
      num_layers: dit.whole('depth', 12, 1, 256),
      attention_head_dim: head,
      num_attention_heads: heads,
      num_key_value_attention_heads: cross / head,
      cross_attention_dim: cross,
      cross_attention_input_dim: tokenWidth,
      global_states_input_dim: dit.whole('global_cond_dim', 0),
      time_proj_dim: TIME_FEATURES,
      rotary_dim: Math.max(Math.floor(head / 2), LEAST_ROTARY),
      qk_norm: qk === 'ln',
    },
    conditioning: conditions,
    numbers: { ...(start && { start }), end: end as NumberRange },
    frames,
    promptTokens: (prompt as Fields).whole('max_length', 128, 2, 4096),
    presets: objective === 'rf_denoiser' ? { steps: 8, guidanceScale: 1 } : { steps: 100, guidanceScale: 7 },
  };
}

/** How the library makes music with models of each objective. */
export function scheduleOf(objective: 'v' | 'rectified_flow' | 'rf_denoiser'): Schedule {
  if (objective === 'rf_denoiser') return { kind: 'flow', solver: 'pingpong' };
  if (objective === 'rectified_flow') return { kind: 'flow', solver: 'euler' };
  return {
    kind: 'edm',
    sigmaMin: 0.3,
    sigmaMax: 500,
    sigmaData: 1,
    spacing: 'exponential',
    rho: 1,
    prediction: 'v_prediction',
    time: 'atan',
    solver: 'sde',
    order: 3,
    type: 'heun',
    last: 'zero',
    lowerOrderFinal: true,
    eulerAtFinal: false,
    start: 'sigma',
  };
}

function valueAt(json: JsonObject, ...path: string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (at, name) => (typeof at === 'object' && at !== null && !Array.isArray(at) ? at[name] : undefined),
    json,
  );
}

function listOf(json: JsonObject, ...path: string[]): JsonObject[] {
  const list = valueAt(json, ...path);
  return Array.isArray(list) ? list.filter((one): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one)) : [];
}

/** Names of diffusers → names of stable-audio-tools, a part of a path after another. */
const DIT: readonly [RegExp, string][] = [
  [/^time_proj\.weight$/, 'timestep_features.weight'],
  [/^timestep_proj\./, 'to_timestep_embed.'],
  [/^global_proj\./, 'to_global_embed.'],
  [/^cross_attention_proj\./, 'to_cond_embed.'],
  [/^proj_(in|out)\./, 'transformer.project_$1.'],
  [/^transformer_blocks\./, 'transformer.layers.'],
  [/\.norm1\./, '.pre_norm.'],
  [/\.norm2\./, '.cross_attend_norm.'],
  [/\.norm3\./, '.ff_norm.'],
  [/\.(\w*_norm)\.weight$/, '.$1.gamma'],
  [/\.(\w*_norm)\.bias$/, '.$1.beta'],
  [/\.attn1\./, '.self_attn.'],
  [/\.attn2\./, '.cross_attn.'],
  [/\.norm_([qk])\./, '.$1_norm.'],
  [/\.to_out\.0\./, '.to_out.'],
  [/\.ff\.net\./, '.ff.ff.'],
];

const renamed = (name: string, rules: readonly (readonly [RegExp, string])[]): string =>
  rules.reduce((text, [pattern, by]) => text.replace(pattern, by), name);

/** Rows of one matrix that holds several. */
const JOINED: Readonly<Record<string, readonly [string, number, number]>> = {
  '.self_attn.to_q.weight': ['.self_attn.to_qkv.weight', 0, 3],
  '.self_attn.to_k.weight': ['.self_attn.to_qkv.weight', 1, 3],
  '.self_attn.to_v.weight': ['.self_attn.to_qkv.weight', 2, 3],
  '.cross_attn.to_k.weight': ['.cross_attn.to_kv.weight', 0, 2],
  '.cross_attn.to_v.weight': ['.cross_attn.to_kv.weight', 1, 2],
};

function ditRef(root: Scope, name: string, shape: readonly number[]): WeightRef {
  const own = renamed(name, DIT);
  if (name === 'time_proj.weight') return reshaped(root.get(own, [...shape, 1]), shape);
  const joined = Object.entries(JOINED).find(([end]) => own.endsWith(end));
  if (!joined) return root.get(own, shape);
  const [end, [whole, part, parts]] = joined;
  const [rows = 1, cols = 1] = shape;
  return rowsOf(root.get(own.slice(0, -end.length) + whole, [parts * rows, cols]), part * rows, rows);
}

/** Places within a residual unit, and within a block of either half. */
const UNIT = { snake1: 0, conv1: 1, snake2: 2, conv2: 3 } as const;
const BLOCK: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  encoder: { res_unit1: 0, res_unit2: 1, res_unit3: 2, snake1: 3, conv1: 4 },
  decoder: { snake1: 0, conv_t1: 1, res_unit1: 2, res_unit2: 3, res_unit3: 4 },
};

function codecName(name: string, blocks: number): string {
  const [half = '', first = '', ...rest] = name.split('.');
  const ends: Readonly<Record<string, number>> = { conv1: 0, snake1: blocks + 1, conv2: blocks + 2 };
  if (first !== 'block') return [half, 'layers', ends[first], ...rest].join('.');
  const [i = '0', part = '', ...inner] = rest;
  const at = [half, 'layers', Number(i) + 1, 'layers', BLOCK[half]?.[part]];
  const [unit = '', ...last] = inner;
  return [...at, ...(part.startsWith('res_unit') ? ['layers', UNIT[unit as keyof typeof UNIT], ...last] : inner)].join('.');
}

/** A scope whose names go through `name`, and whose tensors through `get`. */
function mappedScope(
  root: Scope,
  name: (own: string) => string,
  get: (own: string, shape: readonly number[]) => WeightRef,
  path = '',
): Scope {
  const full = (own: string) => (path === '' ? own : `${path}.${own}`);
  return {
    path,
    at: (prefix) => mappedScope(root, name, get, full(prefix)),
    get: (own, shape) => get(full(own), shape),
    has: (own) => root.has(name(full(own))),
  };
}

/** The parts of a pipeline in one file of stable-audio-tools; T5 has a file of its own. */
export function toolsParts(all: Scope, t5: Scope, { vae }: StableAudioConfig): { at(part: Part): Scope } {
  const codec = all.at('pretransform.model');
  const blocks = vae.downsampling_ratios.length;
  const codecRef = (name: string, shape: readonly number[]) => {
    const own = codecName(name, blocks);
    return /\.(alpha|beta)$/.test(own) ? reshaped(codec.get(own, [shape.reduce((a, b) => a * b, 1)]), shape) : codec.get(own, shape);
  };
  const conditioners = all.at('conditioner.conditioners');
  const conditionerName = (name: string) =>
    renamed(name, [
      [/^text_projection\./, 'prompt.proj_out.'],
      [/^(start|end)_number_conditioner\.time_positional_embedding\./, '$1.embedder.embedding.'],
      [/^start\./, `${NUMBERS.start}.`],
      [/^end\./, `${NUMBERS.end}.`],
    ]);
  const dit = all.at('model.model');
  const parts: Record<Part, Scope> = {
    text_encoder: t5,
    transformer: mappedScope(
      dit,
      (name) => renamed(name, DIT),
      (name, shape) => ditRef(dit, name, shape),
    ),
    vae: mappedScope(codec, (name) => codecName(name, blocks), codecRef),
    projection_model: mappedScope(conditioners, conditionerName, (name, shape) => conditioners.get(conditionerName(name), shape)),
  };
  return { at: (part) => parts[part] };
}
