// The style of a piece through its changes.
import type { Job } from './job.ts';
import type { Steering, StyleOptions } from './options.ts';
import type { Piece } from './piece.ts';
import { type PieceFacts, type Style, styleOf } from './stages/style.ts';

/** Whether music that starts at `seconds` follows the change. */
export const isDue = ({ atSeconds }: Steering, seconds: number): boolean => atSeconds <= seconds + 1e-6;

/**
 * The style of a piece along its way: the one it begins with, then what was asked for later, beforehand or live. What was steered live is
 * asked for beforehand the next time, and makes the same music again.
 */
export class SteeredStyle {
  readonly #job: Job;
  readonly #facts: PieceFacts;
  #planned: Steering[];
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

  /**
   * Tokens of the piece up to `target` (frames), each in the style that is due at it. A change that is made anew takes no effect here, nor does
   * what comes after it. Returns the frames of the changes that did.
   */
  async plan(piece: Piece, target: number): Promise<number[]> {
    const frames: number[] = [];
    for (let next = this.#planned[0]; next && !next.anew; next = this.#planned[0]) {
      const frame = this.#frameOf(next, piece);
      if (frame >= target) break;
      await this.#job.plan(piece, await this.now(), frame);
      this.#planned.shift();
      this.#ask(next);
      frames.push(frame);
    }
    await this.#job.plan(piece, await this.now(), target);
    return frames;
  }

  /** From the next token on another style: after what was planned for an earlier time. */
  change(style: StyleOptions, piece: Piece): void {
    this.due(piece);
    this.#ask(style);
  }

  /** What was planned for the next token, or an earlier one, holds from now on. */
  due(piece: Piece): void {
    for (let next = this.#planned[0]; next && this.#frameOf(next, piece) <= piece.end; next = this.#planned[0]) {
      this.#planned.shift();
      this.#ask(next);
    }
  }

  /** The frame that the piece has reached from which music is to be made anew. */
  cutAt(piece: Piece): number | undefined {
    const next = this.#planned.find(({ anew }) => anew);
    const frame = next && this.#frameOf(next, piece);
    return frame !== undefined && frame <= piece.end ? frame : undefined;
  }

  /** Where it stands: calling what this gives brings it back. */
  mark(): () => void {
    const [planned, asked, now] = [[...this.#planned], this.#asked, this.#now];
    return () => {
      [this.#planned, this.#asked, this.#now] = [[...planned], asked, now];
    };
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
