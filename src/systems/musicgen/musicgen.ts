// MusicGen, opened and ready: the counterpart of pipeline/melody.ts for a published system.
import { platform } from '#platform';
import { convertAudio } from '../../audio/channels.ts';
import { type ClipReport, measureClip } from '../../audio/measure.ts';
import { Engine, type EngineOptions } from '../../engine/engine.ts';
import { checkRoom, forecast, type MemoryForecast } from '../../engine/memory.ts';
import { MelodyError } from '../../errors.ts';
import { hopOf } from '../../models/encodec.ts';
import { checkAudio } from '../../pipeline/checks.ts';
import type { LoadOptions } from '../../pipeline/melody.ts';
import type { AudioInput, MelodyEvent } from '../../pipeline/options.ts';
import { Progress, type Timings } from '../../pipeline/progress.ts';
import type { MusicgenModel, Sampling } from './model.ts';
import { decodeCodes, drawCodes, encodeSound, idsOf, type MusicgenMachine, type Request, windowOf } from './stages.ts';

/** How a published system is opened. */
export interface SystemOptions extends Omit<LoadOptions, 'queue'> {
  /** How the matrices of language models lie in memory. Default 'f16' on a GPU, which halves it; 'f32' on the CPU, whose kernels know no other. */
  precision?: 'f32' | 'f16';
}

/** What to play, and how. */
export interface MusicgenOptions extends Partial<Sampling> {
  /** What to play, in words. */
  prompt: string;
  /** Length in seconds, exact to the sample, at most 120. Default 10. Over 30 it is made by windows, each of which hears 12 s of the one before. */
  durationSeconds?: number;
  /** Equal seeds give equal music. Default: drawn. */
  seed?: number;
  /** Sound to go on from: its last 12 s are heard, and the clip begins where it ends. */
  continueFrom?: AudioInput;
  /** Aborts the job; it then throws `aborted`. */
  signal?: AbortSignal;
  /** Called with progress and warnings while the job runs. */
  onEvent?: (event: MelodyEvent) => void;
}

/** Everything that decides the samples of a clip: `generate` of it makes them again. */
export interface MusicgenRecipe extends Sampling {
  /** Version of the form of recipes. */
  readonly version: 1;
  /** Tells systems apart. */
  readonly system: 'musicgen';
  /** Name of the model. */
  readonly model: string;
  /** How its matrices lay in memory. */
  readonly precision: 'f32' | 'f16';
  /** What was asked for. */
  readonly prompt: string;
  /** Length in seconds. */
  readonly durationSeconds: number;
  /** Seed of the draws. */
  readonly seed: number;
}

/** A finished piece of a published system. */
export interface SystemClip {
  /** One array a channel, of one length, full scale −1…1. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz: the model's own. */
  readonly sampleRate: number;
  /** What makes the same samples again. */
  readonly recipe: MusicgenRecipe;
  /** What was measured on the samples. */
  readonly report: ClipReport;
  /** What it took to make. */
  readonly timings: Timings;
}

/** The codec's memory goes over the whole piece, in one tensor. */
const LONGEST = 120;
const SPAN = { style: [0, 0.01], tokens: [0.01, 0.9], diffusion: [0.9, 0.9], decoding: [0.9, 1] } as const;
const SETTINGS = ['prompt', 'durationSeconds', 'seed', 'guidanceScale', 'temperature', 'topK', 'topP'];
/** Who watches, and what of a recipe only names it. */
const OTHERS = ['continueFrom', 'signal', 'onEvent', 'version', 'system', 'model', 'precision'];

interface Job {
  readonly recipe: MusicgenRecipe;
  readonly ids: readonly number[];
  readonly given: Float32Array[] | undefined;
}

/** MusicGen (Copet et al. 2023, arXiv 2306.05284), mono or stereo, from a folder in transformers' layout. Opened by `loadSystem`; makes one piece at a time. */
export class MusicGen {
  readonly #engine: Engine<MusicgenModel>;
  /** How the matrices lie in memory. */
  readonly precision: 'f32' | 'f16';
  #busy = false;

