// What every published system has in common: an engine, one job at a time, the memory it will take, and the report on what it made.
import { platform } from '#platform';
import { aside } from '../audio/aside.ts';
import type { BeatMark } from '../audio/beats.ts';
import { type ClipReport, measureClip } from '../audio/measure.ts';
import { intoGiven, onFromGiven } from '../audio/own_sound.ts';
import { quick as bytesCases } from '../cases/bytes.ts';
import { type Checked, disposed, Engine, type EngineOptions, type Machine } from '../engine/engine.ts';
import { checkRoom, forecast, type MemoryForecast } from '../engine/memory.ts';
import { MelodyError } from '../errors.ts';
import { seedWords } from '../ops/random.ts';
import { checkNumber, checkObject, checkOthers } from '../pipeline/checks.ts';
import type { LoadOptions } from '../pipeline/melody.ts';
import type { AudioInput } from '../pipeline/options.ts';
import { Progress, type Timings } from '../pipeline/progress.ts';
import { Turns } from '../pipeline/turns.ts';
import type { JobOptions, Span, SystemModel, SystemRecipe } from './job.ts';
import { type Precision, precisionFor } from './precision.ts';
import { type StreamJob, SystemStream, warnOf } from './stream.ts';
import type { T5Tokenizer } from './t5_tokenizer.ts';

export type { JobOptions, Span, SystemRecipe };

/** How a published system is opened. */
export interface SystemOptions extends LoadOptions {
  /**
   * How the matrices of networks of attention lie in memory. Default 'f16' on a GPU, 'f32' on the CPU. There 'f16' takes half the memory and some
   * more time; 'int8' a quarter and less time, and is something else than the model was trained as: a byte a number, a scale a row.
   */
  precision?: Precision | undefined;
}

/** A finished piece of a published system. */
export interface SystemClip<R extends SystemRecipe = SystemRecipe> {
  /** One array a channel, of one length, full scale −1…1. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz: the model's own, or those of the sound that it goes on from. */
  readonly sampleRate: number;
  /** What makes the same samples again. */
  readonly recipe: R;
  /** What was measured on the samples. */
  readonly report: ClipReport;
  /** Empty: published systems plan no beats. */
  readonly beats: readonly BeatMark[];
  /** What it took to make. */
  readonly timings: Timings;
}

/** A job that was checked: nothing of it is done yet. */
export interface Job<R extends SystemRecipe> {
  readonly recipe: R;
  /** Pieces of the prompt that the model does not know. */
  readonly unknown: readonly string[];
  /** Sound that it goes on from, whose rate and channels it then has. */
  readonly continueFrom?: AudioInput;
  /** Sound to begin with; where regions of it are made anew, the clip has its rate and channels. */
  readonly initAudio?: AudioInput;
  make(m: Machine<SystemModel>, progress: Progress, signal?: AbortSignal): Promise<Float32Array[]>;
}

/** Who watches, and what of a recipe only names it. */
const OTHERS = ['signal', 'onEvent', 'version', 'system', 'model', 'precision', 'weights', 'executor', 'build'];
const MOST_VARIATIONS = 64;

/** What all published systems are: each makes one piece at a time, and others wait where `queue` says so. */
export abstract class PublishedSystem<Options extends JobOptions, R extends SystemRecipe> {
  readonly #engine: Engine<SystemModel>;
  /** How the matrices lie in memory. */
  readonly precision: Precision;
  readonly #turns: Turns;
  readonly #shares: boolean;
  #serial = 0; // of the last turn

  /** @internal */
  constructor(engine: Engine<SystemModel>, { precision, queue = 0 }: SystemOptions) {
    checkNumber('queue', queue, { kind: 'whole', min: 0, max: 10_000 });
    this.#engine = engine;
    this.#turns = new Turns(queue);
    this.#shares = queue > 0;
    const { executor, name } = engine.device.caps;
    this.precision = precisionFor(precision, executor, name);
  }

  /** Name of the system. */
  abstract get system(): R['system'];
  /** Samples a second, Hz. */
  abstract get sampleRate(): number;
  /** Samples of a frame, at whose rate faults would repeat. */
  protected abstract get hop(): number;
  /** Shares of the stages. @internal */
  protected abstract get span(): Span;
  /** A clip that runs every network. @internal */
  protected abstract get shortest(): Options;
  /** Checks what is asked for. Throws `invalid_argument`. @internal */
  protected abstract prepare(options: Options): Job<R>;

  /** Name of the model. */
  get name(): string {
    return this.#engine.model.name;
  }

  /** What the weights allow, as their model card or their publisher says. */
  get licence(): string {
    return this.#engine.model.licence;
  }

  /** Jobs that wait for their turn; 0 without `queue`. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** The engine below, for measurements. @internal */
  get engine(): Engine<SystemModel> {
    return this.#engine;
  }

