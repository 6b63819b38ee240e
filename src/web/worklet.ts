// The AudioWorklet that plays: a ring of samples for every channel, filled by messages, emptied by the sound card. Waits until enough is there, and counts
// every time that it runs dry. In a context of another rate, what lies between two samples is read from a windowed sinc.

interface WorkletPort {
  postMessage(message: PlayerReport): void;
  onmessage: ((event: MessageEvent<PlayerMessage>) => void) | null;
}
declare class AudioWorkletProcessor {
  readonly port: WorkletPort;
}
declare function registerProcessor(name: string, processor: unknown): void;
declare const sampleRate: number;
declare const currentTime: number;

/** `processorOptions`: samples a second of what it is given; default the rate of the context. */
export interface RingOptions {
  readonly inputRate: number;
}

export type PlayerMessage =
  /** As many samples of each channel; from sample `at` of the piece on they take the place of what waits. Default: behind all that waits. */
  | { readonly type: 'samples'; readonly channels: readonly Float32Array[]; readonly at?: number | undefined }
  /** Nothing more will come: play what is left, however little. */
  | { readonly type: 'end' }
  /** Forget everything and wait for a new piece that starts after `startSeconds` of it are here; `piece` is its number. What still sounds fades out under
   * it, and a piece that begins `within` a wave fades in. */
  | { readonly type: 'clear'; readonly startSeconds: number; readonly piece: number; readonly within: boolean }
  /** Fade out and stand still, or go on and fade in. */
  | { readonly type: 'hold'; readonly held: boolean }
  /** Nothing will be played any more. Until it is told, the browser keeps it and calls it, in a context of the page's own for as long as that lives. */
  | { readonly type: 'close' };

export interface PlayerReport {
  /** Which piece it tells of, as the message `clear` numbers them. */
  readonly piece: number;
  /** Seconds of the context at which the sample after those `played` sounds, if it flows. */
  readonly time: number;
  /** Samples of each channel: heard of this piece, */
  readonly played: number;
  /** and waiting to be heard. */
  readonly buffered: number;
  /** How often the ring ran dry in the middle of the piece. */
  readonly underruns: number;
  readonly flowing: boolean;
  /** All of the piece was heard. */
  readonly finished: boolean;
  /** It is held, and has faded out. */
  readonly still: boolean;
  /** Largest sample since the last report. */
  readonly peak: number;
}

const REPORT_SECONDS = 0.1;
/** An edge in the middle of a wave clicks; this is short enough to feel immediate. It is done here, sample by sample: an AudioParam is told the time when the
 * page asked, and where the sound is past it by then, it begins in the middle of its curve. */
const FADE_SECONDS = 0.03;
/** What takes the place of what waits fades in over it: it is the same, unless it comes too late. */
const JOIN_SECONDS = 0.01;
/** Samples on each side that a sample between two is read from, and steps between two for which weights are kept. */
const REACH = 12;
const STEPS = 256;
const FADE = Math.round(FADE_SECONDS * sampleRate); // samples of the context
const FIRST_CAPACITY = 2 ** 19; // samples of a channel; grows for pieces that come all at once

class Ring extends AudioWorkletProcessor {
  #rings: Float32Array[] = [new Float32Array(FIRST_CAPACITY)]; // one a channel
  #written = 0;
  #played = 0;
  #piece = 0;
  #start = 0; // samples that must be there before it flows
  #flowing = false;
  #ended = false;
  #underruns = 0;
  #peak = 0;
  #sinceReport = 0;
  #lastReport = '';
  #held = false;
  #level = FADE; // its share that is heard, of FADE: falls while it is held, rises while it flows
  #tail: Float32Array[] = []; // of what was cleared while it sounded, one a channel
  #fresh = false; // it flows, or goes on, from now
  readonly #rate: number;
  readonly #ratio: number; // samples of the piece to one of the context
  readonly #weights: Float32Array | undefined;
  #between = 0; // of the next sample, past #played

  constructor({ processorOptions }: { processorOptions?: RingOptions } = {}) {
    super();
    this.#rate = processorOptions?.inputRate ?? sampleRate;
    this.#ratio = this.#rate / sampleRate;
    this.#weights = this.#ratio === 1 ? undefined : sincTable(Math.min(1, 1 / this.#ratio));
    this.port.onmessage = ({ data }) => {
      if (data.type === 'samples') this.#write(data.channels, data.at);
      else if (data.type === 'end') this.#ended = true;
      else if (data.type === 'hold') this.#hold(data.held);
      else if (data.type === 'clear') this.#clear(data);
      else this.#close();
    };
  }

