// One listener's session: a model, a piece being made, a player. What a page shows is `snapshot`; it changes only with `onChange`.

import type { BeatMark } from '../audio/beats.ts';
import { lengthOf } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import type { Recipe, Region, StreamOptions, StyleOptions } from '../pipeline/options.ts';
import { MelodyWorker } from './client.ts';
import { Loading } from './loading.ts';
import { type Making, makePiece } from './making.ts';
import { PlayedPiece } from './played_piece.ts';
import type { Player } from './player.ts';
import type { Plain } from './protocol.ts';
import { Pulse } from './pulse.ts';
import type { RecordedAudio } from './recording.ts';
import type { SessionOptions } from './session_options.ts';
import { NOTHING, restOf, runs, type Snapshot, SnapshotStore, shownError } from './snapshot.ts';
import { Sound } from './sound.ts';
import type { PlayerReport } from './worklet.ts';

const START_SECONDS = 0.5;
/** Made music that is not heard after this long is worth a word. */
const SILENT_MS = 4000;
const NO_SOUND = 'No sound comes out: the browser has not started its audio. Check the sound device, then press pause and play';

/** One listener's session: a model, the piece being made, and the sound. */
export class Session {
  /** The worker that computes. */
  readonly worker: MelodyWorker;
  readonly #options: SessionOptions;
  readonly #store: SnapshotStore;
  readonly #sound: Sound;
  readonly #output: AudioNode | undefined;
  readonly #loading: Loading;
  #making: Making | undefined;
  #wanted: StyleOptions | undefined; // a change of style for a piece that has not started yet
  #ended: Promise<unknown> | undefined; // when what ran before has let go of worker and player
  #piece = new PlayedPiece(1, false);
  #loop = false;
  readonly #pulse: Pulse | undefined;
  #pieces = 0;
  #sounding = 0; // the piece that the player was given

