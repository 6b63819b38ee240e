// The AudioWorklet that plays: a ring of samples for every channel, filled by messages, emptied by the sound card. Waits until enough is there, and counts
// every time that it runs dry.

interface WorkletPort {
  postMessage(message: PlayerReport): void;
  onmessage: ((event: MessageEvent<PlayerMessage>) => void) | null;
}
declare class AudioWorkletProcessor {
  readonly port: WorkletPort;
}
declare function registerProcessor(name: string, processor: unknown): void;
declare const sampleRate: number;

export type PlayerMessage =
  /** As many samples of each channel. */
  | { readonly type: 'samples'; readonly channels: readonly Float32Array[] }
  /** Nothing more will come: play what is left, however little. */
  | { readonly type: 'end' }
  /** Forget everything and wait for a new piece that starts after `startSeconds` of it are here. */
  | { readonly type: 'clear'; readonly startSeconds: number };

export interface PlayerReport {
  /** Samples of each channel: heard of this piece, */
  readonly played: number;
  /** and waiting to be heard. */
  readonly buffered: number;
  /** How often the ring ran dry in the middle of the piece. */
  readonly underruns: number;
  readonly flowing: boolean;
  /** All of the piece was heard. */
  readonly finished: boolean;
  /** Largest sample since the last report. */
  readonly peak: number;
}

const REPORT_SECONDS = 0.1;
const FIRST_CAPACITY = 2 ** 19; // samples of a channel; grows for pieces that come all at once

class Ring extends AudioWorkletProcessor {
  #rings: Float32Array[] = [new Float32Array(FIRST_CAPACITY)]; // one a channel
  #written = 0;
  #played = 0;
  #start = 0; // samples that must be there before it flows
  #flowing = false;
  #ended = false;
  #underruns = 0;
  #peak = 0;
  #sinceReport = 0;
  #lastReport = '';

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data.type === 'samples') this.#write(data.channels);
      else if (data.type === 'end') this.#ended = true;
      else this.#clear(data.startSeconds);
    };
  }

  process(_inputs: unknown, outputs: Float32Array[][]): boolean {
    const [{ length }] = outputs[0];
    const buffered = this.#written - this.#played;
    if (!this.#flowing && buffered > 0 && (this.#ended || buffered >= this.#start)) this.#flowing = true;
    const count = this.#flowing ? Math.min(length, buffered) : 0;
    for (const [c, out] of outputs[0].entries()) {
      const ring = this.#rings[c % this.#rings.length]; // mono sounds from every side
      for (let i = 0; i < count; i++) {
        const value = ring[(this.#played + i) % ring.length];
        out[i] = value;
        this.#peak = Math.max(this.#peak, Math.abs(value));
      }
    }
    this.#played += count;
    if (this.#flowing && count < length) {
      this.#flowing = false; // and waits for a full start again, so that one slow moment is one gap
      if (!this.#ended) this.#underruns += 1;
    }
    this.#sinceReport += length;
    if (this.#sinceReport >= REPORT_SECONDS * sampleRate) this.#report();
    return true;
  }

  #write(channels: readonly Float32Array[]): void {
    const [{ length }] = channels;
    const needed = this.#written - this.#played + length;
    const [ring] = this.#rings;
    const capacity = needed > ring.length ? 2 ** Math.ceil(Math.log2(needed)) : ring.length;
    if (capacity > ring.length || channels.length !== this.#rings.length)
      this.#rings = channels.map((_, c) => this.#copy(this.#rings[c % this.#rings.length], capacity));
    for (const [c, samples] of channels.entries()) {
      const to = this.#rings[c];
      const at = this.#written % capacity;
      const first = Math.min(length, capacity - at);
      to.set(samples.subarray(0, first), at);
      to.set(samples.subarray(first), 0);
    }
    this.#written += length;
  }

  /** What waits in a ring, in one of this capacity. */
  #copy(ring: Float32Array, capacity: number): Float32Array {
    const other = new Float32Array(capacity);
    for (let i = this.#played; i < this.#written; i++) other[i % capacity] = ring[i % ring.length];
    return other;
  }

  #clear(startSeconds: number): void {
    this.#written = this.#played = this.#underruns = 0;
    this.#flowing = this.#ended = false;
    this.#start = Math.max(1, Math.round(startSeconds * sampleRate));
    this.#report();
  }

  #report(): void {
    this.#sinceReport = 0;
    const report: PlayerReport = {
      played: this.#played,
      buffered: this.#written - this.#played,
      underruns: this.#underruns,
      flowing: this.#flowing,
      finished: this.#ended && this.#played === this.#written,
      peak: this.#peak,
    };
    this.#peak = 0;
    const text = JSON.stringify(report);
    if (text === this.#lastReport) return; // silence says nothing new
    this.#lastReport = text;
    this.port.postMessage(report);
  }
}

registerProcessor('melody-ring', Ring);
