// Configs of a pipeline of Stable Audio in diffusers' layout, with that library's defaults (0.42.1).
import { MelodyError } from '../../errors.ts';
import { type OobleckConfig, oobleckHop } from '../../models/oobleck.ts';
import type { StableAudioDitConfig } from '../../models/stable_audio_dit.ts';
import type { T5EncoderConfig } from '../../models/t5_encoder.ts';
import { CONFIG_FILE, readJson } from '../../weights/config.ts';
import type { JsonObject } from '../../weights/json.ts';
import { printable } from '../../weights/printable.ts';
import { Fields } from '../fields.ts';
import { t5Of } from '../musicgen/config.ts';
import type { SystemPlace } from '../place.ts';
import type { EdmSchedule, FlowSchedule, Schedule } from './schedule.ts';

/** A number that conditions: seconds, from least to most. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

export interface StableAudioConfig {
  readonly text_encoder: T5EncoderConfig;
  readonly dit: StableAudioDitConfig;
  readonly vae: OobleckConfig;
  readonly schedule: Schedule;
  /** Width of the tokens that the DiT attends to. */
  readonly conditioning: number;
  /** Numbers that condition, by the names of diffusers; only `end` in stable-audio-tools' small model. */
  readonly numbers: { readonly start?: NumberRange; readonly end: NumberRange };
  /** Latent frames that the model was trained on at once: its longest clip. */
  readonly frames: number;
  /** Tokens of a prompt at most; shorter ones are filled up with nothing, which is attended to all the same. */
  readonly promptTokens: number;
  /** Steps and guidance that its publisher makes music with. */
  readonly presets: { readonly steps: number; readonly guidanceScale: number };
}

/** Parts of a pipeline with weights, and how their files are called. */
export const PARTS = {
  text_encoder: 'model',
  transformer: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  projection_model: 'diffusion_pytorch_model',
} as const;
export type Part = keyof typeof PARTS;

const SCHEDULER_FILE = 'scheduler_config.json';
const TOKENIZER_FILE = 'tokenizer_config.json';
/** Tokens where tokenizer_config.json does not say: as Stable Audio Open 1.0 has it. */
const PROMPT_TOKENS = 128;
/** Classes of the parts that this library plays; a folder of another model may have one of them exchanged. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  text_encoder: ['T5EncoderModel'],
  transformer: ['StableAudioDiTModel'],
  vae: ['AutoencoderOobleck'],
  projection_model: ['StableAudioProjectionModel'],
  scheduler: ['CosineDPMSolverMultistepScheduler', 'EDMDPMSolverMultistepScheduler', 'EDMEulerScheduler'],
};

/** Reads and checks every config of a pipeline. Throws `weights`. */
export async function readPipeline(place: SystemPlace, index: JsonObject, signal?: AbortSignal): Promise<StableAudioConfig> {
  for (const [part, known] of Object.entries(CLASSES)) checkClass(place.name, index, part, known);
  const read = async (part: string, file: string): Promise<Fields> => {
    const folder = place.part(part);
    const json = await readJson(folder, file, signal);
    if (json) return new Fields(json);
    throw new MelodyError(
      'weights',
      `${place.name}: ${part}/${file} is missing; model_index.json names that part`,
      'fetch the whole model again',
    );
  };
  const [text, transformer, codec, projection, scheduler] = await Promise.all([
    read('text_encoder', CONFIG_FILE),
    read('transformer', CONFIG_FILE),
    read('vae', CONFIG_FILE),
    read('projection_model', CONFIG_FILE),
    read('scheduler', SCHEDULER_FILE),
  ]);
  const where = (part: string, file = CONFIG_FILE): [string, string] => [`${place.name}/${part}`, file];
  const text_encoder = t5Of(text);
  text.check(...where('text_encoder'));
  const { frames, ...dit } = ditOf(transformer);
  transformer.check(...where('transformer'));
  const vae = oobleckOf(codec);
  codec.check(...where('vae'));
  const schedule = scheduleOf(scheduler, (index.scheduler as string[])[1] as string);
  scheduler.check(...where('scheduler', SCHEDULER_FILE));
  const conditioning = projection.whole('conditioning_dim', dit.cross_attention_input_dim);
  const range = { least: projection.number('min_value', 0), most: projection.number('max_value', 512) };
  projection.expect(range.least < range.most, `min_value is ${range.least}, max_value ${range.most}; expected a range`);
  const equal = (name: string, got: number, of: string, expected: number) =>
    projection.expect(got === expected, `${name} is ${got}, ${of} ${expected}; expected them equal`);
  equal('text_encoder_dim', projection.whole('text_encoder_dim', text_encoder.d_model), "the text encoder's d_model", text_encoder.d_model);
  equal('conditioning_dim', conditioning, "the transformer's cross_attention_input_dim", dit.cross_attention_input_dim);
  equal('conditioning_dim, twice', 2 * conditioning, "the transformer's global_states_input_dim", dit.global_states_input_dim);
  equal('latents of the vae: decoder_input_channels', vae.decoder_input_channels, "the transformer's in_channels", dit.in_channels);
  projection.check(...where('projection_model'));
  return {
    text_encoder,
    dit,
    vae,
    schedule,
    conditioning,
    numbers: { start: range, end: range },
    frames,
    promptTokens: await promptTokensOf(place, signal),
    presets: { steps: 100, guidanceScale: 7 },
  };
}

