// MusicGen, opened and ready: the counterpart of pipeline/melody.ts for a published system.
import { convertAudio } from '../../audio/channels.ts';
import type { Engine } from '../../engine/engine.ts';
import { hopOf } from '../../models/encodec.ts';
import { checkAudio } from '../../pipeline/checks.ts';
import type { AudioInput } from '../../pipeline/options.ts';
import type { Progress } from '../../pipeline/progress.ts';
import {
  bad,
  durationOf,
  idsOf,
  type Job,
  type JobOptions,
  numberOf,
  openEngine,
  PublishedSystem,
  promptOf,
  type Span,
  type SystemOptions,
  type SystemRecipe,
  seedOf,
} from '../system.ts';
import type { MusicgenModel, Sampling } from './model.ts';
import type { MusicgenMachine, Request } from './request.ts';
import { decodeCodes, drawCodes, encodeSound, windowOf } from './stages.ts';

/** What to play, and how. */
export interface MusicgenOptions extends Partial<Sampling>, JobOptions {
  /** What to play, in words. Needed. */
  prompt?: string;
  /** Length in seconds, exact to the sample, at most 120. Default 10. Over 30 it is made by windows, each of which hears 12 s of the one before. */
  durationSeconds?: number;
  /** Equal seeds give equal music. Default: drawn. */
  seed?: number;
  /** Sound to go on from: its last 12 s are heard, and the clip begins where it ends, at its rate and with its channels. */
  continueFrom?: AudioInput;
  /** A tune to follow, which MusicGen Melody alone can: it hears the strongest pitch of every frame, and the tune again where the piece is longer. */
  melody?: AudioInput;
}

/** Everything that decides the samples of a clip: `generate` of it makes them again. */
export interface MusicgenRecipe extends Sampling, SystemRecipe {
  readonly system: 'musicgen';
}

/** The codec's memory goes over the whole piece, in one tensor. */
const LONGEST = 120;
/** Tokens of a prompt. */
const MOST_TOKENS = 512;
const SPAN = { style: [0, 0.01], tokens: [0.01, 0.9], diffusion: [0.9, 0.9], decoding: [0.9, 1] } as const;
const SETTINGS = ['prompt', 'durationSeconds', 'seed', 'guidanceScale', 'temperature', 'topK', 'topP', 'continueFrom', 'melody'];

/** MusicGen (Copet et al. 2023, arXiv 2306.05284), mono or stereo, from a folder in transformers' layout. Opened by `loadSystem`; makes one piece at a time. */
export class MusicGen extends PublishedSystem<MusicgenOptions, MusicgenRecipe> {
  /** Over a model that was opened. @internal */
  static async over(model: MusicgenModel, options: SystemOptions = {}): Promise<MusicGen> {
    return new MusicGen(await openEngine(model, options), options);
  }

  /** The engine below. @internal */
  override get engine(): Engine<MusicgenModel> {
    return super.engine as Engine<MusicgenModel>;
  }

  get system(): 'musicgen' {
    return 'musicgen';
  }

  get sampleRate(): number {
    return this.engine.model.config.audio_encoder.sampling_rate;
  }

  protected get hop(): number {
    return hopOf(this.engine.model.config.audio_encoder);
  }

  /** A clip that runs every network. @internal */
  protected get shortest(): MusicgenOptions {
    return { prompt: 'music', durationSeconds: this.hop / this.sampleRate, seed: 0 };
  }

  /** Shares of the stages. @internal */
  protected get span(): Span {
    return SPAN;
  }

  /** Checks what is asked for. @internal */
  protected prepare(options: MusicgenOptions): Job<MusicgenRecipe> {
    const recipe = this.#resolve(options);
    const { ids, unknown } = idsOf(this.engine.model.tokenizer, 'prompt', recipe.prompt, MOST_TOKENS);
    const given = this.#given(options);
    const tune = this.#tune(options);
    const { continueFrom } = options;
    return {
      recipe,
      unknown,
      ...(continueFrom && { continueFrom }),
      make: (m: MusicgenMachine, progress, signal) => this.#make(m, recipe, ids, given, tune, progress, signal),
    };
  }

  async #make(
    m: MusicgenMachine,
    recipe: MusicgenRecipe,
    ids: readonly number[],
    given: Float32Array[] | undefined,
    tune: Float32Array | undefined,
    progress: Progress,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    const samples = Math.round(recipe.durationSeconds * this.sampleRate);
    const before = given?.[0]?.length ?? 0;
    const frames = Math.ceil((before + samples) / this.hop);
    const known = given && (await m.resilient(() => encodeSound(m, given, signal)));
    const request: Request = { ...recipe, ids, frames, ...(known && { known }), ...(tune && { tune }) };
    const codes = await m.resilient(() => drawCodes(m, request, progress, signal));
    const sound = await m.resilient(() => progress.during('decoding', () => decodeCodes(m, codes, progress, signal)));
    return sound.map((channel) => channel.slice(before, before + samples));
  }

  /** The end of the sound to go on from, as the model has sound: whole frames, as many as a window hears. Throws `invalid_argument`. */
  #given({ continueFrom }: MusicgenOptions): Float32Array[] | undefined {
    if (continueFrom === undefined) return undefined;
    checkAudio(continueFrom, 'continueFrom');
    const { model } = this.engine;
    const sound = convertAudio(continueFrom, this.sampleRate, model.config.decoder.audio_channels);
    const { hop } = this;
    const frames = Math.min(Math.floor(sound[0].length / hop), windowOf(model).shared);
    if (frames < 1) throw bad(`continueFrom: it lasts ${sound[0].length} samples, expected at least ${hop} at ${this.sampleRate} Hz`);
    return sound.map((channel) => channel.slice(channel.length - frames * hop));
  }

  /** The tune to follow as the model hears it. Throws `invalid_argument`. */
  #tune({ melody, continueFrom }: MusicgenOptions): Float32Array | undefined {
    if (melody === undefined) return undefined;
    const { chroma } = this.engine.model;
    if (!chroma) throw bad(`melody: ${this.name} follows words alone`, 'leave it out, or load a MusicGen Melody');
    checkAudio(melody, 'melody');
    if (continueFrom) throw bad('melody and continueFrom are both given; a piece follows a tune or goes on from sound', 'leave one out');
    return convertAudio(melody, chroma.sampling_rate, 1)[0];
  }

  #resolve(options: MusicgenOptions): MusicgenRecipe {
    this.checkNames(options, SETTINGS, 'MusicGen');
    const { sampling } = this.engine.model;
    const topP = numberOf(options, 'topP', 0, 1, sampling.topP);
    if (topP === 0) throw bad('topP must be over 0; got 0');
    return {
      version: 1,
      system: 'musicgen',
      model: this.name,
      precision: this.precision,
      prompt: promptOf(options),
      durationSeconds: durationOf(options, LONGEST, 10, this.sampleRate),
      seed: seedOf(options),
      guidanceScale: numberOf(options, 'guidanceScale', 0, 20, sampling.guidanceScale),
      temperature: numberOf(options, 'temperature', 0, 100, sampling.temperature),
      topK: numberOf(options, 'topK', 0, 2 ** 32 - 1, sampling.topK, true),
      topP,
    };
  }
}