  /** Starts a worker; nothing is fetched but its code. Throws `io`. */
  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.#store = new SnapshotStore(options.onChange);
    this.#pulse = options.onBeat && new Pulse(options.onBeat);
    this.worker = options.worker ?? new MelodyWorker();
    this.#loading = new Loading(this.worker, this.#store);
    const context = options.context ?? (options.destination?.context as AudioContext | undefined);
    if (context) {
      this.#output = context.createGain();
      this.#output.connect(options.destination ?? context.destination);
    }
    this.#sound = new Sound(
      (report) => this.#heard(report),
      () => this.#soundChanged(),
      context && { context, output: this.#output as AudioNode },
    );
  }

  /** What a page shows now. */
  get snapshot(): Snapshot {
    return this.#store.now;
  }

  /** For pictures of the sound; undefined until something was played. */
  get analyser(): AnalyserNode | undefined {
    return this.#sound.player?.analyser;
  }

  /**
   * What is heard, to be connected to nodes of its own context. Of a context of the page's own it is there from the start and stays; else from
   * the first sound on, until a model of another rate is played.
   */
  get output(): AudioNode | undefined {
    return this.#output ?? this.#sound.player?.output;
  }

  /** The context that the sound plays in; undefined until something was played, where the page gave none. */
  get context(): AudioContext | undefined {
    return (this.#output?.context as AudioContext | undefined) ?? this.#sound.player?.context;
  }

  /** Tempo, metre and key along the piece, as they were planned, as far as it is made; none where nothing is known. */
  get beats(): readonly BeatMark[] {
    return this.#piece.beats;
  }

  /** Whether a finished piece begins again at its end, without a gap, until `stop`. Needs `record`. Default false. */
  get loop(): boolean {
    return this.#loop;
  }

  /** Sets whether it begins again. What lies ready of the next rounds, two seconds and a round at most, is still heard. */
  set loop(value: boolean) {
    this.#loop = value;
    if (runs(this.#store.now) || this.#store.now.state === 'paused') this.#goRound();
  }

  /** The part of the piece that is heard again and again, in its seconds; undefined for all of it. Needs `record`. Default undefined. */
  get region(): Region | undefined {
    return this.#piece.region;
  }

  /** Sets the part that is heard again and again; what plays goes on within it. A part of less than 0.1 s, or not made yet, has no effect. */
  set region(value: Region | undefined) {
    this.#piece.region = value;
    this.seek(this.#store.now.playedSeconds);
  }

  /** Gain of the sound, 0 (silent) to 1 (as it was made). Default 1. */
  get volume(): number {
    return this.#sound.volume;
  }

  /** Sets the gain; throws a RangeError for what is not from 0 to 1. */
  set volume(value: number) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`volume must be from 0 to 1; got ${value}`);
    this.#sound.volume = value;
  }

  /**
   * Fetch, check and open a model; `cancelLoad` breaks it off, and the next call goes on from there. What is kept is kept for good where the
   * browser agrees: some ask the listener, so call it from a press. Faults are in the snapshot.
   */
  load(src: string, { keep = true } = {}): Promise<boolean> {
    return this.#loading.load(src, keep, this.stop());
  }

  /** Breaks off a load; the next one goes on from there. */
  cancelLoad(): void {
    this.#loading.cancel();
  }

  /** Opens the sound device within a press, for audio that comes later: `play` and `playClip` may then be called without one. */
  prepare(sampleRate: number, channels: number): void {
    void this.#sound.open(sampleRate, channels).catch(() => {}); // it is told when it is played through
  }

  /** Make music and play it as it is made: endless without `durationSeconds`. Call it from a press. Faults are in the snapshot. */
  async play(options: Plain<StreamOptions>): Promise<void> {
    const { model } = this.#store.now;
    if (!model) return this.#set({ error: new MelodyError('invalid_argument', 'no model is loaded', 'load one first') });
    const piece = await this.#begin(model, { ...NOTHING, state: 'buffering', speed: undefined });
    if (piece !== this.#pieces) return;
    this.#making = makePiece(this.worker, options, this.#options, this.#store, this.#piece, {
      onStart: (stream) => {
        if (this.#wanted) stream.steer(this.#wanted);
        this.#wanted = undefined;
      },
      onChunk: (channels, startSample) => {
        this.#ahead?.push(channels, startSample - this.#piece.from);
        if (startSample === 0) this.#expectSound();
      },
      onEnd: () => this.#endPlayer(),
    });
  }

  /** Play finished audio: one array a channel, all of one length, full scale −1 to 1, at `sampleRate` Hz; `beats`: of the clip. Faults are in the snapshot. */
  async playClip(
    channels: readonly Float32Array[],
    sampleRate: number,
    recipe: Recipe | undefined,
    beats: readonly BeatMark[] = [],
  ): Promise<void> {
    const piece = await this.#begin({ sampleRate, channels: channels.length }, { ...NOTHING, state: 'buffering', recipe });
    if (piece !== this.#pieces) return;
    this.#piece.beats = [...beats];
    this.#piece.recording?.push(channels);
    this.#sound.player?.push(channels);
    this.#set({ complete: true, madeSeconds: lengthOf(channels) / sampleRate });
    this.#endPlayer();
    this.#expectSound();
    this.#options.onChunk?.(channels, sampleRate, 0);
  }

  /**
   * Change the music while it is made. What is made and not heard yet is made again, as soon as the machine can: `changeSeconds` of the snapshot
   * then says when.
   */
  steer(style: StyleOptions): void {
    const { complete, state } = this.#store.now;
    if (complete && state !== restOf(this.#store.now)) this.#store.warn('The change is for the next piece: this one is all made');
    else if (this.#making?.started) this.#making.stream.steer(style);
    else this.#wanted = style;
  }

  /** Pauses the sound. Nothing happens where nothing plays. */
  async pause(): Promise<void> {
    if (!runs(this.#store.now)) return;
    this.#set({ state: 'paused' });
    if (await this.#sound.player?.pause()) this.#pulse?.clear(this.context?.currentTime);
  }

  /** Goes on after a pause. */
  resume(): void {
    if (this.#store.now.state !== 'paused') return;
    this.#set({ state: this.#store.now.bufferedSeconds > 0 ? 'playing' : 'buffering' });
    this.#sound.player?.resume();
    this.#expectSound();
  }

  /** Goes to that second of the piece, as far as it is made and kept. Nothing happens without `record`, or where nothing plays. */
  seek(seconds: number): void {
    const { state, complete, error } = this.#store.now;
    const player = this.#sound.player;
    if (!player || (!runs(this.#store.now) && state !== 'paused')) return;
    const rest = this.#piece.goTo(seconds);
    if (!rest) return;
    this.#pulse?.clear();
    player.begin(0, this.#piece.from > 0);
    if (lengthOf(rest) > 0) player.push(rest);
    if (complete || error) this.#endPlayer(); // nothing more will be made
    this.#set({ playedSeconds: this.#piece.from / this.#piece.sampleRate });
  }

  /** End the piece; resolves when the worker is free for the next. */
  async stop(): Promise<void> {
    const ended = this.#end();
    const { state, model } = this.#store.now;
    if (model || state !== 'empty')
      this.#set({ state: restOf(this.#store.now), complete: false, changeSeconds: undefined, peak: 0, bufferedSeconds: 0 });
    await ended;
  }

  /** The piece so far (its last ten minutes); undefined when there is none, and without `record`. */
  audio(): RecordedAudio | undefined {
    return this.#piece.recording?.audio();
  }

  /** Free worker, GPU and sound. */
  async dispose(): Promise<void> {
    this.#store.closed = true;
    void this.#end();
    if (!this.#options.shared) this.worker.terminate();
    await this.#sound.close();
    this.#output?.disconnect();
  }

  /** Ends what runs at once; resolves when worker and player are free. */
  #end(): Promise<unknown> {
    this.#pieces += 1;
    this.#pulse?.clear();
    const making = this.#making;
    this.#making = undefined;
    this.#wanted = undefined;
    making?.abort.abort();
    this.cancelLoad();
    this.#ended = Promise.all([this.#ended, making?.settled, this.#sound.player?.stop()]);
    return this.#ended;
  }

  /** Ends what runs, gets the player ready; returns the number of the new piece, or -1 where it was stopped before it began. */
  async #begin({ sampleRate, channels }: { sampleRate: number; channels: number }, start: Partial<Snapshot>): Promise<number> {
    // The context is made before the first await, while the press still counts.
    const opening = this.#sound.open(sampleRate, channels);
    const ended = this.#end();
    const piece = this.#pieces;
    this.#piece = new PlayedPiece(sampleRate, this.#options.record ?? false);
    this.#set(start); // at once: it can be paused and stopped while the last piece still ends
    try {
      const [player] = await Promise.all([opening, ended]);
      if (piece !== this.#pieces) {
        if (this.#sounding !== this.#pieces) void player.pause();
        return -1;
      }
      this.#sounding = piece;
      player.begin(this.#options.startSeconds ?? START_SECONDS);
      if (this.#store.now.state !== 'paused')
        player.resume(); // or it was pressed while it opened
      else void player.pause();
      return piece;
    } catch (error) {
      if (piece === this.#pieces) this.#set({ state: restOf(this.#store.now), error: shownError(error) });
      return -1;
    }
  }

  /** The player, where what is made next is heard next: not while a part is heard again and again. */
  get #ahead(): Player | undefined {
    return this.#piece.lap ? undefined : this.#sound.player;
  }

  /** The player has all of the piece: it ends there, unless more rounds follow. */
  #endPlayer(): void {
    this.#ahead?.end();
    this.#goRound();
  }

  #goRound(): void {
    if (this.#loop && this.#store.now.complete) this.#piece.goRound();
  }

  #heard(report: PlayerReport): void {
    if (this.#sounding !== this.#pieces) return; // the rest of a piece that was stopped
    const { sampleRate, round } = this.#piece;
    const played = this.#piece.heard(report.played, report.finished);
    if (!round || this.#loop) this.#piece.lap?.feed(report.played, (channels) => this.#sound.player?.push(channels));
    this.#making?.stream.played(played);
    const { state, complete } = this.#store.now;
    const running = runs(this.#store.now);
    const over = running && report.finished;
    const again = over && complete && this.#loop && this.#piece.recording;
    const next = !running || again ? state : over ? restOf(this.#store.now) : report.flowing ? 'playing' : 'buffering';
    this.#set({
      state: next,
      playedSeconds: running || state === 'paused' ? played / sampleRate : this.#store.now.playedSeconds,
      bufferedSeconds: report.buffered / sampleRate,
      underruns: running ? report.underruns : this.#store.now.underruns,
      peak: report.peak,
    });
    const player = this.#sound.player;
    if (running && report.flowing && player) {
      const place = { time: report.time, at: played / sampleRate, ready: report.buffered / sampleRate, region: this.#piece.lap?.region };
      this.#pulse?.place(place, this.#piece.beats, () => player.heardTime);
    }
    if (again) this.seek(0);
    else if (over && complete) void this.#sound.player?.pause();
  }

  /** The browser started its audio, or stopped it. */
  #soundChanged(): void {
    const { warnings } = this.#store.now;
    if (!this.#sound.player?.running) this.#expectSound();
    else if (warnings.includes(NO_SOUND)) this.#set({ warnings: warnings.filter((text) => text !== NO_SOUND) });
  }

  #expectSound(): void {
    const piece = this.#pieces;
    setTimeout(() => {
      const { now } = this.#store;
      const stopped = this.#output && now.playedSeconds > 0; // a page stops its own context for its own reasons
      if (piece === this.#pieces && runs(now) && !stopped && !this.#sound.player?.running) this.#store.warn(NO_SOUND);
    }, SILENT_MS);
  }

  #set(change: Partial<Snapshot>): void {
    this.#store.set(change);
  }
}
