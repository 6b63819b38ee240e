// A piece made window by window, as a stream plays it. It can go back: what was made past some frame is dropped, and made again in another style.
//
//   windows    |----------- k -----------|     made whole, then
//   goes back  |------- k -------|F            cut at F: the next windows are short, so that the change is heard soon
//   heard      |---- k -----|A-- new ---       what follows F is heard a little before it, so that sound stays up to A alone
//
// Sound is decoded part by part, and can be decoded again from each of them on. A recipe that says where it went back makes the same windows, whole first, and the same samples.
import { cutAudio, fadeOut, joinAudio, lengthOf, viewAudio } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import { decoderContext } from '../models/vae_decoder.ts';
import { Forecast } from './forecast.ts';
import { begin, type Job, windowSizes } from './job.ts';
import { fadeOf, inTurns, runningLevel } from './levels.ts';
import type { AudioInput, StyleOptions } from './options.ts';
import type { Piece } from './piece.ts';
import { decode } from './stages/networks.ts';
import { freshFrames, nextWindow, type WindowSizes } from './stages/schedule.ts';
import type { SteeredStyle } from './steered_style.ts';

/** After a cut, the first windows see one chunk of what went before, and two make whole chunks of at least so many seconds: the second is there before the first was heard. */
const SHORT_WINDOWS = 3;
const SHORT_SECONDS = 1.5;
/**
 * What is heard is known so late, and a window takes so much longer than the last one says (0.04 s at most in eight). A change that is later still takes the place of what
 * then plays on, without a gap.
 */
const LATE_SECONDS = 0.15;
/** Sound is decoded in parts of so many seconds. */
const PART_SECONDS = 2;
/**
 * Frames further away than this share of the decoder's reach are hardly heard: with melody-small other ones, 10 frames ahead of a sample, change it by
 * −45 dB at most and by −61 dB at the median.
 */
const HEARD_SHARE = 0.45;
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
  /** The style that held. */
  readonly before: () => void;
  readonly after: () => void;
}

/** How to decode again from some frame on. */
interface Stand {
  readonly frame: number;
  readonly back: () => void;
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
  readonly #fade: number; // samples at the end
  readonly #leveller: ReturnType<typeof runningLevel>;
  readonly #marks: [Mark, ...Mark[]];
  readonly #stands: [Stand, ...Stand[]];
  #index = 0; // of the next window, since the beginning or the last cut
  #cut = false;
  #played: number; // frames decoded
  #sample = 0; // after those that came out of the leveller
  #resume = 0; // those before it were given
  readonly #forecast: Forecast;

