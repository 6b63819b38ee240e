// A model folder: its config, its tokenizer, its weights.
import { MAX_CHANNELS } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import type { AudioTowerConfig } from '../models/audio_tower.ts';
import type { DualPathConfig } from '../models/dual_path.ts';
import { airBins } from '../models/layers.ts';
import type { RvqConfig } from '../models/rvq.ts';
import type { SemanticEncoderConfig } from '../models/semantic_encoder.ts';
import type { CountedKeys, SemanticLmConfig } from '../models/semantic_lm.ts';
import type { TextTowerConfig } from '../models/text_tower.ts';
import type { RunningDecoderConfig, VaeDecoderConfig } from '../models/vae_decoder.ts';
import type { StftEncoderConfig, VaeEncoderConfig } from '../models/vae_encoder.ts';
import { MAX_VOCAB } from '../ops/sample.ts';
import type { ByteFolder, WeightsIdentity } from '../platform/bytes.ts';
import { readConfig, readSmall } from '../weights/config.ts';
import { type WeightSource, Weights } from '../weights/weights.ts';
import { layerFaults, sizeFaults } from './config_sizes.ts';
import { Tokenizer } from './stages/tokenizer.ts';

/** config.json: every rate and size. Names are the checkpoint's. See weights/FORMAT.md. */
export interface ModelConfig {
  readonly model_type: 'melody';
  readonly name?: string;
  readonly sample_rate: number; // Hz
  readonly channels?: number; // of the audio, default 1
  readonly hop_length: number; // samples a latent frame
  readonly frame_rate: number; // latent frames a second
  readonly token_rate: number; // semantic tokens a second
  readonly window_seconds: number;
  readonly chunks: number; // of one window
  readonly latent_dim: number;
  readonly sampling: {
    readonly steps: number;
    readonly guidance: number;
    readonly schedule: 'linear' | 'uniform';
    readonly temperature: number;
    readonly top_k: number;
    readonly top_p: number;
    readonly lm_guidance?: number;
  };
  readonly text_tower: TextTowerConfig;
  readonly audio_tower: AudioTowerConfig;
  readonly rvq: RvqConfig;
  readonly semantic_encoder: SemanticEncoderConfig;
  readonly semantic_lm: SemanticLmConfig;
  readonly dual_path: DualPathConfig;
  readonly vae_encoder: VaeEncoderConfig;
  readonly vae_decoder: VaeDecoderConfig;
}

export interface Model {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly weights: WeightSource;
  /** What names its very bytes, where it has a manifest. */
  readonly identity?: WeightsIdentity | undefined;
}

/** What its audio is, from the configuration. */
export const audioOf = ({ sample_rate, channels = 1 }: ModelConfig) => ({ sampleRate: sample_rate, channels });

const MAX_TOKENIZER_BYTES = 16 * 1024 * 1024;

/** Open a model folder; of the weights only headers are read. `begin` is called once its config fits together. Throws `weights` or `io`. */
export async function openModel(
  folder: ByteFolder,
  options: { signal?: AbortSignal | undefined; allowNonFinite?: boolean; begin?: () => void } = {},
): Promise<Model> {
  const config = checkConfig((await readConfig(folder, options.signal)) as unknown as ModelConfig, folder.name);
  options.begin?.();
  const identity = folder.identity?.(options.signal);
  identity?.catch(() => {}); // told below
  const source = await folder.open('tokenizer.json', options.signal);
  if (!source)
    throw new MelodyError('weights', `${folder.name}: no tokenizer.json`, 'name a model folder, for example weights/melody-small');
  const text = new TextDecoder('utf-8', { fatal: true }).decode(await readSmall(source, MAX_TOKENIZER_BYTES, options.signal));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MelodyError(
      'weights',
      `${source.name}: not JSON: ${(cause as Error).message}`,
      'fetch or export the model again, or use a newer melody',
    );
  }
  const tokenizer = new Tokenizer(parsed, source.name);
  const weights = await Weights.open(folder, { ...options, compact: true });
  // Too few layers would play, with a part of the network missing and no word about it.
  const layers = layerFaults(config, weights);
  if (layers.length > 0) throw configFault(folder.name, layers);
  return {
    name: config.name ?? folder.name,
    config: { ...config, text_tower: { ...config.text_tower, vocab: tokenizer.size } },
    tokenizer,
    weights,
    identity: await identity,
  };
}

type Agree = (a: string, x: unknown, b: string, y: unknown) => void;

const whole = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;

