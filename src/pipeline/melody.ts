// Text to music, the whole story: words → style codes → tokens → latents → audio.

import { platform } from '#platform';
import { aside } from '../audio/aside.ts';
import type { BeatMark } from '../audio/beats.ts';
import { lengthOf } from '../audio/channels.ts';
import type { ClipReport } from '../audio/measure.ts';
import { disposed, Engine, type EngineOptions, type Made } from '../engine/engine.ts';
import { checkRoom, compileAhead, forecast, forecastOnce, hasRoom, type MemoryForecast } from '../engine/memory.ts';
import { MelodyError } from '../errors.ts';
import { seedWords } from '../ops/random.ts';
import { checkLoading, checkNames, checkObject } from './checks.ts';
import { describe } from './controls/controls.ts';
import { Job, MAX_HALVINGS } from './job.ts';
import { type JobReport, jobReport, publishJob } from './job_report.ts';
import { type Model, openModel } from './model.ts';
import type { DownloadEvent, GenerateOptions, Recipe, SamplingOptions, StreamOptions, WaitingEvent } from './options.ts';
import type { Timings } from './progress.ts';
import { resolve, shapeOf, tunedAsGiven } from './recipe.ts';
import { embedText } from './stages/networks.ts';
import { MelodyStream, type TurnTaken } from './stream.ts';
import { Turns } from './turns.ts';

/**
 * A WebGPU entry point: `navigator.gpu`, or what `create()` of npm `webgpu` returns. Described by its one method, so that a program needs no
 * type declarations of WebGPU.
 */
export interface WebGpuEntry {
  /** The WebGPU method of this name; null where there is no adapter. */
  requestAdapter(options?: object): Promise<object | null>;
}

/** How jobs share a model. */
export interface QueueOptions {
  /**
   * Jobs that may wait while another one is made, 0 to 10,000; one more is refused as `busy`. They begin in the order in which they came, and
   * an AbortSignal takes them out. A stream lets others in after each of its chunks. Default 0: a second job is refused.
   */
  queue?: number | undefined;
}

/** How a model is opened. */
export interface LoadOptions extends EngineOptions, QueueOptions {
  /** WebGPU entry point. Default: `navigator.gpu` in a browser, npm `webgpu` in Node. Where it is given, the default of `device` is 'gpu', else 'auto'. */
  gpu?: WebGpuEntry | undefined;
  /** Aborts the loading; it then throws `aborted`. */
  signal?: AbortSignal | undefined;
  /** Keep what is fetched from an address in this machine's or browser's cache. Default true. */
  cache?: boolean | undefined;
  /** Hosts that an address may redirect to, beside its own: public ones alone. Default none; `hf:` names may go to the hub's own stores. */
  redirectHosts?: readonly string[] | undefined;
  /** For servers in Node that take addresses from strangers: hosts (with a port, where there is one) that may be asked; no path is opened then. Default: all, and paths. */
  allowedHosts?: readonly string[] | undefined;
  /** What asks for addresses, called as the platform's `fetch` is; a proxy or a login can stand behind it. Default: `fetch`. */
  fetch?: typeof fetch | undefined;
  /** Called while a file is fetched into the cache. */
  onEvent?: ((event: DownloadEvent | WaitingEvent) => void) | undefined;
}

/** A finished piece of music. */
export interface Clip {
  /** One array a channel, of one length, full scale −1…1. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz: the model's, or those of the audio that it was made beside (`keepGiven`). */
  readonly sampleRate: number;
  /** What makes the same samples again. */
  readonly recipe: Recipe;
  /** What was measured on the samples as the model makes them. */
  readonly report: ClipReport;
  /** Tempo, metre and key along the clip, as they were planned; none of a model without controls. */
  readonly beats: readonly BeatMark[];
  /** What it took to make. */
  readonly timings: Timings;
}

const fileOf = (address: string) => decodeURIComponent(address.slice(address.lastIndexOf('/') + 1));

/** Who asks for a job, and how many may wait before it. */
type Asking = Pick<SamplingOptions, 'signal' | 'onEvent' | 'exact'> & { readonly begun?: boolean };

