// A piece made window by window, as a stream plays it. It can go back: what was made past some frame is dropped, and made again in another style.
//
//   windows    |----------- k -----------|     made whole, then
//   goes back  |------- k -------|F            cut at F: the next windows are short, so that the change is heard soon
//   heard      |---- k ----|A--- new ---       frames near F wait for what follows them, so that sound stays up to A alone
//
// A recipe that says where it went back makes the same windows, whole first, and the same samples.
import { cutAudio, lengthOf } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import { decoderContext } from '../models/vae_decoder.ts';
import { begin, type Job, windowSizes } from './job.ts';
import { inTurns, runningLevel } from './levels.ts';
import type { AudioInput, StyleOptions } from './options.ts';
import type { Piece } from './piece.ts';
import { decode } from './stages/networks.ts';
import { freshFrames, nextWindow, type WindowSizes } from './stages/schedule.ts';
import type { SteeredStyle } from './steered_style.ts';

/** After a cut, the first windows see one chunk of what went before, and the first makes whole chunks of at least so many seconds. */
const SHORT_WINDOWS = 2;
const SHORT_SECONDS = 1.5;
/** A change is made in time if it takes so much longer than the last window says, and what is heard is known so late. */
const PRUDENCE = 1.2;
const LATE_SECONDS = 0.2;
/** How much longer a window takes for which plans are compiled and weights laid out (measured on two cores: 1.9 to 2.6 times). */
const COLD = 2;
/** So much music can be gone back. */
const KEPT_SECONDS = 30;

/** A window, and how to stand where it began or ended. */
interface Mark {
  /** Frame after its last one as it was made, */
  readonly whole: number;
  /** and of what stayed of it. */
  end: number;
  /** Frames from which changes of style that were asked for beforehand took effect within it. */
  readonly changes: readonly number[];
  readonly piece: () => void;
  readonly before: () => void;
  readonly after: () => void;
}

/** Samples that follow those before `startSample`, one array a channel. */
export interface Part {
  readonly channels: Float32Array[];
  readonly startSample: number;
}

export class Course {
  readonly #job: Job;
  readonly #piece: Piece;
  readonly #style: SteeredStyle;
  readonly #sizes: WindowSizes;
  readonly #reach: number;
  readonly #target: number; // frames; may be Infinity
  readonly #samples: number;
  readonly #leveller: ReturnType<typeof runningLevel>;
  readonly #marks: [Mark, ...Mark[]];
  #index = 0; // of the next window, since the beginning or the last cut
  #cut = false;
  #played: number; // frames decoded
  #sample = 0; // after those that came out of the leveller
  #resume = 0; // those before it were given
  #pace = 0; // seconds that a frame of a window takes if all threads work
  #cold: boolean;

  private constructor(job: Job, piece: Piece, style: SteeredStyle, given: AudioInput | undefined, durationSeconds: number, cold: boolean) {
    const { config } = job.engine.model;
    this.#job = job;
    this.#cold = cold;
    this.#piece = piece;
    this.#style = style;
    this.#sizes = windowSizes(job.engine, job.recipe);
    this.#reach = decoderContext(config.vae_decoder);
    this.#samples = Math.round(durationSeconds * config.sample_rate);
    this.#target = piece.given + Math.ceil(this.#samples / config.hop_length);
    this.#leveller = job.recipe.runningLevel ? runningLevel(job.recipe, config, given) : undefined;
    this.#played = piece.given;
    const here = this.#mark();
    this.#marks = [{ whole: piece.end, end: piece.end, changes: [], piece: piece.mark(), before: here, after: here }];
  }

  /** Throws on a wrong style before anything else is done. `durationSeconds` may be Infinity. */
  static async begin(job: Job, style: SteeredStyle, given: AudioInput | undefined, durationSeconds: number): Promise<Course> {
    const cold = job.engine.cold === true;
    await style.now();
    return new Course(job, await begin(job, given), style, given, durationSeconds, cold);
  }

  /** All of it was made. */
  get done(): boolean {
    return this.#played >= this.#target;
  }

