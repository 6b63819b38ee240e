// A region of a piece, or all of it, that is heard again and again, without a gap or a click where its end meets its start.

import { lengthOf } from '../audio/channels.ts';
import type { Region } from '../pipeline/options.ts';
import type { RecordedAudio } from './recording.ts';

/** What lies ready to be heard, and how long the end takes to become the start. */
const READY_SECONDS = 2;
const JOIN_SECONDS = 0.01;
/** A shorter region would be a tone. */
const MIN_SECONDS = 0.1;

export class Lap {
  readonly #start: number; // sample of the piece
  readonly #rate: number;
  readonly #channels: readonly Float32Array[];
  #given = 0; // samples that were handed over

  private constructor(channels: readonly Float32Array[], start: number, rate: number) {
    this.#channels = channels;
    this.#start = start;
    this.#rate = rate;
  }

  /** A part of what was kept of a piece, as far as it is there; undefined where that is too short. */
  static of({ channels, sampleRate, startSeconds }: RecordedAudio, { start, end }: Region): Lap | undefined {
    const place = (seconds: number) => Math.max(0, Math.min(lengthOf(channels), Math.round((seconds - startSeconds) * sampleRate)));
    const [from, to] = [place(start), place(end)];
    if (to - from < MIN_SECONDS * sampleRate) return undefined;
    const count = Math.min(from, Math.round(JOIN_SECONDS * sampleRate));
    const laps = channels.map((channel) => {
      if (count === 0) return channel.subarray(from, to);
      const lap = channel.slice(from, to);
      const before = channel.subarray(from - count, from);
      const end = lap.subarray(lap.length - count);
      for (const [i, value] of end.entries()) end[i] = value + ((i + 0.5) / count) * ((before[i] ?? 0) - value); // the last moment becomes what lies before the start
      return lap;
    });
    return new Lap(laps, Math.round(startSeconds * sampleRate) + from, sampleRate);
  }

  /** What is heard, seconds of the piece. */
  get region(): Region {
    return { start: this.#start / this.#rate, end: (this.#start + this.#length) / this.#rate };
  }

  get #length(): number {
    return lengthOf(this.#channels);
  }

  /** The first lap from a sample of the piece on: the sample it begins with, and what is heard. */
  from(sample: number): { at: number; channels: Float32Array[] } {
    const within = sample - this.#start;
    const skip = within >= 0 && within < this.#length ? within : 0;
    this.#given = this.#length - skip;
    return { at: this.#start + skip, channels: this.#channels.map((channel) => channel.subarray(skip)) };
  }

  /** The sample of the piece that is heard after so many samples from `at` on; where it is `over`, its end is no new beginning. */
  placeAfter(at: number, played: number, over = false): number {
    const place = (at - this.#start + played) % this.#length;
    return this.#start + (over && place === 0 ? this.#length : place);
  }

  /** Hands over laps until enough lies ready, where so many samples were heard. */
  feed(played: number, push: (channels: readonly Float32Array[]) => void): void {
    for (; this.#given - played < READY_SECONDS * this.#rate; this.#given += this.#length) push(this.#channels);
  }
}