function checkClass(where: string, index: JsonObject, part: string, known: readonly string[]): void {
  const entry = index[part];
  const name = Array.isArray(entry) ? entry[1] : undefined;
  if (typeof name === 'string' && known.includes(name)) return;
  const got = typeof name === 'string' ? `"${printable(name)}"` : 'nothing';
  const hint = known.length > 1 ? `this version has ${known.join(', ')}` : 'fetch the model again';
  throw new MelodyError(
    'weights',
    `${where}/model_index.json: ${part} must be ${known.length > 1 ? 'a known class' : known[0]}; got ${got}`,
    hint,
  );
}

function ditOf(f: Fields): StableAudioDitConfig & { frames: number } {
  const width = f.whole('attention_head_dim', 64, 2);
  const heads = f.whole('num_attention_heads', 24);
  const channels = f.whole('in_channels', 64);
  const config = {
    in_channels: channels,
    num_layers: f.whole('num_layers', 24, 1, 256),
    attention_head_dim: width,
    num_attention_heads: heads,
    num_key_value_attention_heads: f.whole('num_key_value_attention_heads', 12),
    cross_attention_dim: f.whole('cross_attention_dim', 768),
    cross_attention_input_dim: f.whole('cross_attention_input_dim', 768),
    global_states_input_dim: f.whole('global_states_input_dim', 1536),
    time_proj_dim: f.whole('time_proj_dim', 256, 2),
    rotary_dim: Math.floor(width / 2),
    qk_norm: false,
    frames: f.whole('sample_size', 1024),
  };
  f.expect(f.whole('out_channels', 64) === channels, `out_channels must be in_channels, ${channels}, whose velocity it is`);
  f.expect(width % 4 === 0, `attention_head_dim is ${width}; expected a multiple of 4, half of which turns in pairs`);
  f.expect(
    heads % config.num_key_value_attention_heads === 0,
    `num_attention_heads ${heads} do not share num_key_value_attention_heads ${config.num_key_value_attention_heads} evenly`,
  );
  f.expect(config.time_proj_dim % 2 === 0, `time_proj_dim is ${config.time_proj_dim}; expected an even number`);
  return config;
}

export function oobleckOf(f: Fields): OobleckConfig {
  const config: OobleckConfig = {
    encoder_hidden_size: f.whole('encoder_hidden_size', 128),
    downsampling_ratios: f.numbers('downsampling_ratios', [2, 4, 4, 8, 8], 1, 64),
    channel_multiples: f.numbers('channel_multiples', [1, 2, 4, 8, 16], 1, 256),
    decoder_channels: f.whole('decoder_channels', 128),
    decoder_input_channels: f.whole('decoder_input_channels', 64),
    audio_channels: f.whole('audio_channels', 2, 1, 2),
    sampling_rate: f.whole('sampling_rate', 44_100, 1000, 192_000),
  };
  const { downsampling_ratios: ratios, channel_multiples: multiples } = config;
  f.expect([...ratios, ...multiples].every(Number.isInteger), 'downsampling_ratios and channel_multiples must be whole numbers');
  f.expect(
    ratios.length === multiples.length,
    `${ratios.length} downsampling_ratios need as many channel_multiples; got ${multiples.length}`,
  );
  f.expect(
    config.encoder_hidden_size === 2 * config.decoder_input_channels,
    `encoder_hidden_size is ${config.encoder_hidden_size}; expected mean and scale of decoder_input_channels, ${2 * config.decoder_input_channels}`,
  );
  f.expect(oobleckHop(config) <= 2 ** 16, `downsampling_ratios make frames of ${oobleckHop(config)} samples; expected at most ${2 ** 16}`);
  return config;
}

function scheduleOf(f: Fields, name: string): EdmSchedule | FlowSchedule {
  const cosine = name === 'CosineDPMSolverMultistepScheduler';
  const multistep = name !== 'EDMEulerScheduler';
  const algorithm = cosine ? 'sde-dpmsolver++' : f.word('algorithm_type', 'dpmsolver++', ['dpmsolver++', 'sde-dpmsolver++']);
  const sigmaMin = f.number('sigma_min', cosine ? 0.3 : 0.002, 1e-6, 1e6);
  const sigmaMax = f.number('sigma_max', cosine ? 500 : 80, 1e-6, 1e6);
  f.expect(sigmaMin < sigmaMax, `sigma_min is ${sigmaMin}, sigma_max ${sigmaMax}; expected a range`);
  f.expect(!f.flag('thresholding', false), 'thresholding is true, which this version does not do');
  return {
    kind: 'edm',
    sigmaMin,
    sigmaMax,
    sigmaData: f.number('sigma_data', cosine ? 1 : 0.5, 1e-6, 1e6),
    spacing: f.word('sigma_schedule', cosine ? 'exponential' : 'karras', ['exponential', 'karras']),
    rho: f.number('rho', 7, 1e-3, 1e3),
    prediction: f.word('prediction_type', cosine ? 'v_prediction' : 'epsilon', ['v_prediction', 'epsilon']),
    time: cosine ? 'atan' : 'log',
    solver: multistep ? (algorithm === 'dpmsolver++' ? 'ode' : 'sde') : 'euler',
    order: multistep ? (f.whole('solver_order', 2, 1, 2) as 1 | 2) : 1,
    type: f.word('solver_type', 'midpoint', ['midpoint', 'heun']),
    last: f.word('final_sigmas_type', 'zero', ['zero', 'sigma_min']),
    lowerOrderFinal: f.flag('lower_order_final', true),
    eulerAtFinal: f.flag('euler_at_final', false),
  };
}

async function promptTokensOf(place: SystemPlace, signal?: AbortSignal): Promise<number> {
  const most = (await readJson(place.part('tokenizer'), TOKENIZER_FILE, signal))?.model_max_length;
  return typeof most === 'number' && Number.isInteger(most) && most >= 2 && most <= 4096 ? most : PROMPT_TOKENS;
}
