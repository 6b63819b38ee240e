// MusicGen, opened and ready: the counterpart of pipeline/melody.ts for a published system.
import { convertAudio, lengthOf, monoAt } from '../../audio/channels.ts';
import type { Engine } from '../../engine/engine.ts';
import { hopOf } from '../../models/encodec.ts';
import { checkAudio } from '../../pipeline/checks.ts';
import type { AudioInput } from '../../pipeline/options.ts';
import type { Progress } from '../../pipeline/progress.ts';
import type { StreamJob, StreamRecipe, SystemStream } from '../stream.ts';
import {
  bad,
  durationOf,
  flagOf,
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
import { Columns, windowOf } from './columns.ts';
import type { MusicgenModel, Sampling } from './model.ts';
import type { MusicgenMachine, Request } from './request.ts';
import { joined, SoundOfCodes, streamWindows } from './sound.ts';
import { decodeCodes, drawCodes, encodeSound } from './stages.ts';

/** What to play, and how. */
export interface MusicgenOptions extends Partial<{ [Name in keyof Sampling]: Sampling[Name] | undefined }>, JobOptions {
  /** What to play, in words. Needed. */
  prompt?: string | undefined;
  /** Length in seconds, exact to the sample, at most 600; of a stream any. Default 10, of a stream none. Over 30 it is made by windows, each of which hears 12 s of the one before. */
  durationSeconds?: number | undefined;
  /** Equal seeds give equal music. Default: drawn. */
  seed?: number | undefined;
  /** Sound to go on from: its last 12 s are heard, and the clip begins where it ends, at its rate and with its channels. */
  continueFrom?: AudioInput | undefined;
  /** A tune to follow, which MusicGen Melody alone can: it hears the strongest pitch of every frame, and the tune again where the piece is longer. */
  melody?: AudioInput | undefined;
  /** With continueFrom: the clip has its rate and channels. Default true; false gives the model's own. */
  keepGiven?: boolean | undefined;
  /** Begin as a stream without an end does, which knows no end to lead to: for its recipe. Default false. */
  wholeWindows?: boolean | undefined;
}

/** Everything that decides the samples of a clip: `generate` of it makes them again. */
export interface MusicgenRecipe extends Sampling, SystemRecipe {
  readonly system: 'musicgen';
  /** The beginning of a stream that had no end. */
  readonly wholeWindows?: boolean;
}

/** A clip is held as a whole, and measured. */
const LONGEST = 600;
/** Seconds of a stream that come together. */
const CHUNK_SECONDS = 1;
/** Of a stream that has an end. */
const MOST_SECONDS = 1e6;
/** Tokens of a prompt. */
const MOST_TOKENS = 512;
const SPAN = { style: [0, 0.01], tokens: [0.01, 0.9], diffusion: [0.9, 0.9], decoding: [0.9, 1] } as const;
const SETTINGS = [
  'prompt',
  'durationSeconds',
  'seed',
  'guidanceScale',
  'temperature',
  'topK',
  'topP',
  'continueFrom',
  'melody',
  'keepGiven',
  'wholeWindows',
];

/** What its networks hear: ids of the prompt, sound to go on from, and a tune. */
interface Inputs {
  readonly ids: readonly number[];
  readonly given: Float32Array[] | undefined;
  readonly tune: Float32Array | undefined;
}

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
    const recipe: MusicgenRecipe = {
      ...this.#resolve(options),
      ...(flagOf(options, 'wholeWindows', false) && { wholeWindows: true }),
      ...(options.continueFrom && { keepGiven: flagOf(options, 'keepGiven', true) }),
      durationSeconds: durationOf(options, LONGEST, 10, this.sampleRate),
    };
    const [job, inputs] = this.#inputs(options);
    return { recipe, ...job, make: (m: MusicgenMachine, progress, signal) => this.#make(m, recipe, inputs, progress, signal) };
  }

  /**
   * Endless music, or `durationSeconds` of it, a second at a time: `for await (const { channels } of music.stream({ prompt }))`. It is the music that
   * `generate` makes of its recipe; every 18 s a new window first reads 12 s of the one before, which takes a while. Its rate and channels are the model's.
   * @throws MelodyError `invalid_argument` at once; as `generate`, when it is iterated
   */
  override stream(options: MusicgenOptions): SystemStream<MusicgenRecipe> {
    const asked = this.#resolve(options);
    const { durationSeconds } = options;
    const length =
      durationSeconds === undefined || durationSeconds === null
        ? {}
        : { durationSeconds: durationOf(options, MOST_SECONDS, 0, this.sampleRate) };
    const recipe: StreamRecipe<MusicgenRecipe> = { ...asked, ...length };
    const [job, inputs] = this.#inputs(options);
    const stream: StreamJob<MusicgenRecipe> = {
      recipe,
      ...job,
      channels: this.engine.model.config.decoder.audio_channels,
      sampleRate: this.sampleRate,
      play: (m: MusicgenMachine, progress, signal, interrupted) => this.#play(m, recipe, inputs, progress, signal, interrupted),
    };
    return this.streamOf(stream, options);
  }

  /** What a job says of its options, and what the networks hear of them. Throws `invalid_argument`. */
  #inputs(options: MusicgenOptions): [job: Pick<Job<MusicgenRecipe>, 'unknown' | 'continueFrom'>, inputs: Inputs] {
    const { continueFrom } = options;
    const { ids, unknown } = idsOf(this.engine.model.tokenizer, 'prompt', promptOf(options), MOST_TOKENS);
    return [
      { unknown, ...(continueFrom && { continueFrom }) },
      { ids, given: this.#given(options), tune: this.#tune(options) },
    ];
  }

  async *#play(
    m: MusicgenMachine,
    recipe: StreamRecipe<MusicgenRecipe>,
    { ids, given, tune }: Inputs,
    progress: Progress,
    signal: AbortSignal | undefined,
    interrupted: () => boolean,
  ): AsyncGenerator<Float32Array[]> {
    const { hop, sampleRate } = this;
    let before = lengthOf(given ?? []); // samples of the given sound, which nobody hears again
    let left = Math.round((recipe.durationSeconds ?? Infinity) * sampleRate);
    const known = given && (await m.resilient(() => encodeSound(m, given, signal)));
    const fresh = Math.max(1, Math.round((CHUNK_SECONDS * sampleRate) / hop));
    const windows = streamWindows(m.model, fresh);
    const request: Request = { ...recipe, ids, frames: Math.ceil((before + left) / hop), ...(known && { known }), ...(tune && { tune }) };
    const columns = new Columns(m, request);
    const sound = new SoundOfCodes(m, windows);
    const draw = (frames: number) =>
      m.resilient(async () => {
        try {
          return await columns.more(frames, () => {}, signal);
        } catch (error) {
          columns.forget(); // what is on a device that was lost is lost
          throw error;
        }
      });
    for (let codes = known; left > 0; codes = undefined) {
      if (interrupted()) columns.forget();
      codes ??= await progress.during('tokens', () => draw(columns.there === 0 ? windows.frames : fresh));
      const parts = await progress.during('decoding', () => sound.add(codes as Uint32Array, columns.over, () => {}, signal));
      const heard = parts.map((channel) => channel.slice(before, before + left));
      before = Math.max(0, before - lengthOf(parts));
      const length = lengthOf(heard);
      left -= length;
      if (length > 0) yield heard;
    }
  }

  async #make(
    m: MusicgenMachine,
    recipe: MusicgenRecipe,
    inputs: Inputs,
    progress: Progress,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    const samples = Math.round(recipe.durationSeconds * this.sampleRate);
    if (recipe.wholeWindows) {
      const endless = this.#play(m, { ...recipe, durationSeconds: undefined }, inputs, progress, signal, () => false);
      return beginningOf(endless, samples);
    }
    const { ids, given, tune } = inputs;
    const before = lengthOf(given ?? []);
    const frames = Math.ceil((before + samples) / this.hop);
    const known = given && (await m.resilient(() => encodeSound(m, given, signal)));
    const request: Request = { ...recipe, ids, frames, ...(known && { known }), ...(tune && { tune }) };
    const codes = await m.resilient(() => drawCodes(m, request, progress, signal));
    const sound = await progress.during('decoding', () => decodeCodes(m, codes, progress, signal));
    return sound.map((channel) => channel.slice(before, before + samples));
  }

  /** The end of the sound to go on from, as the model has sound: whole frames, as many as a window hears. Throws `invalid_argument`. */
  #given({ continueFrom }: MusicgenOptions): Float32Array[] | undefined {
    if (continueFrom === undefined) return undefined;
    checkAudio(continueFrom, 'continueFrom');
    const { model } = this.engine;
    const sound = convertAudio(continueFrom, this.sampleRate, model.config.decoder.audio_channels);
    const { hop } = this;
    const frames = Math.min(Math.floor(lengthOf(sound) / hop), windowOf(model).shared);
    if (frames < 1) throw bad(`continueFrom: it lasts ${lengthOf(sound)} samples, expected at least ${hop} at ${this.sampleRate} Hz`);
    return sound.map((channel) => channel.slice(channel.length - frames * hop));
  }

  /** The tune to follow as the model hears it. Throws `invalid_argument`. */
  #tune({ melody, continueFrom }: MusicgenOptions): Float32Array | undefined {
    if (melody === undefined) return undefined;
    const { chroma } = this.engine.model;
    if (!chroma) throw bad(`melody: ${this.name} follows words alone`, 'leave it out, or load a MusicGen Melody');
    checkAudio(melody, 'melody');
    if (continueFrom) throw bad('melody and continueFrom are both given; a piece follows a tune or goes on from sound', 'leave one out');
    return monoAt(melody, chroma.sampling_rate);
  }

  #resolve(options: MusicgenOptions): Omit<MusicgenRecipe, 'durationSeconds'> {
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
      seed: seedOf(options),
      guidanceScale: numberOf(options, 'guidanceScale', 0, 20, sampling.guidanceScale),
      temperature: numberOf(options, 'temperature', 0, 100, sampling.temperature),
      topK: numberOf(options, 'topK', 0, 2 ** 32 - 1, sampling.topK, true),
      topP,
    };
  }
}

/** So many samples of what comes in parts. */
async function beginningOf(parts: AsyncIterable<Float32Array[]>, samples: number): Promise<Float32Array[]> {
  let sound: Float32Array[] = [];
  for await (const part of parts) {
    sound = part.map((channel, c) => joined(sound[c] ?? new Float32Array(), channel));
    if (lengthOf(sound) >= samples) break;
  }
  return sound.map((channel) => channel.slice(0, samples));
}
