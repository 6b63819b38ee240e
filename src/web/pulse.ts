// The beats of what is heard, told as they fall, with their times on the audio clock.

import { type Beat, type BeatMark, beatsBetween } from '../audio/beats.ts';
import type { Region } from '../pipeline/options.ts';

/** A beat of the piece as it is heard. */
export interface HeardBeat extends Beat {
  /** When it sounds: seconds of the context that it plays in (`AudioContext.currentTime`), without the delay of the sound device. */
  readonly time: number;
  /** When the next beat sounds, the same clock, if the music goes on as it was planned: time enough to schedule a sound with it. */
  readonly next: number;
}

/** Where the music is: what the player reports. */
export interface Place {
  /** Seconds of the audio clock at which */
  readonly time: number;
  /** this second of the piece sounds, */
  readonly at: number;
  /** and the seconds that are there to be heard without a gap from then on. */
  readonly ready: number;
  /** What is heard again and again. */
  readonly region: Region | undefined;
}

/** Beats are found this long before they fall: some reports of the player may be late. */
const AHEAD_SECONDS = 0.5;
/** Nearer on the audio clock than this it is the same beat, found again. */
const SAME_SECONDS = 1e-3;

export class Pulse {
  readonly #tell: (beat: HeardBeat) => void;
  #found: HeardBeat[] = []; // not told yet, in order
  #told = Number.NEGATIVE_INFINITY; // time of the last one
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (beat: HeardBeat) => void) {
    this.#tell = tell;
  }

  /** The music is here. `clock`: what is heard now, seconds of the audio clock. To be called some ten times a second: timers of hidden pages are late. */
  place({ time, at, ready, region }: Place, marks: readonly BeatMark[], clock: () => number): void {
    this.#found = this.#found.filter((beat) => beat.time < time - SAME_SECONDS); // a page that was busy has missed them
    let from = at;
    let fromTime = time;
    for (let left = Math.min(ready, AHEAD_SECONDS); left > SAME_SECONDS; ) {
      const until = Math.min(from + left, region?.end ?? Infinity);
      for (const beat of beatsBetween(marks, from, until)) {
        const heard = fromTime + beat.seconds - from;
        if (heard > this.#told + SAME_SECONDS) this.#found.push({ ...beat, time: heard, next: heard + 60 / beat.tempo });
      }
      fromTime += until - from;
      left -= until - from;
      from = region?.start ?? until;
    }
    this.#due(clock);
  }

  /** What was found is not heard: the music was stopped, or goes on elsewhere. `until`: of the audio clock; what falls before is on its way to the device. */
  clear(until = 0): void {
    this.#found = this.#found.filter(({ time }) => time < until);
  }

  /** Tells what has come, and waits for the next. */
  #due(clock: () => number): void {
    clearTimeout(this.#timer);
    let next = this.#found[0];
    for (; next && next.time <= clock() + SAME_SECONDS; next = this.#found[0]) {
      this.#found.shift();
      this.#told = next.time;
      this.#tell(next);
    }
    if (next) this.#timer = setTimeout(() => this.#due(clock), Math.max(1, (next.time - clock()) * 1000));
  }
}
