// Endless music: chunks as an AsyncIterable, made as fast as they are taken, steered while they play.

import { platform } from '#platform';
import { lengthOf } from '../audio/channels.ts';
import type { Engine } from '../engine/engine.ts';
import { checkRoom, forecast, forecastOnce, type MemoryForecast } from '../engine/memory.ts';
import { MelodyError } from '../errors.ts';
import { checkNames, checkNumber, checkOptions, checkSetting, checkStyle, followed } from './checks.ts';
import { Course } from './course.ts';
import { Job, keyOf, windowSizes } from './job.ts';
import { type JobReport, publishJob } from './job_report.ts';
import type { Model } from './model.ts';
import type { Recipe, Steering, StreamOptions, StyleOptions } from './options.ts';
import { shapeOf, tunedAsGiven } from './recipe.ts';
import { isDue, SteeredStyle } from './steered_style.ts';

/** Windows of a stream after which nothing new is compiled before its end. */
const REHEARSED = 8;

/** The next piece of a stream. */
export interface StreamChunk {
  /** One array a channel, of one length. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz. */
  readonly sampleRate: number;
  /** Place of the first sample in the stream. Where it went back (`SteerTiming`), the chunk takes the place of what was given from there on. */
  readonly startSample: number;
  /**
   * Seconds that the next chunk will take from when it is asked for, at the speed of this one; 0 after the last, undefined where nobody can say. A
   * first chunk that is shorter than that is best played so much later: then no gap follows it.
   */
  readonly nextSeconds?: number | undefined;
}

/** When a change of style is to be heard. */
export interface SteerTiming {
  /**
   * Seconds of the stream that are heard now. Chunks that lie past it are made again, from the first moment on that can be made before it is
   * heard, at the speed of the last window. A function is asked when the change is taken up. Default: no chunk is made again.
   */
  readonly heardSeconds?: (number | (() => number)) | undefined;
}

/** A turn on an engine. */
export interface TurnTaken {
  readonly engine: Engine<Model>;
  /** Call it when the work is over. */
  release(): void;
}

/** How a stream comes to its turns on the engine. */
interface Turn {
  /** What makes this stream. */
  engine(): Promise<Engine<Model>>;
  /** Takes one; the first with `begun` false. */
  lock(begun: boolean): Promise<TurnTaken>;
  /** Are there others who wait for their turns? Then each chunk is one. */
  readonly shares: boolean;
  readonly took: JobReport;
}

/** Music that is made chunk by chunk as it is taken. Made by `Melody.stream`. */
export class MelodyStream implements AsyncIterable<StreamChunk> {
  #recipe: Recipe;
  #engine: Engine<Model>; // whose model it is; from the first turn on the one that plays
  readonly #options: StreamOptions;
  readonly #turn: Turn;
  #wanted: (SteerTiming & { readonly style: StyleOptions }) | undefined; // a change that no window has used yet
  #live: Steering[] = []; // of the recipe's
  #window: AbortController | undefined; // of a window that may be broken off
  #started = false;

  /** @internal */
  constructor(engine: Engine<Model>, recipe: Recipe, options: StreamOptions, turn: Turn) {
    this.#recipe = recipe;
    this.#engine = engine;
    this.#options = options;
    this.#turn = turn;
  }

  /** What makes these very bytes again, with all that was steered so far. */
  get recipe(): Recipe {
    return this.#recipe;
  }

  /**
   * Change prompt or blend while the stream plays; music made from the next window on follows it, or sooner with `timing`. A new tempo goes on
   * from the beat that is reached then. `tempo`, `key` and `metre` that the stream was asked for hold until others are given. The change enters
   * the recipe, so that the piece can be made again, unless music (`promptAudio`) asks for it. Throws `invalid_argument`.
   */
  steer(style: StyleOptions, timing: SteerTiming = {}): void {
    const { model } = this.#engine;
    checkOptions(style, 'steer');
    checkNames(timing, 'steer', ['heardSeconds']);
    const { heardSeconds } = timing;
    if (!style.promptAudio) checkSetting('steered', [{ ...style, atSeconds: 0 }]);
    checkStyle(style, model);
    if (heardSeconds !== undefined && typeof heardSeconds !== 'function') checkNumber('heardSeconds', heardSeconds, { min: 0 });
    this.#wanted = { style, heardSeconds: heardSeconds ?? this.#wanted?.heardSeconds };
    if (heardSeconds !== undefined) this.#window?.abort();
  }

