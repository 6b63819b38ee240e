// The style of a piece along its way: the one it begins with, then what was asked for later, beforehand or live. What was steered live is
// asked for beforehand the next time, and makes the same music again.
import type { Job } from './job.ts';
import type { Steering, StyleOptions } from './options.ts';
import type { Piece } from './piece.ts';
import { type PieceFacts, type Style, styleOf } from './stages/style.ts';

/** Whether music that starts at `seconds` follows the change. */
export const isDue = ({ atSeconds }: Steering, seconds: number): boolean => atSeconds <= seconds + 1e-6;

export class SteeredStyle {
  readonly #job: Job;
  readonly #facts: PieceFacts;
  readonly #planned: Steering[];
  #asked: StyleOptions;
  #now: Style | undefined;

  constructor(job: Job, asked: StyleOptions, facts: PieceFacts) {
    this.#job = job;
    this.#asked = asked;
    this.#facts = facts;
    const { steered = [], durationSeconds = Infinity, wholeWindows } = job.recipe;
    const late = wholeWindows ? [] : steered.filter(({ atSeconds }) => atSeconds >= durationSeconds);
    this.#planned = steered.slice(0, steered.length - late.length);
    for (const { atSeconds } of late)
      job.progress.warn(
        'ignored_control',
        `the change at ${atSeconds} s comes after the end of the music, which lasts ${durationSeconds} s`,
      );
  }

  /** The style that holds now, made at first use. */
  async now(): Promise<Style> {
    const { engine, progress, signal } = this.#job;
    this.#now ??= await progress.during('style', () => styleOf(engine, { ...this.#asked, signal }, this.#facts, progress));
    return this.#now;
  }

  /** Tokens of the piece up to `target` (frames), each in the style that is due at it. */
  async plan(piece: Piece, target: number): Promise<void> {
    for (let next = this.#planned[0]; next && this.#frameOf(next, piece) < target; next = this.#planned[0]) {
      await this.#job.plan(piece, await this.now(), this.#frameOf(next, piece));
      this.#planned.shift();
      this.#ask(next);
    }
    await this.#job.plan(piece, await this.now(), target);
  }

  /** From the next token on another style: after what was planned for an earlier time. */
  change(style: StyleOptions, piece: Piece): void {
    while (this.#planned.length > 0 && this.#frameOf(this.#planned[0], piece) <= piece.end) this.#ask(this.#planned.shift() as Steering);
    this.#ask(style);
  }

  /** Tempo, key and metre hold until others are given. */
  #ask(change: StyleOptions): void {
    const { tempo, key, metre } = this.#asked;
    this.#asked = { ...change, tempo: change.tempo ?? tempo, key: change.key ?? key, metre: change.metre ?? metre };
    this.#now = undefined;
  }

  /** First frame that follows a change: that of a token. */
  #frameOf({ atSeconds }: Steering, piece: Piece): number {
    const { token_rate, dual_path } = this.#job.engine.model.config;
    return piece.given + Math.ceil(atSeconds * token_rate - 1e-6) * dual_path.frames_per_token;
  }
}
