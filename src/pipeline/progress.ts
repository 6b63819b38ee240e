// How far a job is: one rising fraction over all stages, an estimate of the rest, and the time each stage took.
import type { Machine } from '../engine/engine.ts';
import { aborted } from '../engine/engine.ts';
import type { MelodyEvent, Stage } from './options.ts';

/** What a finished clip took. */
export interface Timings {
  /** Seconds of computing for the style. */
  readonly style: number;
  /** Seconds of computing for the semantic tokens. */
  readonly tokens: number;
  /** Seconds of computing for the latents. */
  readonly diffusion: number;
  /** Seconds of computing for the samples. */
  readonly decoding: number;
  /** Seconds of computing in all. */
  readonly total: number;
  /** Seconds of audio made per second of computing. */
  readonly speed: number;
  /** Most bytes of GPU buffers at one time of the job, with all that was there before. */
  readonly peakBytes: number;
}

/** Shares of the stages in a typical job: [start, end] of each in the whole. */
const SPAN: Readonly<Record<Stage, readonly [number, number]>> = {
  style: [0, 0.02],
  tokens: [0.02, 0.15],
  diffusion: [0.15, 0.93],
  decoding: [0.93, 1],
};

export class Progress {
  readonly #onEvent: ((event: MelodyEvent) => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #engine: Machine;
  /** Seconds of computing so far, by stage. */
  readonly seconds: Record<Stage, number> = { style: 0, tokens: 0, diffusion: 0, decoding: 0 };
  readonly #span: typeof SPAN;
  readonly #start = performance.now();
  #fraction = 0;
  #recoveries: number;

  /** `span`: shares of the stages, [start, end] of each; default those of MeLoDy. */
  constructor(onEvent: ((event: MelodyEvent) => void) | undefined, signal: AbortSignal | undefined, engine: Machine, span = SPAN) {
    this.#span = span;
    this.#onEvent = onEvent;
    this.#signal = signal;
    this.#engine = engine;
    this.#recoveries = engine.recoveries;
  }

  /** After another job's turn: what was recovered in it is not this one's. */
  resume(): void {
    this.#recoveries = this.#engine.recoveries;
  }

  /** Hands an event to the caller; none follows after an abort. */
  emit(event: MelodyEvent): void {
    if (!this.#signal?.aborted) this.#onEvent?.(event);
  }

  warn(code: Extract<MelodyEvent, { type: 'warning' }>['code'], message: string): void {
    this.emit({ type: 'warning', code, message });
  }

  /** `within` (0…1) of a stage is done. */
  report(stage: Stage, within: number): void {
    const [from, to] = this.#span[stage];
    this.#fraction = Math.max(this.#fraction, from + (to - from) * Math.min(1, within));
    const spent = (performance.now() - this.#start) / 1000;
    this.emit({
      type: 'progress',
      stage,
      fraction: this.#fraction,
      etaSeconds: this.#fraction > 0 ? (spent * (1 - this.#fraction)) / this.#fraction : Number.NaN,
    });
  }

  /** Time a stage, say that it started, and refuse to start it after an abort. */
  async during<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    if (this.#signal?.aborted) throw aborted();
    this.report(stage, 0);
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.seconds[stage] += (performance.now() - start) / 1000;
      if (this.#engine.recoveries > this.#recoveries)
        this.warn('gpu_recovered', `the GPU was lost during ${stage} and opened again; the stage was repeated`);
      this.resume();
    }
  }

  finish(audioSeconds: number, peakBytes: number): Timings {
    const total = (performance.now() - this.#start) / 1000;
    this.report('decoding', 1);
    this.emit({ type: 'done', seconds: total });
    return { ...this.seconds, total, speed: audioSeconds / total, peakBytes };
  }
}
