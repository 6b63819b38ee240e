// config.json of MusicGen and of its parts in transformers' layout, with that library's defaults (5.24.0).
import { codebooksOf, type EncodecConfig, hopOf } from '../../models/encodec.ts';
import type { MusicgenDecoderConfig } from '../../models/musicgen_decoder.ts';
import type { T5EncoderConfig } from '../../models/t5_encoder.ts';
import type { JsonObject } from '../../weights/json.ts';
import { Fields } from '../fields.ts';
import type { ChromaConfig } from './chroma.ts';

export interface MusicgenConfig {
  readonly text_encoder: T5EncoderConfig;
  readonly audio_encoder: EncodecConfig;
  readonly decoder: MusicgenDecoderConfig;
  /** Of MusicGen Melody: pitch classes, and frames of a tune that are read. */
  readonly melody?: { readonly num_chroma: number; readonly chroma_length: number };
}

/** model_type of MusicGen Melody. */
export const MELODY = 'musicgen_melody';

/** Words that the sampler sorts at most. */
const MOST_WORDS = 2048;
/** Samples of a frame, and codebooks, at most: EnCodec has 640 and 32. */
const MOST_HOP = 2 ** 16;
const MOST_CODEBOOKS = 256;

/** Reads and checks the whole. Throws `weights` with every fault. */
export function readMusicgen(json: JsonObject, where: string): MusicgenConfig {
  const f = new Fields(json);
  const config = {
    text_encoder: t5Of(f.part('text_encoder')),
    audio_encoder: encodecOf(f.part('audio_encoder')),
    decoder: decoderOf(f.part('decoder')),
    ...(json.model_type === MELODY && {
      melody: { num_chroma: f.whole('num_chroma', 12, 1, 256), chroma_length: f.whole('chroma_length', 235, 1, 4096) },
    }),
  };
  const { decoder, audio_encoder: codec } = config;
  const own = codebooksOf(codec) * decoder.audio_channels;
  f.expect(
    codec.audio_channels === 1,
    `audio_encoder.audio_channels is ${codec.audio_channels}; expected 1, of which a stereo decoder uses two`,
  );
  f.expect(
    decoder.audio_channels === 1 ? own >= decoder.num_codebooks : own === decoder.num_codebooks, // a mono decoder may use the first of them
    `decoder.num_codebooks is ${decoder.num_codebooks}; the codec has ${own} of them for ${decoder.audio_channels} channels`,
  );
  f.expect(
    codec.norm_type === 'weight_norm',
    `audio_encoder.norm_type is ${codec.norm_type}, whose norms go over all of a piece; expected weight_norm, whose sound can be made in parts`,
  );
  f.expect(
    !f.part('audio_encoder').flag('normalize', false),
    'audio_encoder.normalize is true; expected false, since codes say nothing of how loud a piece is',
  );
  f.expect(
    codec.codebook_size === decoder.vocab_size,
    `decoder.vocab_size is ${decoder.vocab_size}, audio_encoder.codebook_size is ${codec.codebook_size}; expected them equal`,
  );
  f.check(where);
  return config;
}

/** How a tune is heard: of preprocessor_config.json, or of the part feature_extractor of processor_config.json. Throws `weights` with every fault. */
export function readChroma(
  json: JsonObject | undefined,
  { melody, audio_encoder }: MusicgenConfig,
  where: string,
): ChromaConfig | undefined {
  if (!melody) return undefined;
  const { num_chroma } = melody;
  const f = new Fields(json ?? {});
  const config = {
    sampling_rate: f.whole('sampling_rate', audio_encoder.sampling_rate, 1000, 192_000),
    n_fft: f.whole('n_fft', 16_384, 4, 2 ** 20),
    hop_length: f.whole('hop_length', 4096),
    chunk_length: f.whole('chunk_length', 30, 1, 3600),
    num_chroma,
  };
  const heard = f.whole('num_chroma', num_chroma);
  f.expect(heard === num_chroma, `num_chroma is ${heard}, that of config.json ${num_chroma}; expected them equal`);
  f.expect((config.n_fft & (config.n_fft - 1)) === 0, `n_fft is ${config.n_fft}; expected a power of two`);
  f.check(where, 'preprocessor_config.json');
  return config;
}

/** EnCodec by itself. Throws `weights` with every fault. */
export function readEncodec(json: JsonObject, where: string): EncodecConfig {
  const f = new Fields(json);
  const config = encodecOf(f);
  f.check(where);
  return config;
}

