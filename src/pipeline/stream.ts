// Endless music: chunks as an AsyncIterable, made as fast as they are taken, steered while they play.
import { platform } from '#platform';
import { cutAudio } from '../audio/channels.ts';
import type { Engine } from '../engine/engine.ts';
import { checkRoom, forecast, type MemoryForecast } from '../engine/memory.ts';
import { MelodyError } from '../errors.ts';
import { decoderContext } from '../models/vae_decoder.ts';
import { checkOptions, checkSetting, checkStyle, followed } from './checks.ts';
import { begin, isDue, Job, SteeredStyle, windowSizes } from './job.ts';
import { type JobReport, publishJob } from './job_report.ts';
import { inTurns, runningLevel } from './levels.ts';
import type { Model } from './model.ts';
import type { Recipe, StreamOptions, StyleOptions } from './options.ts';
import type { Piece } from './piece.ts';
import { decode } from './stages/networks.ts';
import { freshFrames, nextWindow } from './stages/schedule.ts';

/** Windows of a stream after which nothing new is compiled before its end. */
const REHEARSED = 8;

/** The next piece of a stream. */
export interface StreamChunk {
  /** One array a channel, of one length. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz. */
  readonly sampleRate: number;
  /** Place of the first sample in the stream. */
  readonly startSample: number;
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
  #wanted: StyleOptions | undefined; // a change of style that no window has used yet
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
   * Change prompt or blend while the stream plays; music made from the next window on follows it. A new tempo goes on from the beat that is
   * reached then. `tempo`, `key` and `metre` that the stream was asked for hold until others are given. The change enters the recipe, so that
   * the piece can be made again, unless music (`promptAudio`) asks for it. Throws `invalid_argument`.
   */
  steer(style: StyleOptions): void {
    const { model } = this.#engine;
    if (style.promptAudio) checkOptions(style, 'steer');
    else checkSetting('steered', [{ ...style, atSeconds: 0 }]);
    checkStyle(style, model);
    this.#wanted = style;
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
      checkRoom(this.#engine, await this.predictMemory());
      const job = new Job(this.#engine, this.recipe, this.#options);
      took.stages = job.progress.seconds;
      for await (const chunk of this.#play(job)) {
        const audioSeconds = chunk.channels[0].length / chunk.sampleRate;
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
    const sizes = windowSizes(job.engine, this.recipe);
    const { durationSeconds = Infinity } = job.recipe;
    const samples = Math.round(durationSeconds * config.sample_rate);
    const facts = { seed: this.recipe.seed, within: this.#options.continueFrom !== undefined };
    const style = new SteeredStyle(job, this.#options, facts);
    await style.now(); // throws on a wrong style before anything else is done
    const piece = await begin(job, this.#options.continueFrom);
    const { given } = piece;
    const target = given + Math.ceil(samples / config.hop_length); // frames; may be Infinity
    const reach = decoderContext(config.vae_decoder);
    const leveller = runningLevel(job.recipe, config, this.#options.continueFrom);
    let played = given; // frames decoded
    let startSample = 0; // of the next chunk
    for (let index = 0; played < target; index++) {
      const live = job.engine === this.#engine ? this.#takeUp((piece.end - given) / config.frame_rate, job) : undefined;
      if (live) style.change(live, piece);
      const room = freshFrames(index, Math.min(piece.end, sizes.context), sizes);
      const last = piece.end + room >= target;
      piece.extendTo(last ? target : piece.end + room);
      await style.plan(piece, piece.end);
      const window = nextWindow(piece.known, index, sizes);
      if (!window) throw new MelodyError('graph', `stream: no window left at frame ${piece.end} of ${target}`);
      await job.render(piece, [window], (within) => within);
      // Frames near the end wait for their right neighbours, so that the stream equals the decoding of the whole.
      const ready = last ? target : piece.end - reach;
      if (ready > played) {
        const raw = cutAudio(await this.#decode(job, piece, played, ready), 0, samples - (played - given) * config.hop_length);
        const channels = leveller ? await inTurns(leveller, raw, last, config.sample_rate) : raw;
        const { length } = channels[0];
        played = ready;
        if (length > 0) {
          job.progress.emit({ type: 'chunk', startSample, samples: length });
          yield { channels, sampleRate: config.sample_rate, startSample };
          startSample += length;
        }
      }
      piece.forgetBefore(Math.min(piece.end - sizes.window, played - reach));
    }
  }

  /** What `steer` asked for since the last window; from now on a part of the recipe. */
  #takeUp(atSeconds: number, job: Job): StyleOptions | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted && !wanted.promptAudio) {
      const { steered = [] } = this.#recipe;
      const [steering] = followed([{ ...wanted, atSeconds }], job.engine.model);
      const before = steered.filter((change) => isDue(change, atSeconds));
      this.#recipe = { ...this.#recipe, steered: [...before, steering, ...steered.slice(before.length)] };
      job.progress.emit({ type: 'steered', steering });
    }
    return wanted;
  }

  #decode(job: Job, piece: Piece, from: number, to: number): Promise<Float32Array[]> {
    return job.progress.during('decoding', () =>
      decode(job.engine, piece.latents, from - piece.origin, to - piece.origin, {
        origin: piece.origin,
        phase: piece.phase,
        signal: job.signal,
      }),
    );
  }
}