/**
 * MeLoDy (Lam et al. 2023, arXiv 2305.15719), ready to make music. Opened by `Melody.load`; makes one piece at a time, and others wait where `queue`
 * says so.
 */
export class MeLoDy {
  readonly #engine: Engine<Model>;
  readonly #openExact: () => Promise<Engine<Model>>;
  #exact: Promise<Engine<Model>> | undefined; // on the CPU, where #engine is on a GPU
  readonly #turns: Turns;
  readonly #shares: boolean;

  private constructor(engine: Engine<Model>, openExact: () => Promise<Engine<Model>>, { queue = 0 }: QueueOptions) {
    this.#engine = engine;
    this.#openExact = openExact;
    this.#shares = queue > 0;
    this.#turns = new Turns(queue, () =>
      platform.publish?.('melody:queue', { model: this.model.name, running: this.#turns.running, waiting: this.#turns.waiting }),
    );
  }

  /**
   * Opens a model on a GPU or the CPU. Reads its configuration and headers only; weights follow when a stage first needs them.
   * @param location a folder, an https address of one, or in Node the name of an installed package (`melody-small`) or of a model of the
   * Hugging Face hub (`hf:owner/name`, `hf:owner/name@revision`)
   * @throws MelodyError `invalid_argument`, `io`, `weights`, `no_adapter`, `wrong_results`, `aborted`
   */
  static async load(location: string | URL, options: LoadOptions = {}): Promise<MeLoDy> {
    checkLoading(location, options);
    const coming = new Set<string>(); // files that were not complete at first sight: those that are say nothing
    const onProgress = (received: number, total: number, address: string) => {
      if (received < total) coming.add(address);
      if (coming.has(address)) options.onEvent?.({ type: 'download', file: fileOf(address), received, total });
    };
    const onWait = (address: string) => options.onEvent?.({ type: 'waiting', file: fileOf(address) });
    const { signal, cache = true } = options;
    const folder = platform.openFolder(location, { ...options, cache, onProgress, onWait });
    const entry = async () => (options.gpu as GPU | undefined) ?? platform.openGpu();
    return MeLoDy.over((begin) => openModel(folder, { signal, begin }), entry, { device: options.gpu ? 'gpu' : 'auto', ...options });
  }

  /** Over a model made elsewhere (tests, benchmarks, weights from memory). @internal */
  static async over(
    model: Parameters<typeof Engine.open<Model>>[0],
    entry: () => Promise<GPU>,
    options: EngineOptions & QueueOptions = {},
  ): Promise<MeLoDy> {
    const engine = await Engine.open(model, entry, options);
    return new MeLoDy(engine, () => Engine.open(engine.model, entry, { ...options, device: 'cpu' }), options);
  }

  /** Name of the system. */
  get system(): 'melody' {
    return 'melody';
  }

  /** Name of the model. */
  get name(): string {
    return this.model.name;
  }

  /** Samples a second, Hz. */
  get sampleRate(): number {
    return this.model.config.sample_rate;
  }

  /** @internal */
  get model(): Model {
    return this.#engine.model;
  }

  /** The engine below, for measurements. @internal */
  get engine(): Engine<Model> {
    return this.#engine;
  }

  /** Jobs that wait for their turn; 0 without `queue`. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /**
   * Makes one finished clip, exactly `durationSeconds` long, with the sample rate and channels of the model, or of the audio that is continued or
   * inpainted.
   * @throws MelodyError `invalid_argument` before any work, `busy` while another job runs or the queue is full, `out_of_memory`, `aborted`, `non_finite`,
   * `device_lost` (after one recovery)
   */
  async generate(options: GenerateOptions): Promise<Clip> {
    return this.#generate(options, false);
  }

  async #generate(options: GenerateOptions, begun: boolean): Promise<Clip> {
    checkObject(options, 'generate');
    const { model } = this.#engine;
    const { config } = model;
    const seed = options.seed ?? options.draft?.seed;
    const asked = resolve({ ...options, seed }, model, 'generate');
    const { signal, onEvent } = options;
    const took = jobReport('clip', this.#engine, asked.seed);
    return this.#exclusive({ signal, onEvent, begun, exact: asked.exact }, took, async (engine) => {
      platform.expectAside?.();
      // Pages fetch these now, before any work that a network which goes away would lose.
      const [{ besideGiven, make }, { measureClip }] = await Promise.all([import('./compose.ts'), import('../audio/measure.ts')]);
      const recipe = await tunedAsGiven(asked, options, model);
      options.draft?.open(recipe, [options.promptAudio, options.continueFrom, options.initAudio]);
      const halvings = await halvingsFor(engine, options, recipe);
      const { memory } = engine.device;
      memory.peakBytes = memory.bytes; // of this job alone
      const job = new Job(engine, recipe, options, halvings);
      took.stages = job.progress.seconds;
      const measure = { periods: [config.hop_length], frameRate: config.frame_rate, ...(recipe.loop && { joins: [0] }) };
      job.measure = measure;
      const { channels, style } = await make(job, options);
      const report = job.report ?? (await aside(signal, 'measureClip', measureClip, channels, config.sample_rate, measure));
      if (job.tooQuiet > 1) report.suspect.push(`made so quiet that it stays ${job.tooQuiet.toFixed(0)} dB under its loudness`);
      if (report.suspect.length) job.progress.warn('suspect_output', `the clip may be broken: ${report.suspect.join('; ')}`);
      took.audioSeconds = lengthOf(channels) / config.sample_rate;
      return {
        ...(await besideGiven(recipe, options, { channels, sampleRate: config.sample_rate })),
        recipe: { ...recipe, ...(style.controls && { decided: describe(style.controls) }), ...engine.made },
        report,
        beats: job.beats,
        timings: job.progress.finish(took.audioSeconds, memory.peakBytes),
      };
    });
  }

  /**
   * Makes several clips of the same options with the seeds seed, seed + 1, …: each equals what `generate` makes with that seed.
   * @param count 1 to 64
   * @throws MelodyError as `generate`
   */
  async variations(options: Omit<GenerateOptions, 'draft'>, count: number): Promise<Clip[]> {
    if (!Number.isInteger(count) || count < 1 || count > 64)
      throw new MelodyError('invalid_argument', `variations must be a whole number from 1 to 64; got ${String(count)}`);
    const { model } = this.#engine;
    const { seed } = resolve(options, model, 'generate');
    seedWords(seed + count - 1);
    const clips: Clip[] = [];
    for (let i = 0; i < count; i++) clips.push(await this.#generate({ ...options, seed: seed + i }, i > 0));
    return clips;
  }

  /**
   * Endless (or `durationSeconds` long) music, chunk by chunk: `for await (const { channels } of melody.stream({ prompt }))`.
   * `MelodyStream.steer` changes the prompt while it plays. Its rate and channels are the model's, also where it goes on from given audio of others.
   * @throws MelodyError as `generate`, when it is iterated; `invalid_argument` at once
   */
  stream(options: StreamOptions): MelodyStream {
    checkObject(options, 'stream');
    const { model } = this.#engine;
    const one = { ...options, parallelWindows: undefined, wholeWindows: undefined, keepGiven: undefined }; // a stream makes one window after another
    const recipe = resolve({ ...one, runningLevel: true }, model, 'stream');
    const took = jobReport('stream', this.#engine, recipe.seed);
    const lock = (begun: boolean) => this.#lock({ ...options, exact: recipe.exact, begun }, took);
    const made = recipe.exact ? EXACT : this.#engine.fastest;
    const turn = { engine: () => this.#engineFor(recipe), lock, took, shares: this.#shares };
    return new MelodyStream(this.#engine, { ...recipe, ...made }, options, turn);
  }

  /**
   * Compiles every pipeline and uploads every weight that text to music needs, so that the first clip starts at once: makes one window in
   * one step, and reads prompts of all the lengths that choose other kernels.
   * @throws MelodyError as `generate`
   */
  async warmup(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkNames(options, 'warmup', ['signal']);
    const { config } = this.#engine.model;
    const { signal } = options;
    await this.generate({ prompt: 'music', durationSeconds: config.window_seconds, steps: 1, seed: 0, signal });
    await this.#exclusive({ signal, begun: true }, undefined, async () => {
      for (const words of [2, 4, 8, 16]) await embedText(this.#engine, new Uint32Array(words), signal);
    });
  }

  /**
   * Predicts the memory that the buffers of `generate` with these options would take, in bytes, from the graphs that it would run; nothing is run or
   * uploaded. `generate` itself predicts before it starts: where that much is not free it makes less at a time, and throws `out_of_memory`
   * where even that cannot fit.
   * @throws MelodyError `invalid_argument`
   */
  async predictMemory(options: GenerateOptions): Promise<MemoryForecast> {
    const { model } = this.#engine;
    const recipe = resolve(options, model, 'generate');
    return predict(await this.#engineFor(recipe), options, recipe);
  }

  /** Frees the GPU and all on it. What runs ends with `aborted`, and so does every later call. */
  dispose(): void {
    this.#turns.close(disposed());
    this.#engine.dispose();
    void this.#exact?.then(
      (engine) => engine.dispose(),
      () => {},
    );
  }

  /** Exact music is made on the CPU; where this is on a GPU, the CPU is opened beside it, once. */
  #engineFor({ exact }: Pick<SamplingOptions, 'exact'>): Promise<Engine<Model>> {
    if (!exact || this.#engine.made.executor === 'cpu') return Promise.resolve(this.#engine);
    this.#engine.check();
    this.#exact ??= this.#openExact();
    this.#exact.catch(() => {
      this.#exact = undefined; // it may be tried again
    });
    return this.#exact;
  }

  /** This job's turn, taken at once, and the engine that makes it. Call `release` when the work is over. Throws `busy`, `aborted`, `no_adapter`. */
  async #lock({ signal, onEvent, exact = false, begun = false }: Asking, took: JobReport | undefined): Promise<TurnTaken> {
    this.#engine.check();
    const came = performance.now();
    const leave = await this.#turns.take({ signal, begun, ...(!begun && { onAhead: (ahead) => onEvent?.({ type: 'queued', ahead }) }) });
    const began = performance.now();
    if (took) took.waitingSeconds += (began - came) / 1000;
    try {
      const engine = await this.#engineFor({ exact });
      await engine.beExact(exact);
      const done = engine.stopWith(signal);
      const release = () => {
        done();
        if (took) took.totalSeconds += (performance.now() - began) / 1000;
        leave();
      };
      return { engine, release };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #exclusive<T>(asking: Asking, took: JobReport | undefined, work: (engine: Engine<Model>) => Promise<T>): Promise<T> {
    let turn: TurnTaken | undefined;
    let fault: unknown;
    try {
      turn = await this.#lock(asking, took);
      return await work(turn.engine);
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      turn?.release();
      if (took) publishJob(took, this.#engine, fault);
    }
  }
}

/** What makes exact music. */
const EXACT: Made = { executor: 'cpu', build: 'plain' };

/** The memory that a clip takes, with what is made at a time halved so often. */
async function predict(engine: Engine<Model>, options: GenerateOptions, recipe: Recipe, halvings = 0): Promise<MemoryForecast> {
  const { make } = await import('./compose.ts');
  const { signal } = options;
  return forecast(engine, signal, (machine) => make(new Job(machine, { ...recipe, loudness: null }, { signal }, halvings), options));
}

/** How often to halve what is made at a time so that the job fits. Throws `out_of_memory` where it never does. */
async function halvingsFor(engine: Engine<Model>, options: GenerateOptions, recipe: Recipe): Promise<number> {
  for (let halvings = 0; ; halvings++) {
    const predicted = await forecastOnce(engine, { ...shapeOf(options, recipe), halvings }, () =>
      predict(engine, options, recipe, halvings),
    );
    if (hasRoom(engine, predicted)) {
      void compileAhead(engine, predicted, options.signal);
      return halvings;
    }
    if (halvings === MAX_HALVINGS) checkRoom(engine, predicted);
  }
}
