// Music of a published system as it is made: chunks that come one after another, for as long as they are taken.
import { lengthOf } from '../audio/channels.ts';
import { sayOfGiven } from '../audio/own_sound.ts';
import type { Engine, Machine } from '../engine/engine.ts';
import { checkRoom, forecast, type MemoryForecast } from '../engine/memory.ts';
import { MelodyError } from '../errors.ts';
import type { AudioInput } from '../pipeline/options.ts';
import { Progress } from '../pipeline/progress.ts';
import type { StreamChunk } from '../pipeline/stream.ts';
import type { JobOptions, Span, SystemModel, SystemRecipe } from './job.ts';

/** Everything that decides the samples of a stream; with a length, `generate` makes the same music of it. */
export type StreamRecipe<R extends SystemRecipe> = Omit<R, 'durationSeconds'> & {
  /** Length in seconds; none of one that has no end. */
  readonly durationSeconds?: number | undefined;
};

/** A stream that was checked: nothing of it is done yet. */
export interface StreamJob<R extends SystemRecipe> {
  readonly recipe: StreamRecipe<R>;
  /** Pieces of the prompt that the model does not know. */
  readonly unknown: readonly string[];
  readonly continueFrom?: AudioInput;
  readonly channels: number;
  readonly sampleRate: number;
  /** Parts of the samples of every channel. `interrupted` says, once each time, that others have used the machine since the last part. */
  play(
    m: Machine<SystemModel>,
    progress: Progress,
    signal: AbortSignal | undefined,
    interrupted: () => boolean,
  ): AsyncIterable<Float32Array[]>;
}

/** How a stream comes to its turns on the engine. */
export interface StreamTurns {
  readonly engine: Engine<SystemModel>;
  readonly span: Span;
  /** Takes one; the first with `begun` false. `serial` counts the turns of all jobs. */
  lock(begun: boolean): Promise<{ readonly serial: number; release(): void }>;
  /** Others may wait for their turns: then each chunk is one. */
  readonly shares: boolean;
}

/** Chunks after which a rehearsal has seen all that is ever compiled; over a minute, they are two windows. */
const REHEARSED_SECONDS = 60;

/** Music that is made chunk by chunk as it is taken. Made by `stream` of a published system. */
export class SystemStream<R extends SystemRecipe = SystemRecipe> implements AsyncIterable<StreamChunk> {
  readonly #job: StreamJob<R>;
  readonly #options: JobOptions;
  readonly #turns: StreamTurns;
  #recipe: StreamRecipe<R>;
  #started = false;

  /** @internal */
  constructor(job: StreamJob<R>, options: JobOptions, turns: StreamTurns) {
    this.#job = job;
    this.#options = options;
    this.#turns = turns;
    this.#recipe = { ...job.recipe, ...turns.engine.made };
  }

  /** What makes the same music again; from the first chunk on it names the weights. */
  get recipe(): StreamRecipe<R> {
    return this.#recipe;
  }

  /**
   * Refused: the music of a published system follows the prompt that it began with.
   * @throws MelodyError `invalid_argument`
   */
  steer(_style: object): never {
    throw new MelodyError(
      'invalid_argument',
      `${this.#job.recipe.model} cannot change its prompt while it plays`,
      'begin another stream, or use a MeLoDy model',
    );
  }

  /** May be iterated once. Leaving the loop early, or aborting the signal, frees the system for the next job. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamChunk, void, undefined> {
    if (this.#started) throw new MelodyError('busy', 'this stream was already iterated', 'call stream() again');
    this.#started = true;
    const { engine, span, shares } = this.#turns;
    const { signal, onEvent } = this.#options;
    let turn: Awaited<ReturnType<StreamTurns['lock']>> | undefined;
    try {
      turn = await this.#turns.lock(false);
      let { serial } = turn; // of the last turn that is told of
      const weights = await engine.model.identity?.(signal);
      const { weights: asked } = this.#options as { weights?: unknown };
      if (weights !== undefined) this.#recipe = { ...this.#recipe, weights };
      checkRoom(engine, await this.predictMemory());
      const progress = new Progress(onEvent, signal, engine, span);
      warnOf(this.#job, { asked, weights }, progress);
      const interrupted = () => {
        const others = turn !== undefined && turn.serial > serial + 1;
        serial = turn?.serial ?? serial;
        return others;
      };
      let startSample = 0;
      for await (const channels of this.#job.play(engine, progress, signal, interrupted)) {
        const length = lengthOf(channels);
        progress.emit({ type: 'chunk', startSample, samples: length });
        if (shares) {
          turn?.release();
          turn = undefined;
        }
        yield { channels, sampleRate: this.#job.sampleRate, startSample };
        turn ??= await this.#turns.lock(true);
        progress.resume();
        startSample += length;
      }
    } finally {
      turn?.release();
    }
  }

  /** Memory that playing it takes, bytes. Nothing is played. */
  async predictMemory(): Promise<MemoryForecast> {
    const { signal } = this.#options;
    const { channels: _, sampleRate } = this.#job;
    return forecast(this.#turns.engine, signal, async (m) => {
      let left = REHEARSED_SECONDS * sampleRate;
      for await (const [part] of this.#job.play(m, new Progress(undefined, signal, m, this.#turns.span), signal, () => false)) {
        left -= part?.length ?? 0;
        if (left <= 0) break;
      }
    });
  }
}

/** Says of a job what a person would want to know before it begins. */
export function warnOf(
  {
    unknown,
    continueFrom,
    initAudio,
    recipe,
    channels,
    sampleRate,
  }: {
    readonly unknown: readonly string[];
    readonly continueFrom?: AudioInput | undefined;
    readonly initAudio?: AudioInput | undefined;
    readonly recipe: { readonly model: string };
    readonly channels?: number;
    readonly sampleRate?: number;
  },
  { asked, weights }: { readonly asked: unknown; readonly weights: string | undefined },
  progress: Progress,
): void {
  if (unknown.length > 0)
    progress.warn('unknown_words', `the model does not know ${unknown.map((part) => JSON.stringify(part)).join(', ')}`);
  if (continueFrom) sayOfGiven('continueFrom', continueFrom, progress, channels && sampleRate ? { channels, sampleRate } : undefined);
  if (initAudio) sayOfGiven('initAudio', initAudio, progress);
  if (asked !== undefined && weights !== undefined && asked !== weights)
    progress.warn('other_weights', `the recipe was made with other weights of ${recipe.model}: this will be something like it`);
}
