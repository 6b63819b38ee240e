// The designs that `melody bench systems` compares: at their published sizes, and as narrow as they go.
import type { Checked, Machine } from '../../engine/engine.ts';
import { make } from '../../pipeline/compose.ts';
import { Job } from '../../pipeline/job.ts';
import type { Model, ModelConfig } from '../../pipeline/model.ts';
import { Progress } from '../../pipeline/progress.ts';
import { resolve } from '../../pipeline/recipe.ts';
import { Fields } from '../../systems/fields.ts';
import { readEncodec, readMusicgen, t5Of } from '../../systems/musicgen/config.ts';
import type { MusicgenModel } from '../../systems/musicgen/model.ts';
import { decodeCodes, drawCodes } from '../../systems/musicgen/stages.ts';
import { type MusicLmModel, readLlama } from '../../systems/musiclm/model.ts';
import { decodeMusicLm, drawMusicLm } from '../../systems/musiclm/stages.ts';
import type { StableAudioConfig } from '../../systems/stable_audio/config.ts';
import type { StableAudioModel } from '../../systems/stable_audio/model.ts';
import { decodeLatents, drawLatents } from '../../systems/stable_audio/stages.ts';
import { scheduleOf } from '../../systems/stable_audio/tools_layout.ts';
import { randomWeights } from '../../weights/random_weights.ts';
import { benchModel } from './pipeline.ts';

/** A design at one size: its model, and the program that plays so many seconds on a machine. */
export interface Shape<Model extends Checked = Checked> {
  readonly model: Model;
  play(m: Machine<Model>, seconds: number, signal?: AbortSignal): Promise<unknown>;
}

export interface SystemShapes {
  readonly name: string;
  /** Names of the plans that are passes of its language models or its denoiser. */
  readonly passes: RegExp;
  /** The longest piece that is made at once, seconds; longer ones are not made. */
  readonly longest: number;
  readonly published: { readonly size: string; readonly shape: Shape };
  readonly narrow: Shape;
}

/** A prompt of so many tokens; which ones changes no count. */
const PROMPT = Array.from({ length: 14 }, (_, i) => i + 3);
const SAMPLING = { topK: 50, topP: 1, temperature: 1 };
const T5_NARROW = { model_type: 't5', vocab_size: 64, d_model: 16, d_kv: 8, d_ff: 16, num_layers: 1, num_heads: 2 };
const T5_BASE = { model_type: 't5', d_model: 768, d_ff: 3072, num_layers: 12, num_heads: 12 };

const t5Config = (json: Record<string, string | number>) => t5Of(new Fields(json));

/** All of them; nothing of a model is made yet. */
export function systemShapes(): SystemShapes[] {
  return [melody(), musicLm(), musicgen(), stableAudio(), stableAudioSmall()];
}

/** MeLoDy as its paper has it: 25 tokens a second, and 20 steps a window of 10 s. */
function melody(): SystemShapes {
  const shape = (model: Model): Shape => ({
    model,
    play(m, seconds, signal) {
      const options = { prompt: 'calm piano', durationSeconds: seconds, seed: 1, steps: 20, loudness: null };
      return make(new Job(m as never, resolve(options, model, 'generate'), { ...(signal && { signal }) }), options);
    },
  });
  return {
    name: 'MeLoDy',
    passes: /^lm |^dual path (rotation|ddpm)/,
    longest: Infinity,
    published: { size: "the paper's", shape: shape(benchModel('paper')) },
    narrow: shape(benchModel('paper', narrowed)),
  };
}

/** The same rates, window and chunks in a few columns. */
function narrowed(config: ModelConfig): ModelConfig {
  const few = { dim: 16, layers: 1, heads: 2, ffn: 16, embedding_dim: 16 };
  return {
    ...config,
    text_tower: { ...config.text_tower, ...few },
    audio_tower: { ...config.audio_tower, ...few } as ModelConfig['audio_tower'],
    semantic_lm: { ...config.semantic_lm, dim: 16, layers: 1, heads: 2, head_dim: 8, ffn: 16 },
    dual_path: { ...config.dual_path, dim: 16, blocks: 1, heads: 2, coarse_layers: 1, sru_hidden: 8, sru_layers: 1, angle_dim: 16 },
    vae_decoder: { ...config.vae_decoder, channels: [16, 8, 4, 4] } as ModelConfig['vae_decoder'],
  };
}

function musicLm(): SystemShapes {
  const shape = (
    width: { hidden_size: number; intermediate_size: number; num_hidden_layers: number; num_attention_heads: number },
    filters: number,
  ): Shape<MusicLmModel> => {
    const entries = 1024;
    const lm = (levels: number) => readLlama({ model_type: 'llama', vocab_size: levels * entries, ...width }, 'MusicLM');
    const codec = {
      upsampling_ratios: [8, 5, 4, 3],
      num_filters: filters,
      hidden_size: 2 * filters,
      target_bandwidths: [6],
      codebook_size: entries,
    };
    const config = { semantic: lm(1), coarse: lm(5), fine: lm(12), codec: readEncodec({ model_type: 'encodec', ...codec }, 'MusicLM') };
    return {
      model: { config, weights: randomWeights(1) },
      async play(m, seconds, signal) {
        const codes = await drawMusicLm(m, { seconds, seed: 1, sampling: SAMPLING }, signal);
        await decodeMusicLm(m, codes, signal);
      },
    };
  };
  return {
    name: 'MusicLM',
    passes: /^(semantic|coarse|fine) /,
    longest: Infinity,
    published: {
      size: '3 × 430 M',
      shape: shape({ hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 24, num_attention_heads: 16 }, 32) as Shape,
    },
    narrow: shape({ hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2 }, 2) as Shape,
  };
}