  /** Another style from the next window on; returns the second that it begins with. */
  change(style: StyleOptions): number {
    this.#style.change(style, this.#piece);
    return (this.#piece.end - this.#piece.given) / this.#job.engine.model.config.frame_rate;
  }

  /** Makes the next window; gives the samples that are ready with it, if any. */
  async next(): Promise<Part | undefined> {
    while (this.#style.cutAt(this.#piece) !== undefined) this.#goBack(this.#style.cutAt(this.#piece) as number);
    const piece = this.#piece;
    const start = performance.now();
    const sizes = this.#sizesNow;
    const before = this.#mark();
    const { room } = this.#upcoming;
    const last = piece.end + room >= this.#target;
    piece.extendTo(last ? this.#target : piece.end + room);
    const changes = await this.#style.plan(piece, piece.end);
    const found = nextWindow(piece.known.slice(piece.offset), this.#index, sizes);
    if (!found) throw new MelodyError('graph', `stream: no window left at frame ${piece.end} of ${this.#target}`);
    await this.#job.render(piece, [{ ...found, start: found.start + piece.offset }], (within) => within);
    const made = piece.mark();
    // Frames near the end wait for their right neighbours, so that the stream equals the decoding of the whole.
    const part = await this.#sound(last ? this.#target : piece.end - this.#reach, last);
    this.#index += 1;
    const pace = (performance.now() - start) / 1000 / found.length / (this.#cold ? COLD : 1);
    const slower = this.#job.engine.rested?.() === true && this.#pace > 0;
    this.#pace = slower ? Math.min(this.#pace, pace) : pace;
    this.#cold = false;
    this.#marks.push({ whole: piece.end, end: piece.end, changes, piece: made, before, after: this.#mark() });
    const { frame_rate } = this.#job.engine.model.config;
    while ((this.#marks[1]?.end ?? Infinity) < piece.end - KEPT_SECONDS * frame_rate) this.#marks.shift();
    piece.forgetBefore(Math.min(piece.end - sizes.window, this.#played - this.#reach));
    return part;
  }

  /** Seconds that the next window, and with it the next samples, will take at the speed of the last one; 0 at the end. */
  get nextSeconds(): number {
    const { context, room } = this.#upcoming;
    return this.done ? 0 : this.#pace * (context + Math.min(room, this.#target - this.#piece.end));
  }

  /** Frames of the next window: those that it sees, and those that it makes if the piece goes on. */
  get #upcoming(): { context: number; room: number } {
    const { end, origin, offset } = this.#piece;
    const context = Math.min(end - origin - offset, this.#sizesNow.context);
    return { context, room: freshFrames(this.#index, context, this.#sizesNow) };
  }

  get #sizesNow(): WindowSizes {
    if (!this.#cut) return this.#sizes;
    return { ...this.#sizes, first: this.#short, ...(this.#index < SHORT_WINDOWS && { context: this.#sizes.grid }) };
  }

  /**
   * Drops what was made past some moment, from which another style holds. `heardSeconds` are heard now: it is the first moment that can be made
   * before it is heard, by the speed of the last window. Returns its seconds; undefined where the piece ends before, and stays as it is.
   */
  goBack(heardSeconds: number, change: StyleOptions): number | undefined {
    const { sample_rate, frame_rate, dual_path } = this.#job.engine.model.config;
    const { given } = this.#piece;
    const stays = (heardSeconds + LATE_SECONDS + PRUDENCE * this.#pace * (this.#short + this.#sizes.grid)) * sample_rate;
    let frame = Math.max(this.#marks[0]?.end ?? 0, given + Math.ceil((stays / sample_rate) * frame_rate));
    frame = Math.ceil(frame / dual_path.frames_per_token) * dual_path.frames_per_token;
    const made = this.#marks.at(-1)?.end ?? 0;
    while (frame < made && this.#sampleAt(frame) < stays) frame += dual_path.frames_per_token;
    const mark = this.#marks.find((one) => one.end >= frame);
    // What came before a change within the window was made with that in sight; a recipe would not make it so once the change is dropped.
    if (mark?.changes.some((at) => at > frame)) frame = mark.end;
    frame = Math.min(frame, made);
    if (frame >= this.#target) return undefined;
    this.#goBack(frame);
    return this.change(change);
  }

  /** To where a frame, the first of a token, comes next. */
  #goBack(frame: number): void {
    const place = this.#marks.findIndex(({ end }) => end >= frame);
    const mark = this.#marks[place] as Mark; // the last one ends where the piece does
    mark.piece();
    if (frame < mark.whole) {
      mark.before();
      this.#piece.cut(frame);
    } else mark.after();
    this.#marks.length = place + 1;
    mark.end = frame;
    this.#resume = this.#sampleAt(frame);
    this.#job.goBack(frame, this.#piece.given);
    this.#style.due(this.#piece);
    this.#cut = true;
    this.#index = 0;
  }

  /** Frames up to `ready`, decoded and levelled: those that were not given yet. */
  async #sound(ready: number, last: boolean): Promise<Part | undefined> {
    const piece = this.#piece;
    const { hop_length, sample_rate } = this.#job.engine.model.config;
    const { given } = piece;
    if (ready <= this.#played) return undefined;
    const raw = cutAudio(await this.#decode(this.#played, ready), 0, this.#samples - (this.#played - given) * hop_length);
    const channels = this.#leveller ? await inTurns(this.#leveller, raw, last, sample_rate) : raw;
    const from = this.#sample;
    this.#played = ready;
    this.#sample += lengthOf(channels);
    const startSample = Math.max(from, this.#resume);
    const cut = this.#style.cutAt(piece);
    const end = cut === undefined ? this.#sample : Math.min(this.#sample, this.#sampleAt(cut));
    if (end <= startSample) return undefined;
    return { channels: cutAudio(channels, startSample - from, end - from), startSample };
  }

  #decode(from: number, to: number): Promise<Float32Array[]> {
    const { latents, origin, phase } = this.#piece;
    const { progress, engine, signal } = this.#job;
    return progress.during('decoding', () => decode(engine, latents, from - origin, to - origin, { origin, phase, signal }));
  }

  /** Samples that come out before anything of this frame is known. */
  #sampleAt(frame: number): number {
    const decoded = Math.max(0, frame - this.#reach - this.#piece.given) * this.#job.engine.model.config.hop_length;
    return this.#leveller?.outOf(decoded) ?? decoded;
  }

  /** Frames that the first window after a cut makes. */
  get #short(): number {
    const { grid } = this.#sizes;
    return Math.ceil((SHORT_SECONDS * this.#job.engine.model.config.frame_rate) / grid) * grid;
  }

  #mark(): () => void {
    const [phase, level, style] = [this.#piece.phase?.mark(), this.#leveller?.mark(), this.#style.mark()];
    const [played, sample] = [this.#played, this.#sample];
    return () => {
      phase?.();
      level?.();
      style();
      [this.#played, this.#sample] = [played, sample];
    };
  }
}