  private constructor(job: Job, piece: Piece, style: SteeredStyle, given: AudioInput | undefined, durationSeconds: number, cold: boolean) {
    const { config } = job.engine.model;
    this.#job = job;
    this.#piece = piece;
    this.#style = style;
    this.#sizes = windowSizes(job.engine, job.recipe);
    this.#forecast = new Forecast(this.#sizes, cold);
    this.#reach = decoderContext(config.vae_decoder);
    this.#samples = Math.round(durationSeconds * config.sample_rate);
    this.#fade = fadeOf(job.recipe, this.#samples, config);
    this.#target = piece.given + Math.ceil(this.#samples / config.hop_length);
    this.#leveller = job.recipe.runningLevel ? runningLevel(job.recipe, config, given) : undefined;
    this.#played = piece.given;
    const here = style.mark();
    this.#marks = [{ whole: piece.end, end: piece.end, changes: [], piece: piece.mark(), before: here, after: here }];
    this.#stands = [this.#stand()];
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
    const ends = [performance.now()]; // of the stages
    const sizes = this.#sizesNow;
    const before = this.#style.mark();
    const from = piece.end;
    const { room } = this.#upcoming;
    const last = piece.end + room >= this.#target;
    piece.extendTo(last ? this.#target : piece.end + room);
    const changes = await this.#style.plan(piece, piece.end);
    ends.push(performance.now());
    const found = nextWindow(piece.known.slice(piece.offset), this.#grown, sizes);
    if (!found) throw new MelodyError('graph', `stream: no window left at frame ${piece.end} of ${this.#target}`);
    await this.#job.render(piece, [{ ...found, start: found.start + piece.offset }], (within) => within);
    ends.push(performance.now());
    const made = piece.mark();
    const undecoded = this.#played;
    // Frames near the end wait for their right neighbours, so that the stream equals the decoding of the whole.
    const part = await this.#sound(last ? this.#target : piece.end - this.#reach, last);
    this.#index += 1;
    ends.push(performance.now());
    this.#forecast.learn({ from, to: piece.end, seen: found.length, decoded: this.#played - undecoded }, ends);
    this.#marks.push({ whole: piece.end, end: piece.end, changes, piece: made, before, after: this.#style.mark() });
    const { frame_rate } = this.#job.engine.model.config;
    while ((this.#marks[1]?.end ?? Infinity) < piece.end - KEPT_SECONDS * frame_rate) this.#marks.shift();
    while ((this.#stands[1]?.frame ?? Infinity) <= this.#marks[0].end - this.#reach) this.#stands.shift();
    piece.forgetBefore(Math.min(piece.end - sizes.window, this.#played - this.#reach));
    return part;
  }

  /** Seconds that the next window, and with it the next samples, will take at the speed of the last one; 0 at the end. */
  get nextSeconds(): number {
    if (this.done) return 0;
    const { context, room } = this.#upcoming;
    const { end: from } = this.#piece;
    const to = Math.min(from + room, this.#target);
    const ready = to === this.#target ? to : to - this.#reach;
    return this.#forecast.seconds({ from, to, seen: context + to - from, decoded: ready - this.#played });
  }

  /** Frames of the next window: those that it sees, and those that it makes if the piece goes on. */
  get #upcoming(): { context: number; room: number } {
    const { end, origin, offset } = this.#piece;
    const context = Math.min(end - origin - offset, this.#sizesNow.context);
    return { context, room: freshFrames(this.#grown, context, this.#sizesNow) };
  }

  /** How often windows have grown. */
  get #grown(): number {
    return this.#cut ? Math.max(0, this.#index - 1) : this.#index;
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
    const made = this.#marks.at(-1)?.end ?? 0;
    const perToken = dual_path.frames_per_token;
    const late = (from: number) => {
      const to = from + this.#short;
      const decoded = to - this.#reach - this.#standBefore(from).frame;
      return this.#forecast.seconds({ from, to, seen: this.#short + this.#sizes.grid, decoded });
    };
    const stays = (frame: number) => (heardSeconds + LATE_SECONDS + late(frame)) * sample_rate;
    let frame = Math.max(this.#marks[0]?.end ?? 0, given + Math.ceil(heardSeconds * frame_rate));
    frame = Math.ceil(frame / perToken) * perToken;
    while (frame < made && this.#sampleAt(frame) < stays(frame)) frame += perToken;
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
    this.#resume = this.#sampleAt(frame);
    const stand = this.#standBefore(frame);
    stand.back();
    this.#stands.length = this.#stands.indexOf(stand) + 1;
    if (frame < mark.whole) {
      mark.before();
      this.#piece.cut(frame);
    } else mark.after();
    this.#marks.length = place + 1;
    mark.end = frame;
    this.#job.goBack(frame, this.#piece.given);
    this.#style.due(this.#piece);
    this.#cut = true;
    this.#index = 0;
  }

  /** Frames up to `ready`, decoded and levelled: those that were not given yet. */
  async #sound(ready: number, last: boolean): Promise<Part | undefined> {
    const piece = this.#piece;
    const { hop_length, sample_rate, frame_rate } = this.#job.engine.model.config;
    const { given } = piece;
    const from = this.#sample;
    const parts: Float32Array[][] = [];
    while (this.#played < ready) {
      const to = Math.min(ready, this.#played + Math.ceil(PART_SECONDS * frame_rate));
      const left = this.#samples - (this.#played - given) * hop_length;
      const raw = viewAudio(await this.#decode(this.#played, to), 0, left);
      const channels = this.#leveller ? await inTurns(this.#leveller, raw, last && to === ready, sample_rate) : raw;
      parts.push(channels);
      this.#played = to;
      this.#sample += lengthOf(channels);
      this.#stands.push(this.#stand());
    }
    const startSample = Math.max(from, this.#resume);
    const cut = this.#style.cutAt(piece);
    const end = cut === undefined ? this.#sample : Math.min(this.#sample, this.#sampleAt(cut));
    if (end <= startSample) return undefined;
    const all = joinAudio(...parts);
    fadeOut(all, from, this.#samples, this.#fade);
    return { channels: end - startSample < lengthOf(all) ? cutAudio(all, startSample - from, end - from) : all, startSample };
  }

  #decode(from: number, to: number): Promise<Float32Array[]> {
    const { latents, origin, phase } = this.#piece;
    const { progress, engine, signal } = this.#job;
    return progress.during('decoding', () => decode(engine, latents, from - origin, to - origin, { origin, phase, signal }));
  }

  /** Frames whose sound stays where it is cut at `frame`: those that hardly hear it, and that were decoded with its window. */
  #staysBefore(frame: number): number {
    const whole = this.#marks.find(({ end }) => end >= frame)?.whole ?? this.#piece.end;
    return Math.min(frame - Math.ceil(HEARD_SHARE * this.#reach), whole - this.#reach);
  }

  /** Samples that stay then. */
  #sampleAt(frame: number): number {
    const decoded = Math.max(0, this.#staysBefore(frame) - this.#piece.given) * this.#job.engine.model.config.hop_length;
    return this.#leveller?.outOf(decoded) ?? decoded;
  }

  /** From where it is decoded again then. */
  #standBefore(frame: number): Stand {
    const stays = this.#staysBefore(frame);
    return this.#stands.findLast((stand) => stand.frame <= stays) ?? this.#stands[0];
  }

  /** Frames that the first window after a cut makes. */
  get #short(): number {
    const { grid } = this.#sizes;
    return Math.ceil((SHORT_SECONDS * this.#job.engine.model.config.frame_rate) / grid) * grid;
  }

  #stand(): Stand {
    const [phase, level] = [this.#piece.phase?.mark(), this.#leveller?.mark()];
    const [played, sample] = [this.#played, this.#sample];
    const back = () => {
      phase?.();
      level?.();
      [this.#played, this.#sample] = [played, sample];
    };
    return { frame: played, back };
  }
}