function checkRunning(c: ModelConfig, d: RunningDecoderConfig, wrong: string[], agree: Agree): void {
  const bins = d.fft_size / 2 + 1;
  agree('vae_decoder.sample_rate', d.sample_rate, 'sample_rate', c.sample_rate);
  agree('vae_decoder.fft_size', d.fft_size, '4 · hop_length / upsample', (4 * d.hop_length) / d.upsample);
  const { lowest, count, bins: tuned, smooth = 0, per_semitone = 1 } = d.pitches ?? {};
  const counted = whole(per_semitone, 1, 12) && whole(count, 1, 128 * per_semitone);
  if (!whole(lowest, 0, 127) || !counted || !whole(tuned, 1, bins) || !whole(smooth, 0, 64))
    wrong.push(
      `vae_decoder.pitches must have lowest (MIDI), count, bins up to ${bins} and perhaps smooth (frames) and per_semitone (1 to 12, up to 128 semitones in all); got ${JSON.stringify(d.pitches)}`,
    );
  if (!(d.reference_pitch >= 220 && d.reference_pitch <= 880))
    wrong.push(`vae_decoder.reference_pitch must be a number of Hz from 220 to 880; got ${JSON.stringify(d.reference_pitch)}`);
  if (d.directed !== undefined && !whole(d.directed, tuned ?? 1, bins))
    wrong.push(`vae_decoder.directed must be a whole number from pitches.bins to ${bins}; got ${JSON.stringify(d.directed)}`);
  agree('vae_decoder.channels', d.channels ?? 1, 'the number that vae_decoder.image makes', d.image ? 2 : 1);
  if (d.image && !whole(d.image.bands, 1, bins))
    wrong.push(`vae_decoder.image must have bands, a whole number up to ${bins}; got ${JSON.stringify(d.image)}`);
}

function checkHearing(c: ModelConfig, e: StftEncoderConfig, wrong: string[], agree: Agree): void {
  const { air, image, gain = 1, sample_rate, channels = 1 } = e;
  if (sample_rate !== undefined || air || image) agree('vae_encoder.sample_rate', sample_rate, 'sample_rate', c.sample_rate);
  if (e.channels !== undefined || image) agree('vae_encoder.channels', channels, 'channels', c.channels ?? 1);
  if (!(gain > 0 && gain <= 1e3)) wrong.push(`vae_encoder.gain must be a number from 0 to 1000; got ${JSON.stringify(gain)}`);
  if (air) {
    const [low, high] = airBins(e);
    const fits = whole(air.size, 2, 2 ** 16) && whole(air.hop, 1, air.size) && c.hop_length % air.hop === 0;
    if (!fits || !whole(air.bands, 1, high - low) || (high - low) % air.bands || low < 0 || high > air.size / 2 + 1)
      wrong.push(
        `vae_encoder.air must have size and hop of spectra, low and high (Hz) up to half the rate, and bands of equally many bins; ` +
          `got ${JSON.stringify(air)}, bins ${low} to ${high}`,
      );
  }
  if (image && !(channels === 2 && whole(image.size, c.hop_length, 2 ** 16) && whole(image.bands, 1, image.size / 2 + 1)))
    wrong.push(`vae_encoder.image must have size and bands, of a sound of 2 channels; got ${JSON.stringify(image)}, ${channels} channels`);
}

/** Sizes that must agree with each other, once each of the main ones is a number. */
function checkAgreement(c: ModelConfig, wrong: string[]): void {
  const agree: Agree = (a, x, b, y) => {
    if (x !== y) wrong.push(`${a} is ${JSON.stringify(x)}, ${b} is ${JSON.stringify(y)}; expected them equal`);
  };
  agree('hop_length · frame_rate', c.hop_length * c.frame_rate, 'sample_rate', c.sample_rate);
  agree('dual_path.frames_per_token · token_rate', c.dual_path.frames_per_token * c.token_rate, 'frame_rate', c.frame_rate);
  agree('dual_path.latent_dim', c.dual_path.latent_dim, 'latent_dim', c.latent_dim);
  agree('vae_decoder.latent_dim', c.vae_decoder.latent_dim, 'latent_dim', c.latent_dim);
  if (c.vae_decoder.kind === 'istft_running') checkRunning(c, c.vae_decoder, wrong, agree);
  if (c.vae_encoder?.kind === 'stft_convnext') checkHearing(c, c.vae_encoder, wrong, agree);
  const { kind, ...decoder } = c.vae_decoder;
  agree('vae_decoder.channels', (kind !== 'hifigan' && (decoder as { channels?: number }).channels) || 1, 'channels', c.channels ?? 1);
  agree('dual_path.words', c.dual_path.words, 'semantic_lm.words', c.semantic_lm.words);
  const { timbre_words, timbre_frames } = c.semantic_lm;
  if ((timbre_words ?? timbre_frames) !== undefined && !(whole(timbre_words, 1, MAX_VOCAB) && whole(timbre_frames, 1, 1024)))
    wrong.push(
      `semantic_lm.timbre_words and timbre_frames must be whole numbers up to ${MAX_VOCAB} and 1024; got ${JSON.stringify(timbre_words)}, ${JSON.stringify(timbre_frames)}`,
    );
  for (const part of ['dual_path', 'semantic_encoder'] as const)
    for (const field of ['timbre_words', 'timbre_frames'] as const)
      if (c[part]) agree(`${part}.${field}`, c[part][field], `semantic_lm.${field}`, c.semantic_lm[field]);
  agree('semantic_lm.style_levels', c.semantic_lm.style_levels, 'rvq.levels', c.rvq.levels);
  agree('semantic_lm.style_entries', c.semantic_lm.style_entries, 'rvq.entries', c.rvq.entries);
  agree('remainder of window frames / chunks', (c.window_seconds * c.frame_rate) % (c.chunks * c.dual_path.frames_per_token), 'zero', 0);
}