function musicgen(): SystemShapes {
  const shape = (text_encoder: Record<string, string | number>, decoder: Record<string, number>, filters: number): Shape<MusicgenModel> => {
    const audio_encoder = {
      model_type: 'encodec',
      sampling_rate: 32_000,
      num_filters: filters,
      hidden_size: 2 * filters,
      upsampling_ratios: [8, 5, 4, 4],
      codebook_size: 2048,
      target_bandwidths: [2.2],
      use_causal_conv: false,
      use_conv_shortcut: false,
    };
    const config = readMusicgen({ text_encoder, audio_encoder, decoder }, 'MusicGen');
    const model = {
      name: 'MusicGen',
      config,
      weights: randomWeights(1),
      sampling: { ...SAMPLING, guidanceScale: 3 },
    } as unknown as MusicgenModel;
    return {
      model,
      async play(m, seconds, signal) {
        const progress = new Progress(undefined, signal, m);
        const request = { ...SAMPLING, guidanceScale: 3, ids: PROMPT, frames: 50 * seconds, seed: 1, precision: 'f32' as const };
        await decodeCodes(m, await drawCodes(m, request, progress, signal), progress, signal);
      },
    };
  };
  const small = { hidden_size: 1024, num_hidden_layers: 24, ffn_dim: 4096, num_attention_heads: 16 };
  const narrow = { hidden_size: 16, num_hidden_layers: 1, ffn_dim: 16, num_attention_heads: 2 };
  return {
    name: 'MusicGen',
    passes: /^step /,
    longest: Infinity,
    published: { size: 'small', shape: shape(T5_BASE, small, 64) as Shape },
    narrow: shape(T5_NARROW, narrow, 2) as Shape,
  };
}

type Widths = Pick<StableAudioConfig, 'dit' | 'conditioning' | 'vae' | 'text_encoder'>;

function stableShape(widths: Widths, rest: Omit<StableAudioConfig, keyof Widths>): Shape {
  const random = randomWeights(1);
  const config = { ...widths, ...rest };
  const weights = { at: (part: string) => random.at(part), check() {}, misfits: () => [], unused: () => [] };
  const model = { name: 'Stable Audio', config, weights } as unknown as StableAudioModel;
  return {
    model,
    async play(m, seconds, signal) {
      const { steps, guidanceScale } = config.presets;
      const progress = new Progress(undefined, signal, m);
      const request = { ids: PROMPT, endSeconds: seconds, frames: config.frames, steps, guidanceScale, seed: 1, precision: 'f32' as const };
      const machine = m as Machine<StableAudioModel>;
      const latents = await drawLatents(machine, request, progress, signal);
      const heard = Math.ceil((seconds * config.vae.sampling_rate) / 2048);
      await decodeLatents(machine, latents.subarray(0, heard * config.dit.in_channels), progress, signal);
    },
  };
}

const vaeOf = (channels: number, latents: number) => ({
  encoder_hidden_size: channels,
  downsampling_ratios: [2, 4, 4, 8, 8],
  channel_multiples: [1, 2, 4, 8, 16],
  decoder_channels: channels,
  decoder_input_channels: latents,
  audio_channels: 2,
  sampling_rate: 44_100,
});
const ditOf = (
  layers: number,
  heads: number,
  head: number,
  kv: number,
  cross: number,
  input: number,
  global: number,
  qk_norm: boolean,
) => ({
  in_channels: 64,
  num_layers: layers,
  attention_head_dim: head,
  num_attention_heads: heads,
  num_key_value_attention_heads: kv,
  cross_attention_dim: cross,
  cross_attention_input_dim: input,
  global_states_input_dim: global,
  time_proj_dim: 256,
  rotary_dim: Math.min(head, Math.max(head / 2, qk_norm ? 32 : 0)),
  qk_norm,
});

const stableSystem = (name: string, size: string, longest: number, shape: Shape, narrow: Shape): SystemShapes => ({
  name,
  passes: /^step /,
  longest,
  published: { size, shape },
  narrow,
});

function stableAudio(): SystemShapes {
  const rest: Omit<StableAudioConfig, keyof Widths> = {
    schedule: scheduleOf('v'),
    numbers: { start: { least: 0, most: 512 }, end: { least: 0, most: 512 } },
    frames: 1024,
    promptTokens: 128,
    presets: { steps: 100, guidanceScale: 7 },
  };
  const full = {
    text_encoder: t5Config(T5_BASE),
    dit: ditOf(24, 24, 64, 12, 768, 768, 1536, false),
    conditioning: 768,
    vae: vaeOf(128, 64),
  };
  const narrow = { text_encoder: t5Config(T5_NARROW), dit: ditOf(1, 2, 8, 2, 16, 16, 32, false), conditioning: 16, vae: vaeOf(2, 64) };
  return stableSystem('Stable Audio Open', '1.0', 47, stableShape(full, rest), stableShape(narrow, rest));
}

function stableAudioSmall(): SystemShapes {
  const rest: Omit<StableAudioConfig, keyof Widths> = {
    schedule: scheduleOf('rf_denoiser'),
    numbers: { end: { least: 0, most: 256 } },
    frames: 256,
    promptTokens: 64,
    presets: { steps: 8, guidanceScale: 1 },
  };
  const full = { text_encoder: t5Config(T5_BASE), dit: ditOf(16, 8, 128, 8, 1024, 768, 768, true), conditioning: 768, vae: vaeOf(128, 64) };
  const narrow = { text_encoder: t5Config(T5_NARROW), dit: ditOf(1, 2, 32, 2, 64, 16, 16, true), conditioning: 16, vae: vaeOf(2, 64) };
  return stableSystem('Stable Audio Open Small', 'small', 11, stableShape(full, rest), stableShape(narrow, rest));
}
