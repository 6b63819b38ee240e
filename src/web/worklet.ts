// The AudioWorklet that plays: a ring of samples, filled by messages, emptied by the sound card. Waits until enough is there, and counts
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
  | { readonly type: 'samples'; readonly samples: Float32Array }
  /** Nothing more will come: play what is left, however little. */
  | { readonly type: 'end' }
  /** Forget everything and wait for a new piece that starts after `startSeconds` of it are here. */
  | { readonly type: 'clear'; readonly startSeconds: number };

export interface PlayerReport {
  /** Samples heard of this piece. */
  readonly played: number;
  /** Samples waiting to be heard. */
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
const FIRST_CAPACITY = 2 ** 19; // samples; grows for pieces that come all at once

class Ring extends AudioWorkletProcessor {
  #ring = new Float32Array(FIRST_CAPACITY);
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
      if (data.type === 'samples') this.#write(data.samples);
      else if (data.type === 'end') this.#ended = true;
      else this.#clear(data.startSeconds);
    };
  }

  process(_inputs: unknown, outputs: Float32Array[][]): boolean {
    const [out] = outputs[0];
    const buffered = this.#written - this.#played;
    if (!this.#flowing && buffered > 0 && (this.#ended || buffered >= this.#start)) this.#flowing = true;
    const count = this.#flowing ? Math.min(out.length, buffered) : 0;
    const ring = this.#ring;
    for (let i = 0; i < count; i++) {
      const value = ring[(this.#played + i) % ring.length];
      out[i] = value;
      this.#peak = Math.max(this.#peak, Math.abs(value));
    }
    this.#played += count;
    if (this.#flowing && count < out.length) {
      this.#flowing = false; // and waits for a full start again, so that one slow moment is one gap
      if (!this.#ended) this.#underruns += 1;
    }
    this.#sinceReport += out.length;
    if (this.#sinceReport >= REPORT_SECONDS * sampleRate) this.#report();
    return true;
  }

  #write(samples: Float32Array): void {
    const needed = this.#written - this.#played + samples.length;
    if (needed > this.#ring.length) this.#grow(needed);
    const at = this.#written % this.#ring.length;
    const first = Math.min(samples.length, this.#ring.length - at);
    this.#ring.set(samples.subarray(0, first), at);
    this.#ring.set(samples.subarray(first), 0);
    this.#written += samples.length;
  }

  #grow(needed: number): void {
    const larger = new Float32Array(2 ** Math.ceil(Math.log2(needed)));
    for (let i = this.#played; i < this.#written; i++) larger[i % larger.length] = this.#ring[i % this.#ring.length];
    this.#ring = larger;
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