/** Sizes that must agree with each other; every disagreement is named at once. Throws `weights`. */
export function checkConfig(c: ModelConfig, name: string): ModelConfig {
  const wrong: string[] = [];
  const positive = (what: string, value: unknown) => {
    if (!Number.isInteger(value) || (value as number) < 1)
      wrong.push(`${what} must be a whole number over 0; got ${JSON.stringify(value)}`);
  };
  for (const part of ['text_tower', 'rvq', 'semantic_lm', 'dual_path', 'vae_decoder', 'sampling'] as const)
    if (typeof c[part] !== 'object' || c[part] === null) wrong.push(`${part} is missing`);
  for (const field of ['sample_rate', 'hop_length', 'frame_rate', 'token_rate', 'window_seconds', 'chunks', 'latent_dim'] as const)
    positive(field, c[field]);
  if (c.channels !== undefined) positive('channels', c.channels);
  if ((c.channels ?? 1) > MAX_CHANNELS) wrong.push(`channels must be at most ${MAX_CHANNELS}; got ${c.channels}`);
  wrong.push(...sizeFaults(c));
  if (wrong.length === 0)
    try {
      checkAgreement(c, wrong);
    } catch (cause) {
      wrong.push(`a field that must be a number cannot be calculated with: ${(cause as Error).message}`); // an object or a list
    }
  const { controls } = c.semantic_lm ?? {};
  if (controls !== undefined) {
    for (const field of ['ticks', 'tempo_per_octave', 'tempo_bins'] as const) positive(`semantic_lm.controls.${field}`, controls?.[field]);
    const metres: unknown = controls?.metres;
    if (!Array.isArray(metres) || metres.length === 0 || new Set(metres).size !== metres.length)
      wrong.push(`semantic_lm.controls.metres must be a list of different numbers of beats; got ${JSON.stringify(metres)}`);
    else for (const metre of metres) positive('every one of semantic_lm.controls.metres', metre);
    if (!(typeof controls?.tempo_low === 'number' && controls.tempo_low > 0))
      wrong.push(`semantic_lm.controls.tempo_low must be a number over 0; got ${JSON.stringify(controls?.tempo_low)}`);
    const instruments: unknown = controls?.instruments;
    const classes = typeof instruments === 'object' && instruments && !Array.isArray(instruments) ? Object.entries(instruments) : [];
    // JavaScript puts names that are numbers first: columns would be other classes' than PyTorch's.
    const fits = classes.length > 0 && classes.every(([name, phrases]) => typeof phrases === 'string' && !/^\d+$/.test(name));
    if (instruments !== undefined && !fits)
      wrong.push(
        `semantic_lm.controls.instruments must hold phrases for each class, whose name is no number; got ${JSON.stringify(instruments)}`,
      );
    const keys: unknown = controls?.counted_keys;
    const { held, left } = (keys || {}) as CountedKeys;
    if ((keys !== undefined && typeof keys !== 'boolean' && !(Number.isFinite(held) && Number.isFinite(left))) || (keys && !instruments))
      wrong.push(
        `semantic_lm.controls.counted_keys must be true or {held, left}, beside instruments, or false; got ${JSON.stringify(keys)}`,
      );
  }
  if (wrong.length) throw configFault(name, wrong);
  return c;
}

function configFault(name: string, lines: readonly string[]): MelodyError {
  const message = `${name}: config.json does not hold together:\n  ${lines.join('\n  ')}`;
  return new MelodyError('weights', message, 'fetch or export the model again, or use a newer melody');
}
