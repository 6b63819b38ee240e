// What was made of a piece so far, for saving: its last ten minutes.
import { joinAudio, lengthOf } from '../audio/channels.ts';

/** Seconds of a piece that a session keeps with `record`: its last ones. */
export const RECORDED_SECONDS = 600;

/** What a session kept of a piece: at most its last ten minutes. */
export interface RecordedAudio {
  /** One array a channel, of one length. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz. */
  readonly sampleRate: number;
  /** Seconds of the piece before it, which are not kept any more. */
  readonly startSeconds: number;
}

export class Recording {
  readonly sampleRate: number;
  #parts: (readonly Float32Array[])[] = [];
  #length = 0; // samples of a channel
  #forgotten = 0;

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate;
  }

  /** `at`: their place in the piece; they take the place of what was kept from there on. Default: at its end. */
  push(channels: readonly Float32Array[], at = this.#forgotten + this.#length): void {
    for (let over = this.#forgotten + this.#length - at; over > 0 && this.#parts.length > 0; over = this.#forgotten + this.#length - at) {
      const last = this.#parts.pop() as readonly Float32Array[];
      const stays = Math.max(0, lengthOf(last) - over);
      if (stays > 0) this.#parts.push(last.map((channel) => channel.subarray(0, stays)));
      this.#length -= lengthOf(last) - stays;
    }
    this.#parts.push(channels);
    this.#length += lengthOf(channels);
    while (this.#parts.length > 1 && this.#length > RECORDED_SECONDS * this.sampleRate) {
      const oldest = lengthOf(this.#parts.shift() ?? []);
      this.#length -= oldest;
      this.#forgotten += oldest;
    }
  }

  /** All of it; undefined when there is nothing. */
  audio(): RecordedAudio | undefined {
    if (this.#length === 0) return undefined;
    return { channels: joinAudio(...this.#parts), sampleRate: this.sampleRate, startSeconds: this.#forgotten / this.sampleRate };
  }
}