  private constructor(engine: Engine<MusicgenModel>, precision: 'f32' | 'f16') {
    this.#engine = engine;
    this.precision = precision;
  }

  /** Over a model that was opened. @internal */
  static async over(model: MusicgenModel, options: SystemOptions = {}): Promise<MusicGen> {
    const entry = async () => (options.gpu as GPU | undefined) ?? platform.openGpu();
    const settings: EngineOptions = { device: options.gpu ? 'gpu' : 'auto', ...options };
    const engine = await Engine.open(model, entry, settings);
    return new MusicGen(engine, options.precision ?? (engine.device.caps.executor === 'cpu' ? 'f32' : 'f16'));
  }

  /** Name of the system. */
  get system(): 'musicgen' {
    return 'musicgen';
  }

  /** Name of the model. */
  get name(): string {
    return this.#engine.model.name;
  }

  /** What the weights allow, as their model card or their publisher says. */
  get licence(): string {
    return this.#engine.model.licence;
  }

  /** Samples a second, Hz. */
  get sampleRate(): number {
    return this.#engine.model.config.audio_encoder.sampling_rate;
  }

  /** The engine below, for measurements. @internal */
  get engine(): Engine<MusicgenModel> {
    return this.#engine;
  }

  /**
   * Makes one clip with the model's sample rate and channels, exactly `durationSeconds` long.
   * @throws MelodyError `invalid_argument` before any work, `busy` while another job runs, `out_of_memory`, `aborted`, `device_lost`
   */
  async generate(options: MusicgenOptions): Promise<SystemClip> {
    const recipe = this.#resolve(options);
    const { ids, unknown } = idsOf(this.#engine.model, recipe.prompt);
    const { signal } = options;
    const given = this.#given(options);
    return this.#exclusive(signal, async () => {
      const engine = this.#engine;
      const predicted = await this.#forecast({ recipe, ids, given }, signal);
      checkRoom(engine, predicted);
      const { memory } = engine.device;
      memory.peakBytes = memory.bytes; // of this job alone
      const progress = new Progress(options.onEvent, signal, engine, SPAN);
      if (unknown.length > 0)
        progress.warn('unknown_words', `the model does not know ${unknown.map((part) => JSON.stringify(part)).join(', ')}`);
      const channels = await this.#make(engine, { recipe, ids, given }, progress, signal);
      const codec = engine.model.config.audio_encoder;
      const report = measureClip(channels, this.sampleRate, { periods: [hopOf(codec)], frameRate: this.sampleRate / hopOf(codec) });
      if (report.suspect.length) progress.warn('suspect_output', `the clip may be broken: ${report.suspect.join('; ')}`);
      return { channels, sampleRate: this.sampleRate, recipe, report, timings: progress.finish(recipe.durationSeconds, memory.peakBytes) };
    });
  }

  /**
   * Predicts the memory that `generate` with these options would take, in bytes; nothing is run or loaded.
   * @throws MelodyError `invalid_argument`
   */
  async predictMemory(options: MusicgenOptions): Promise<MemoryForecast> {
    const recipe = this.#resolve(options);
    return this.#forecast({ recipe, ids: idsOf(this.#engine.model, recipe.prompt).ids, given: this.#given(options) }, options.signal);
  }

  /** Frees the device and all on it. What runs ends with `aborted`, and so does every later call. */
  dispose(): void {
    this.#engine.dispose();
  }

  async #make(m: MusicgenMachine, { recipe, ids, given }: Job, progress: Progress, signal?: AbortSignal): Promise<Float32Array[]> {
    const hop = hopOf(m.model.config.audio_encoder);
    const samples = Math.round(recipe.durationSeconds * this.sampleRate);
    const before = given ? given[0].length : 0;
    const frames = Math.ceil((before + samples) / hop);
    const known = given && (await m.resilient(() => encodeSound(m, given, signal)));
    const request: Request = { ...recipe, ids, half: this.precision === 'f16', frames, ...(known && { known }) };
    const codes = await m.resilient(() => drawCodes(m, request, progress, signal));
    const sound = await m.resilient(() => progress.during('decoding', () => decodeCodes(m, codes, progress, signal)));
    return sound.map((channel) => channel.slice(before, before + samples));
  }

  #forecast(job: Job, signal?: AbortSignal): Promise<MemoryForecast> {
    return forecast(this.#engine, signal, (m) => this.#make(m, job, new Progress(undefined, signal, m, SPAN), signal));
  }

  /** The end of the sound to go on from, as the model has sound: whole frames, as many as a window hears. Throws `invalid_argument`. */
  #given({ continueFrom }: MusicgenOptions): Float32Array[] | undefined {
    if (continueFrom === undefined) return undefined;
    checkAudio(continueFrom, 'continueFrom');
    const { model } = this.#engine;
    const { decoder, audio_encoder } = model.config;
    const sound = convertAudio(continueFrom, this.sampleRate, decoder.audio_channels);
    const hop = hopOf(audio_encoder);
    const frames = Math.min(Math.floor(sound[0].length / hop), windowOf(model).shared);
    if (frames < 1) throw bad(`continueFrom: it lasts ${sound[0].length} samples, expected at least ${hop} at ${this.sampleRate} Hz`);
    return sound.map((channel) => channel.slice(channel.length - frames * hop));
  }

  #resolve(options: MusicgenOptions): MusicgenRecipe {
    for (const [name, value] of Object.entries(options))
      if (!SETTINGS.includes(name) && !OTHERS.includes(name) && value !== undefined && value !== null)
        throw bad(`MusicGen has no setting ${name}; it has ${SETTINGS.join(', ')}`, 'leave it out, or use a MeLoDy model');
    const { precision } = options as { precision?: unknown };
    if (precision !== undefined && precision !== this.precision)
      throw bad(
        `the recipe was made with matrices in ${String(precision)}, these lie in ${this.precision}`,
        `load the model with precision "${String(precision)}"`,
      );
    const { sampling } = this.#engine.model;
    if (typeof options.prompt !== 'string') throw bad(`prompt must be a text; got ${typeof options.prompt}`, 'say what to play');
    const number = (
      name: keyof Sampling | 'durationSeconds' | 'seed',
      least: number,
      most: number,
      preset: number,
      whole = false,
    ): number => {
      const value: unknown = options[name] ?? preset;
      if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
      throw bad(`${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}; got ${String(value)}`);
    };
    const durationSeconds = number('durationSeconds', 0, LONGEST, 10);
    if (Math.round(durationSeconds * this.sampleRate) < 1) throw bad(`durationSeconds must be over 0; got ${durationSeconds}`);
    const topP = number('topP', 0, 1, sampling.topP);
    if (topP === 0) throw bad('topP must be over 0; got 0');
    return {
      version: 1,
      system: 'musicgen',
      model: this.name,
      precision: this.precision,
      prompt: options.prompt,
      durationSeconds,
      seed: number('seed', 0, Number.MAX_SAFE_INTEGER, Math.floor(Math.random() * 2 ** 32), true),
      guidanceScale: number('guidanceScale', 0, 20, sampling.guidanceScale),
      temperature: number('temperature', 0, 100, sampling.temperature),
      topK: number('topK', 0, 2 ** 32 - 1, sampling.topK, true),
      topP,
    };
  }

  async #exclusive<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#engine.check();
    if (this.#busy) throw new MelodyError('busy', 'this MusicGen is already making music', 'wait for it, abort it, or load a second one');
    this.#busy = true;
    const done = this.#engine.stopWith(signal);
    try {
      return await work();
    } finally {
      done();
      this.#busy = false;
    }
  }
}

const bad = (message: string, hint?: string): MelodyError => new MelodyError('invalid_argument', message, hint);