  /** May be iterated once. Leaving the loop early, or aborting the signal, frees the Melody for the next job. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamChunk, void, undefined> {
    if (this.#started) throw new MelodyError('busy', 'this stream was already iterated', 'call stream() again');
    this.#started = true;
    const { lock, shares, took } = this.#turn;
    let release: (() => void) | undefined;
    let fault: unknown;
    try {
      ({ engine: this.#engine, release } = await lock(false));
      this.#recipe = await tunedAsGiven(this.#recipe, this.#options, this.#engine.model);
      checkRoom(
        this.#engine,
        await forecastOnce(this.#engine, { ...shapeOf(this.#options, this.recipe), stream: true }, () => this.predictMemory()),
      );
      const job = new Job(this.#engine, this.recipe, this.#options);
      took.stages = job.progress.seconds;
      for await (const chunk of this.#play(job)) {
        const audioSeconds = lengthOf(chunk.channels) / chunk.sampleRate;
        took.audioSeconds += audioSeconds;
        platform.publish?.('melody:chunk', { model: took.model, audioSeconds });
        if (shares) {
          release();
          release = undefined;
        }
        yield chunk;
        release ??= (await lock(true)).release;
        job.progress.resume();
      }
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      release?.();
      publishJob(took, this.#engine, fault);
    }
  }

  /** GPU memory that playing it takes, bytes. Nothing is played. */
  async predictMemory(): Promise<MemoryForecast> {
    const { signal } = this.#options;
    return forecast(await this.#turn.engine(), signal, async (machine) => {
      const durationSeconds = this.#rehearsedSeconds();
      const rehearsed = durationSeconds === undefined ? REHEARSED : Infinity;
      let windows = 0;
      const chunks = this.#play(
        new Job(machine, { ...this.recipe, loudness: null, ...(durationSeconds !== undefined && { durationSeconds }) }, { signal }),
      );
      for await (const _ of chunks) if (++windows === rehearsed) break;
    });
  }

  /** A length that compiles all that the whole piece does: windows of its middle, which are all alike, are left out. */
  #rehearsedSeconds(): number | undefined {
    const { durationSeconds, steered } = this.recipe;
    if (durationSeconds === undefined || steered) return durationSeconds;
    const { window, context } = windowSizes(this.#engine, this.recipe);
    const alike = (window - context) / this.#engine.model.config.frame_rate; // seconds that each of them makes
    return durationSeconds - alike * Math.max(0, Math.floor(durationSeconds / alike) - 2 * REHEARSED);
  }

  async *#play(job: Job): AsyncGenerator<StreamChunk, void, undefined> {
    const { config } = job.engine.model;
    const facts = { seed: this.recipe.seed, within: keyOf(job, this.#options.continueFrom) };
    const style = new SteeredStyle(job, this.#options, facts);
    const course = await Course.begin(job, style, this.#options.continueFrom, job.recipe.durationSeconds ?? Infinity);
    for (;;) {
      const soon = job.engine === this.#engine && this.#takeUp(course, job);
      if (course.done) return;
      const part = await (soon ? course.next() : this.#unlessSteered(course, job)); // what must be there soon is made in any case
      if (!part) continue;
      const { channels, startSample } = part;
      job.progress.emit({ type: 'chunk', startSample, samples: lengthOf(channels) });
      yield { channels, sampleRate: config.sample_rate, startSample, nextSeconds: course.nextSeconds };
    }
  }

  /** The next window; nothing where a change that is to be heard soon broke it off. */
  async #unlessSteered(course: Course, job: Job): ReturnType<Course['next']> {
    if (job.engine !== this.#engine) return course.next(); // it is rehearsed
    const { signal } = job;
    const window = new AbortController();
    const abort = () => window.abort();
    signal?.addEventListener('abort', abort);
    const done = this.#engine.stopWith(window.signal);
    job.signal = window.signal;
    this.#window = window;
    const steered = () => window.signal.aborted && !signal?.aborted;
    try {
      const part = await course.next();
      return steered() ? undefined : part; // what was read of broken work is none
    } catch (error) {
      if (!steered()) throw error;
      return undefined;
    } finally {
      this.#window = undefined;
      job.signal = signal;
      done();
      signal?.removeEventListener('abort', abort);
    }
  }

  /** What `steer` asked for since the last window; from now on a part of the recipe. Returns whether it is to be heard soon. */
  #takeUp(course: Course, job: Job): boolean {
    const wanted = this.#wanted;
    if (!wanted || (course.done && wanted.heardSeconds === undefined)) return false;
    this.#wanted = undefined;
    const { heardSeconds: heard } = wanted;
    const anew = heard !== undefined;
    const atSeconds = anew ? course.goBack(typeof heard === 'function' ? heard() : heard, wanted.style) : course.change(wanted.style);
    if (atSeconds === undefined) {
      job.progress.warn('ignored_control', 'the change comes after the end of the music');
      return false;
    }
    const { steered = [] } = this.#recipe;
    const dropped = anew ? this.#live.filter((change) => change.atSeconds >= atSeconds) : [];
    const kept = steered.filter((change) => !dropped.includes(change));
    const [change = { atSeconds }] = followed([{ ...wanted.style, atSeconds }], job.engine.model);
    const steering = { ...change, ...(anew && { anew }) };
    if (!wanted.style.promptAudio) this.#live.push(steering);
    const here = kept.filter((change) => isDue(change, atSeconds)).length;
    const all = wanted.style.promptAudio ? kept : [...kept.slice(0, here), steering, ...kept.slice(here)];
    if (all.length > 0 || steered.length > 0) this.#recipe = { ...this.#recipe, steered: all };
    job.progress.emit({ type: 'steered', steering, recipe: this.#recipe });
    return anew;
  }
}