  process(_inputs: unknown, [outputs = []]: Float32Array[][]): boolean {
    const length = outputs[0]?.length ?? 0;
    this.#addTail(outputs, length);
    if (this.#still) return this.#rings.length > 0 || this.#tail.length > 0;
    const buffered = this.#written - this.#played;
    if (!this.#flowing && buffered > 0 && (this.#ended || buffered >= this.#start)) {
      this.#flowing = true;
      this.#fresh = true;
    }
    if (this.#fresh) this.#report(currentTime); // at once: beats are counted from it
    this.#fresh = false;
    // Samples of the context that there is something for: those between two samples need their right neighbours, until the piece ends.
    const there = this.#weights && !this.#ended ? buffered - REACH : buffered;
    const most = this.#held ? Math.min(length, this.#level) : length;
    const count = this.#flowing ? Math.max(0, Math.min(most, Math.ceil((there - this.#between) / this.#ratio))) : 0;
    const slope = this.#held ? -1 : 1;
    for (const [c, out] of outputs.entries()) {
      const ring = this.#ring(c);
      for (let i = 0; i < count; i++) {
        const value = (Math.min(FADE, this.#level + i * slope) / FADE) * this.#sample(ring, i);
        out[i] = (out[i] ?? 0) + value;
        this.#peak = Math.max(this.#peak, Math.abs(value));
      }
    }
    this.#level = Math.min(FADE, this.#level + count * slope);
    const passed = this.#between + count * this.#ratio;
    const whole = Math.min(Math.floor(passed), buffered);
    this.#played += whole;
    this.#between = passed - whole;
    if (this.#flowing && count < most) {
      this.#flowing = false; // and waits for a full start again, so that one slow moment is one gap
      if (!this.#ended) this.#underruns += 1;
    }
    this.#sinceReport += length;
    if (this.#still || this.#sinceReport >= REPORT_SECONDS * sampleRate) this.#report(currentTime + length / sampleRate);
    return true;
  }

  /** Held, and nothing of it is heard any more. */
  get #still(): boolean {
    return this.#held && !(this.#flowing && this.#level > 0);
  }

  /** What sample `i` of the context from now on is, without its level. */
  #sample(ring: Float32Array, i: number): number {
    return this.#weights ? this.#valueAt(ring, this.#between + i * this.#ratio) : (ring[(this.#played + i) % ring.length] ?? 0);
  }

  #addTail(outputs: Float32Array[], length: number): void {
    if (this.#tail.length === 0) return;
    for (const [c, out] of outputs.entries()) out.set((this.#tail[c % this.#tail.length] as Float32Array).subarray(0, length));
    this.#tail = this.#tail.map((samples) => samples.subarray(length)).filter((samples) => samples.length > 0);
  }

  /** Ends what sounds, and keeps its next samples as they fade out: with those of the one before, which may not be over. */
  #keepTail(): void {
    if (!this.#flowing) return;
    const before = this.#tail;
    const count = Math.min(this.#level, Math.floor((this.#written - this.#played) / this.#ratio));
    const length = Math.max(count, before[0]?.length ?? 0);
    this.#tail = this.#rings.map((ring, c) =>
      Float32Array.from({ length }, (_, i) => {
        const now = i < count ? ((this.#level - i) / FADE) * this.#sample(ring, i) : 0;
        return now + (before[c % before.length]?.[i] ?? 0);
      }),
    );
    this.#flowing = false;
  }

  #close(): void {
    this.#keepTail();
    this.#rings = [];
    this.#held = true;
  }

  /** Of channel `c` of the output: mono sounds from every side. */
  #ring(c: number): Float32Array {
    return this.#rings[c % this.#rings.length] as Float32Array; // there is one at least
  }

  /** The value `at` samples past #played, of a ring. */
  #valueAt(ring: Float32Array, at: number): number {
    const weights = this.#weights as Float32Array;
    const first = this.#played + Math.floor(at) - REACH + 1;
    const row = Math.round((at % 1) * STEPS) * 2 * REACH;
    let sum = 0;
    for (let k = 0; k < 2 * REACH; k++) {
      const sample = first + k;
      if (sample >= 0 && sample < this.#written) sum += (weights[row + k] ?? 0) * (ring[sample % ring.length] ?? 0);
    }
    return sum;
  }

  #write(given: readonly Float32Array[], at = this.#written): void {
    const from = Math.max(at, this.#played); // what was heard stays
    const channels = given.map((channel) => channel.subarray(from - at));
    const length = channels[0]?.length ?? 0;
    if (length === 0) return;
    const needed = from - this.#played + length + REACH;
    const there = this.#ring(0).length;
    const capacity = needed > there ? 2 ** Math.ceil(Math.log2(needed)) : there;
    if (capacity > there || channels.length !== this.#rings.length)
      this.#rings = channels.map((_, c) => this.#copy(this.#ring(c), capacity));
    for (const [c, samples] of channels.entries()) {
      const to = this.#ring(c);
      const place = from % capacity;
      const join = Math.min(length, this.#written - from, Math.round(JOIN_SECONDS * this.#rate));
      const start = Array.from(samples.subarray(0, Math.max(0, join)), (sample, i) => {
        const before = to[(from + i) % capacity] ?? 0;
        return before + ((i + 1) / (join + 1)) * (sample - before);
      });
      const first = Math.min(length, capacity - place);
      to.set(samples.subarray(0, first), place);
      to.set(samples.subarray(first), 0);
      for (const [i, value] of start.entries()) to[(from + i) % capacity] = value;
    }
    this.#written = from + length;
  }

  /** What waits in a ring, in one of this capacity. In runs: sample by sample it took 50 ms of a thread that comes before the page's. */
  #copy(ring: Float32Array, capacity: number): Float32Array {
    const other = new Float32Array(capacity);
    for (let at = Math.max(0, this.#played - REACH); at < this.#written; ) {
      const from = at % ring.length;
      const to = at % capacity;
      const length = Math.min(this.#written - at, ring.length - from, capacity - to);
      other.set(ring.subarray(from, from + length), to);
      at += length;
    }
    return other;
  }

  #hold(held: boolean): void {
    this.#held = held;
    this.#fresh = !held;
    this.#lastReport = ''; // the same place has another time
    if (this.#still) this.#report(currentTime);
  }

  #clear({ startSeconds, piece, within }: { startSeconds: number; piece: number; within: boolean }): void {
    this.#keepTail();
    this.#level = within ? 0 : FADE;
    this.#piece = piece;
    this.#written = this.#played = this.#underruns = this.#between = 0;
    this.#ended = false;
    this.#start = Math.max(1, Math.round(startSeconds * this.#rate));
    this.#report(currentTime);
  }

  #report(time: number): void {
    this.#sinceReport = 0;
    const report = {
      piece: this.#piece,
      played: this.#played,
      buffered: this.#written - this.#played,
      underruns: this.#underruns,
      flowing: this.#flowing,
      finished: this.#ended && this.#played === this.#written,
      still: this.#still,
      peak: this.#peak,
    };
    this.#peak = 0;
    const text = JSON.stringify(report);
    if (text === this.#lastReport) return; // silence says nothing new
    this.#lastReport = text;
    this.port.postMessage({ ...report, time });
  }
}

/** Weights of the samples around a place between two, `STEPS` + 1 rows of 2 × `REACH`. `band`: share of the piece's band that is kept. */
function sincTable(band: number): Float32Array {
  const table = new Float32Array((STEPS + 1) * 2 * REACH);
  for (let step = 0; step <= STEPS; step++) {
    let sum = 0;
    const row = table.subarray(step * 2 * REACH, (step + 1) * 2 * REACH);
    for (let k = 0; k < row.length; k++) {
      const x = k - REACH + 1 - step / STEPS;
      const angle = Math.PI * x * band;
      const sinc = x === 0 ? 1 : Math.sin(angle) / angle;
      const weight = Math.fround(sinc * Math.cos((Math.PI * x) / (2 * (REACH + 1))) ** 2); // a Hann window
      row[k] = weight;
      sum += weight;
    }
    row.set(row.map((weight) => weight / sum)); // silence and constants stay what they are
  }
  return table;
}

registerProcessor('melody-ring', Ring);