/** T5's encoder. */
export function t5Of(f: Fields): T5EncoderConfig {
  f.word('model_type', 't5', ['t5']);
  return {
    vocab_size: f.whole('vocab_size', 32_128),
    d_model: f.whole('d_model', 512),
    d_kv: f.whole('d_kv', 64),
    d_ff: f.whole('d_ff', 2048),
    num_layers: f.whole('num_layers', 6, 1, 256),
    num_heads: f.whole('num_heads', 8),
    relative_attention_num_buckets: f.whole('relative_attention_num_buckets', 32, 4, 4096),
    relative_attention_max_distance: f.whole('relative_attention_max_distance', 128, 2),
    layer_norm_epsilon: f.number('layer_norm_epsilon', 1e-6, 0, 1),
    feed_forward_proj: f.word('feed_forward_proj', 'relu', ['relu', 'gelu', 'silu', 'gated-relu', 'gated-gelu', 'gated-silu']),
  };
}

function encodecOf(f: Fields): EncodecConfig {
  f.word('model_type', 'encodec', ['encodec']);
  const hidden = f.whole('hidden_size', 128);
  const config: EncodecConfig = {
    sampling_rate: f.whole('sampling_rate', 24_000, 1000, 192_000),
    audio_channels: f.whole('audio_channels', 1, 1, 2),
    hidden_size: hidden,
    num_filters: f.whole('num_filters', 32),
    num_residual_layers: f.whole('num_residual_layers', 1, 0, 16),
    upsampling_ratios: f.numbers('upsampling_ratios', [8, 5, 4, 2], 1, 64),
    norm_type: f.word('norm_type', 'weight_norm', ['weight_norm', 'time_group_norm']),
    kernel_size: f.whole('kernel_size', 7, 1, 64),
    last_kernel_size: f.whole('last_kernel_size', 7, 1, 64),
    residual_kernel_size: f.whole('residual_kernel_size', 3, 1, 64),
    dilation_growth_rate: f.whole('dilation_growth_rate', 2, 1, 16),
    use_causal_conv: f.flag('use_causal_conv', true),
    pad_mode: f.word('pad_mode', 'reflect', ['reflect', 'constant', 'zero']),
    compress: f.whole('compress', 2),
    num_lstm_layers: f.whole('num_lstm_layers', 2, 0, 16),
    trim_right_ratio: f.number('trim_right_ratio', 1, 0, 1),
    codebook_size: f.whole('codebook_size', 1024, 2),
    codebook_dim: f.whole('codebook_dim', hidden),
    use_conv_shortcut: f.flag('use_conv_shortcut', true),
    target_bandwidths: f.numbers('target_bandwidths', [1.5, 3, 6, 12, 24], 0, 1e4),
  };
  f.expect(config.upsampling_ratios.every(Number.isInteger), 'upsampling_ratios must be whole numbers');
  f.expect(config.codebook_dim === hidden, `codebook_dim is ${config.codebook_dim}, hidden_size ${hidden}; expected them equal`);
  f.expect(hopOf(config) <= MOST_HOP, `upsampling_ratios make frames of ${hopOf(config)} samples; expected at most ${MOST_HOP}`);
  f.expect(
    codebooksOf(config) >= 1 && codebooksOf(config) <= MOST_CODEBOOKS,
    `target_bandwidths make ${codebooksOf(config)} codebooks: ${JSON.stringify(config.target_bandwidths)} at ${hopOf(config)} samples a frame; expected 1 to ${MOST_CODEBOOKS}`,
  );
  return config;
}

function decoderOf(f: Fields): MusicgenDecoderConfig {
  const config: MusicgenDecoderConfig = {
    vocab_size: f.whole('vocab_size', 2048, 1, MOST_WORDS),
    hidden_size: f.whole('hidden_size', 1024, 4),
    num_hidden_layers: f.whole('num_hidden_layers', 24, 1, 256),
    ffn_dim: f.whole('ffn_dim', 4096),
    num_attention_heads: f.whole('num_attention_heads', 16),
    num_codebooks: f.whole('num_codebooks', 4, 1, 64),
    audio_channels: f.whole('audio_channels', 1, 1, 2) as 1 | 2,
    activation_function: f.word('activation_function', 'gelu', ['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu', 'silu', 'swish']),
  };
  const { hidden_size, num_attention_heads, audio_channels, num_codebooks } = config;
  f.expect(
    hidden_size % num_attention_heads === 0,
    `hidden_size ${hidden_size} does not split into num_attention_heads ${num_attention_heads}`,
  );
  f.expect(num_codebooks % audio_channels === 0, `num_codebooks ${num_codebooks} do not split into audio_channels ${audio_channels}`);
  return config;
}