  /**
   * Makes one clip, exactly `durationSeconds` long, with the sample rate and channels of the model, or of the sound that it goes on from.
   * @throws MelodyError `invalid_argument` before any work, `busy` while another job runs, `out_of_memory`, `aborted`, `device_lost`
   */
  async generate(options: Options): Promise<SystemClip<R>> {
    return this.#generate(options, false);
  }

  async #generate(options: Options, begun: boolean): Promise<SystemClip<R>> {
    const job = this.prepare(options);
    const { signal } = options;
    return this.#exclusive(options, begun, async () => {
      const engine = this.#engine;
      const predicted = await this.#forecast(job, signal);
      checkRoom(engine, predicted); // before gigabytes are read for their hash
      checkAddresses(engine, predicted);
      const weights = await engine.model.identity?.(signal);
      const { memory } = engine.device;
      memory.peakBytes = memory.bytes; // of this job alone
      const progress = new Progress(options.onEvent, signal, engine, this.span);
      warnOf(job, { asked: (options as { weights?: unknown }).weights, weights }, progress);
      const channels = await job.make(engine, progress, signal);
      const { sampleRate, hop } = this;
      const report = await aside(signal, 'measureClip', measureClip, channels, sampleRate, { periods: [hop], frameRate: sampleRate / hop });
      if (report.suspect.length) progress.warn('suspect_output', `the clip may be broken: ${report.suspect.join('; ')}`);
      const timings = progress.finish(job.recipe.durationSeconds, memory.peakBytes);
      const recipe = { ...job.recipe, ...(weights !== undefined && { weights }), ...engine.made };
      return { ...besideGiven({ channels, sampleRate }, job), recipe, report, beats: [], timings };
    });
  }

  /**
   * Makes several clips of the same options with the seeds seed, seed + 1, …: each equals what `generate` makes with that seed.
   * @param count 1 to 64
   * @throws MelodyError as `generate`
   */
  async variations(options: Options, count: number): Promise<SystemClip<R>[]> {
    checkNumber('variations', count, { kind: 'whole', min: 1, max: MOST_VARIATIONS });
    const { seed } = this.prepare(options).recipe;
    seedWords(seed + count - 1);
    const clips: SystemClip<R>[] = [];
    for (let i = 0; i < count; i++) clips.push(await this.#generate({ ...options, seed: seed + i }, i > 0));
    return clips;
  }

  /**
   * Music chunk by chunk as it is made, of systems that can: MusicGen does, Stable Audio makes whole clips.
   * @throws MelodyError `invalid_argument` at once; as `generate`, when it is iterated
   */
  stream(_options: object): SystemStream<R> {
    throw bad(`${this.name} makes whole clips and no streams`, 'call generate, or use a MusicGen or MeLoDy model');
  }

  /** A stream over what was checked. @internal */
  protected streamOf(job: StreamJob<R>, options: JobOptions): SystemStream<R> {
    const lock = (begun: boolean) => this.#lock(options, begun);
    return new SystemStream(job, options, { engine: this.#engine, span: this.span, lock, shares: this.#shares });
  }

  /**
   * Compiles what a clip needs and uploads its weights, so that the first one starts at once: makes a very short one.
   * @throws MelodyError as `generate`
   */
  async warmup(options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.generate({ ...options, ...this.shortest });
  }

  /**
   * Predicts the memory that `generate` with these options would take, in bytes; nothing is run or loaded.
   * @throws MelodyError `invalid_argument`
   */
  async predictMemory(options: Options): Promise<MemoryForecast> {
    return this.#forecast(this.prepare(options), options.signal);
  }

  /** Frees the device and all on it. What runs ends with `aborted`, and so does every later call. */
  dispose(): void {
    this.#turns.close(disposed());
    this.#engine.dispose();
  }

  #forecast(job: Job<R>, signal?: AbortSignal): Promise<MemoryForecast> {
    return forecast(this.#engine, signal, (m) => job.make(m, new Progress(undefined, signal, m, this.span), signal));
  }

  async #lock({ signal, onEvent }: JobOptions, begun: boolean): Promise<{ serial: number; release(): void }> {
    this.#engine.check();
    const leave = await this.#turns.take({ signal, begun, ...(!begun && { onAhead: (ahead) => onEvent?.({ type: 'queued', ahead }) }) });
    const done = this.#engine.stopWith(signal);
    const release = () => {
      done();
      leave();
    };
    return { serial: ++this.#serial, release };
  }

  async #exclusive<T>(options: JobOptions, begun: boolean, work: () => Promise<T>): Promise<T> {
    const { release } = await this.#lock(options, begun);
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** Throws `invalid_argument` for settings that this system does not have, and for a recipe of another precision. */
  protected checkNames(options: object, settings: readonly string[], title: string): void {
    checkObject(options, title);
    checkOthers(options);
    for (const [name, value] of Object.entries(options))
      if (!settings.includes(name) && !OTHERS.includes(name) && value !== undefined && value !== null)
        throw bad(`${title} has no setting ${name}; it has ${settings.join(', ')}`, 'leave it out, or use a MeLoDy model');
    const { precision, system } = options as { precision?: unknown; system?: unknown };
    if (system !== undefined && system !== this.system)
      throw bad(`the recipe is of the system ${String(system)}, this is ${this.system}`, 'load the model that it names');
    if (precision !== undefined && precision !== this.precision)
      throw bad(
        `the recipe was made with matrices in ${String(precision)}, these lie in ${this.precision}`,
        `load the model with precision "${String(precision)}"`,
      );
  }
}

/** A clip as the person who gave sound to go on from has it: at that sound's rate and with its channels. */
function besideGiven(
  made: { channels: Float32Array[]; sampleRate: number },
  { continueFrom, initAudio, recipe }: Job<SystemRecipe>,
): typeof made {
  if (recipe.keepGiven === false) return made;
  if (initAudio && recipe.inpaint) return { channels: intoGiven(initAudio, made, recipe.inpaint), sampleRate: initAudio.sampleRate };
  if (!continueFrom) return made;
  const { sampleRate } = continueFrom;
  return { channels: onFromGiven(continueFrom, made, Math.round(recipe.durationSeconds * sampleRate)), sampleRate };
}

/** An engine for a published model. */
export function openEngine<Model extends Checked>(model: Model, options: SystemOptions): Promise<Engine<Model>> {
  const entry = async () => (options.gpu as GPU | undefined) ?? platform.openGpu();
  const settings: EngineOptions = { device: options.gpu ? 'gpu' : 'auto', ...options };
  return Engine.open(model, entry, settings, options.precision === 'int8' ? bytesCases() : []);
}

/** A number among options. Throws `invalid_argument`. */
export function numberOf(options: object, name: string, least: number, most: number, preset: number, whole = false): number {
  const value: unknown = (options as Record<string, unknown>)[name] ?? preset;
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw bad(`${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}; got ${String(value)}`);
}

/** A yes or no among options. Throws `invalid_argument`. */
export function flagOf(options: object, name: string, preset: boolean): boolean {
  const value: unknown = (options as Record<string, unknown>)[name] ?? preset;
  if (typeof value === 'boolean') return value;
  throw bad(`${name} must be true or false; got ${String(value)}`);
}

/** The words of the options. Throws `invalid_argument` where there are none. */
export function promptOf({ prompt }: { prompt?: unknown }): string {
  if (typeof prompt === 'string') return prompt;
  throw bad(
    `prompt must be a text; got ${prompt === undefined ? 'none' : typeof prompt}`,
    'say what to play, for example "calm piano, 80 bpm"',
  );
}

/** The length of a clip in seconds, at least a sample. Throws `invalid_argument`. */
export function durationOf(options: object, longest: number, preset: number, sampleRate: number): number {
  const seconds = numberOf(options, 'durationSeconds', 0, longest, preset);
  if (Math.round(seconds * sampleRate) < 1) throw bad(`durationSeconds must be over 0; got ${seconds}`);
  return seconds;
}

/** The seed of the options, or one that is drawn. Throws `invalid_argument`. */
export const seedOf = (options: object): number =>
  numberOf(options, 'seed', 0, Number.MAX_SAFE_INTEGER, Math.floor(Math.random() * 2 ** 32), true);

/** Ids of a text. Throws `invalid_argument` where it is none, is empty, or has more tokens than the model reads. */
export function idsOf(tokenizer: T5Tokenizer, name: string, text: unknown, most: number): { ids: number[]; unknown: string[] } {
  if (typeof text !== 'string') throw bad(`${name} must be a text; got ${typeof text}`, 'say what to play');
  const { ids, unknown } = tokenizer.encode(text);
  if (ids.length < 2) throw bad(`${name}: there is nothing in it`, 'say what to play, for example "calm piano, 80 bpm"');
  if (ids.length > most) throw bad(`${name}: it has ${ids.length} tokens, expected at most ${most}`, 'say it shorter');
  return { ids, unknown };
}

export const bad = (message: string, hint?: string): MelodyError => new MelodyError('invalid_argument', message, hint);

/** All that WebAssembly can address. */
const ADDRESSES = 2 ** 32;

/** Throws `out_of_memory` where a job takes more than the CPU executor can have on any machine. */
function checkAddresses({ device }: Pick<Engine, 'device'>, { peak, weights, buffers }: MemoryForecast): void {
  if (device.caps.executor === 'gpu' || peak <= ADDRESSES) return;
  const mb = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new MelodyError(
    'out_of_memory',
    `this needs ${mb(peak)} (weights ${mb(weights)}, buffers ${mb(buffers)}); got ${mb(ADDRESSES)}, the most that WebAssembly addresses on the CPU`,
    'use a smaller model, precision "int8" or "f16", or a GPU',
  );
}
