// One listener's session: a model, a piece being made, a player. What a page shows is `snapshot`; it changes only with `onChange`.

import type { BeatMark } from '../audio/beats.ts';
import { MelodyError } from '../errors.ts';
import type { MelodyEvent, Recipe, Region, StreamOptions, StyleOptions } from '../pipeline/options.ts';
import { MelodyWorker, type RunningStream } from './client.ts';
import { Lap } from './lap.ts';
import type { Player } from './player.ts';
import type { ModelInfo, Plain } from './protocol.ts';
import { type HeardBeat, Pulse } from './pulse.ts';
import { type RecordedAudio, Recording } from './recording.ts';
import { EMPTY, NOTHING, type Snapshot } from './snapshot.ts';
import { Sound } from './sound.ts';
import type { PlayerReport } from './worklet.ts';

/** How a session plays, and who watches it. */
export interface SessionOptions {
  /** Seconds of music that must be there before the sound starts. Default 0.5. */
  startSeconds?: number;
  /** Seconds of music that are made ahead of what is heard. Default 8. */
  aheadSeconds?: number;
  /** Called with every new snapshot. */
  onChange?: (snapshot: Snapshot) => void;
  /** Called with the next samples of every channel, as many of each. After a change of style they may begin before the last ones end, and take their place. */
  onChunk?: (channels: readonly Float32Array[], sampleRate: number, startSample: number) => void;
  /** Called with the events of the engine. */
  onEvent?: (event: MelodyEvent) => void;
  /** Called with every beat of the music as it is heard, where the model plans one; late by a tenth of a second at most, also in a hidden page. */
  onBeat?: (beat: HeardBeat) => void;
  /** The worker to use. Default: a new one, from the script beside this one. `dispose` ends it in either case, unless `shared`. */
  worker?: MelodyWorker;
  /** Others use the worker too: `dispose` leaves it. Default false. */
  shared?: boolean;
  /** The page's own AudioContext, of any rate; the sound is resampled to it. It is neither suspended nor closed. Default: one of the model's rate. */
  context?: AudioContext;
  /** A node of `context` that the sound goes to. Default: the context's destination. */
  destination?: AudioNode;
  /** Keep what is made, ten minutes at most, for `audio`, `seek` and `loop`. Default false. */
  record?: boolean;
}

const START_SECONDS = 0.5;
const AHEAD_SECONDS = 8;
/** Made music that is not heard after this long is worth a word. */
const SILENT_MS = 4000;
const NO_SOUND = 'No sound comes out: the browser has not started its audio. Check the sound device, then press pause and play';

/** One listener's session: a model, the piece being made, and the sound. */
export class Session {
  /** The worker that computes. */
  readonly worker: MelodyWorker;
  readonly #options: SessionOptions;
  #snapshot = EMPTY;
  readonly #sound: Sound;
  readonly #output: AudioNode | undefined;
  #job: { abort: AbortController; stream: RunningStream; settled: Promise<void>; started: boolean } | undefined;
  #wanted: StyleOptions | undefined; // a change of style for a job that has not started yet
  #ended: Promise<unknown> | undefined; // when what ran before has let go of worker and player
  #loading: AbortController | undefined;
  #answered: Promise<unknown> | undefined; // when the worker is done with the last load
  #recording: Recording | undefined;
  #rate = 1; // of what plays, Hz
  #from = 0; // sample of the piece that the player began with
  #loop = false;
  #region: Region | undefined;
  #lap: Lap | undefined; // of the region, while it plays
  #beats: BeatMark[] = [];
  readonly #pulse: Pulse | undefined;
  #pieces = 0;
  #sounding = 0; // the piece that the player was given
  #closed = false;

  /** Starts a worker; nothing is fetched but its code. Throws `io`. */
  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.#pulse = options.onBeat && new Pulse(options.onBeat);
    this.worker = options.worker ?? new MelodyWorker();
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
    return this.#snapshot;
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
    return this.#beats;
  }

  /** Whether a finished piece begins again at its end, until `stop`. Needs `record`. Default false. */
  get loop(): boolean {
    return this.#loop;
  }

  /** Sets whether it begins again. */
  set loop(value: boolean) {
    this.#loop = value;
  }

  /** The part of the piece that is heard again and again, in its seconds; undefined for all of it. Needs `record`. Default undefined. */
  get region(): Region | undefined {
    return this.#region;
  }

  /** Sets the part that is heard again and again; what plays goes on within it. A part of less than 0.1 s, or not made yet, has no effect. */
  set region(value: Region | undefined) {
    this.#region = value;
    this.seek(this.#snapshot.playedSeconds);
  }

  /** Gain of the sound, 0 (silent) to 1 (as it was made). Default 1. */
  set volume(value: number) {
    this.#sound.volume = value;
  }

  /**
   * Fetch, check and open a model; `cancelLoad` breaks it off, and the next call goes on from there. What is kept is kept for good where the
   * browser agrees: some ask the listener, so call it from a press. Faults are in the snapshot.
   */
  async load(src: string, { keep = true } = {}): Promise<boolean> {
    const free = Promise.all([this.stop(), this.#answered]);
    const abort = new AbortController();
    this.#loading = abort;
    this.#set({ state: 'loading', model: undefined, loading: undefined, waiting: false, error: undefined, warnings: [] });
    if (keep) void navigator.storage?.persist?.().catch(() => {}); // then it may be thrown away, as without asking
    const opening = free.then(() => this.#openModel(src, keep, abort.signal));
    this.#answered = opening.catch(() => {});
    try {
      const model = await opening;
      if (abort.signal.aborted) return false;
      this.#loading = undefined;
      this.#set({ state: 'ready', model, loading: undefined, waiting: false });
      return true;
    } catch (error) {
      if (!abort.signal.aborted) this.#set({ state: 'empty', loading: undefined, waiting: false, error: shown(error) });
      return false;
    }
  }

  /** Breaks off a load; the next one goes on from there. */
  cancelLoad(): void {
    this.#loading?.abort();
    this.#loading = undefined;
    if (this.#snapshot.state === 'loading') this.#set({ state: 'empty', loading: undefined, waiting: false });
  }

  /** Opens the sound device within a press, for audio that comes later: `play` and `playClip` may then be called without one. */
  prepare(sampleRate: number, channels: number): void {
    void this.#sound.open(sampleRate, channels).catch(() => {}); // it is told when it is played through
  }

  /** Make music and play it as it is made: endless without `durationSeconds`. Call it from a press. Faults are in the snapshot. */
  async play(options: Plain<StreamOptions>): Promise<void> {
    const { model } = this.#snapshot;
    if (!model) return this.#set({ error: new MelodyError('invalid_argument', 'no model is loaded', 'load one first') });
    const piece = await this.#begin(model, { ...NOTHING, state: 'buffering', speed: undefined });
    if (piece !== this.#pieces) return;
    const abort = new AbortController();
    let madeAt = performance.now();
    let computing = 0; // seconds
    let made = 0; // seconds, with what was dropped
    let waiting = false; // between a chunk and the next sign of work
    const stream = this.worker.stream(options, this.#options.aheadSeconds ?? AHEAD_SECONDS, {
      signal: abort.signal,
      onStart: (recipe) => {
        job.started = true;
        if (this.#wanted) stream.steer(this.#wanted);
        this.#wanted = undefined;
        this.#set({ recipe });
      },
      onEvent: (event) => {
        // The first event after a pause shows when work went on.
        if (event.type === 'progress' && waiting) {
          waiting = false;
          madeAt = performance.now();
        }
        if (event.type === 'warning') this.#warn(event.message);
        if (event.type === 'beat') this.#beats.push(event);
        if (event.type === 'steered') {
          const { atSeconds, anew } = event.steering;
          const { madeSeconds } = this.#snapshot;
          if (anew) this.#beats = this.#beats.filter((mark) => mark.atSeconds < atSeconds);
          this.#set({ recipe: event.recipe, changeSeconds: atSeconds, madeSeconds: Math.min(madeSeconds, atSeconds) });
        }
        this.#options.onEvent?.(event);
      },
      onChunk: (channels, sampleRate, startSample) => {
        computing += (performance.now() - madeAt) / 1000;
        waiting = true;
        const madeSeconds = (startSample + channels[0].length) / sampleRate;
        made += channels[0].length / sampleRate;
        this.#recording?.push(channels, startSample);
        this.#ahead?.push(channels, startSample - this.#from);
        if (startSample === 0) this.#expectSound();
        this.#set({ madeSeconds, speed: made / Math.max(computing, 1e-3) });
        this.#options.onChunk?.(channels, sampleRate, startSample);
      },
    });
    const settled = stream.finished.then(
      () => {
        if (abort.signal.aborted) return;
        this.#ahead?.end();
        this.#set({ complete: true });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        this.#ahead?.end(); // what was made is still heard
        this.#set({ error: shown(error), ...(this.#snapshot.bufferedSeconds === 0 && { state: this.#rest }) });
      },
    );
    const job = { abort, stream, settled, started: false };
    this.#job = job;
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
    this.#beats = [...beats];
    this.#recording?.push(channels);
    this.#sound.player?.push(channels);
    this.#sound.player?.end();
    this.#expectSound();
    this.#set({ complete: true, madeSeconds: channels[0].length / sampleRate });
    this.#options.onChunk?.(channels, sampleRate, 0);
  }

  /**
   * Change the music while it is made. What is made and not heard yet is made again, as soon as the machine can: `changeSeconds` of the snapshot
   * then says when.
   */
  steer(style: StyleOptions): void {
    const { complete, state } = this.#snapshot;
    if (complete && state !== this.#rest) this.#warn('The change is for the next piece: this one is all made');
    else if (this.#job?.started) this.#job.stream.steer(style);
    else this.#wanted = style;
  }

  /** Pauses the sound. Nothing happens where nothing plays. */
  async pause(): Promise<void> {
    if (!runs(this.#snapshot)) return;
    this.#pulse?.clear();
    this.#set({ state: 'paused' });
    await this.#sound.player?.pause();
  }

  /** Goes on after a pause. */
  resume(): void {
    if (this.#snapshot.state !== 'paused') return;
    this.#set({ state: this.#snapshot.bufferedSeconds > 0 ? 'playing' : 'buffering' });
    this.#sound.player?.resume();
    this.#expectSound();
  }

  /** Goes to that second of the piece, as far as it is made and kept. Nothing happens without `record`, or where nothing plays. */
  seek(seconds: number): void {
    const { state, complete, error } = this.#snapshot;
    const audio = this.audio();
    const player = this.#sound.player;
    if (!audio || !player || (!runs(this.#snapshot) && state !== 'paused')) return;
    const { channels, sampleRate, startSeconds } = audio;
    const kept = Math.round(startSeconds * sampleRate);
    this.#lap = this.#region && Lap.of(audio, this.#region);
    const at = Math.max(0, Math.min(channels[0].length, Math.round(seconds * sampleRate) - kept));
    const lap = this.#lap?.from(kept + at);
    const rest = lap?.channels ?? channels.map((channel) => channel.subarray(at));
    this.#from = lap?.at ?? kept + at;
    this.#pulse?.clear();
    player.begin(0);
    if (rest[0].length > 0) player.push(rest);
    if (complete || error) this.#ahead?.end(); // nothing more will be made
    this.#set({ playedSeconds: this.#from / sampleRate });
  }

  /** End the piece; resolves when the worker is free for the next. */
  async stop(): Promise<void> {
    const ended = this.#end();
    const { state, model } = this.#snapshot;
    if (model || state !== 'empty') this.#set({ state: this.#rest, complete: false, peak: 0, bufferedSeconds: 0 });
    await ended;
  }

  /** The piece so far (its last ten minutes); undefined when there is none, and without `record`. */
  audio(): RecordedAudio | undefined {
    return this.#recording?.audio();
  }

  /** Free worker, GPU and sound. */
  async dispose(): Promise<void> {
    this.#closed = true;
    void this.#end();
    if (!this.#options.shared) this.worker.terminate();
    await this.#sound.close();
    this.#output?.disconnect();
  }

  /** Ends what runs at once; resolves when worker and player are free. */
  #end(): Promise<unknown> {
    this.#pieces += 1;
    this.#pulse?.clear();
    const job = this.#job;
    this.#job = undefined;
    this.#wanted = undefined;
    job?.abort.abort();
    this.cancelLoad();
    this.#ended = Promise.all([this.#ended, job?.settled, this.#sound.player?.stop()]);
    return this.#ended;
  }

  async #openModel(src: string, keep: boolean, signal: AbortSignal): Promise<ModelInfo> {
    signal.throwIfAborted();
    const model = await this.worker.load(src, {
      keep,
      signal,
      onFetching: (loading) => this.#set({ loading, waiting: false }),
      onWaiting: () => this.#set({ waiting: true }),
      onNotKept: (message) => this.#warn(`The model is not kept for next time: ${message}.`),
    });
    if (signal.aborted) await this.worker.unload(); // called off when it was past calling off
    return model;
  }

  /** Ends what runs, gets the player ready; returns the number of the new piece, or -1 where it was stopped before it began. */
  async #begin({ sampleRate, channels }: { sampleRate: number; channels: number }, start: Partial<Snapshot>): Promise<number> {
    // The context is made before the first await, while the press still counts.
    const opening = this.#sound.open(sampleRate, channels);
    const ended = this.#end();
    const piece = this.#pieces;
    this.#recording = this.#options.record ? new Recording(sampleRate) : undefined;
    this.#rate = sampleRate;
    this.#beats = [];
    this.#from = 0;
    this.#lap = this.#region = undefined;
    this.#set(start); // at once: it can be paused and stopped while the last piece still ends
    try {
      const [player] = await Promise.all([opening, ended]);
      if (piece !== this.#pieces) {
        if (this.#sounding !== this.#pieces) void player.pause();
        return -1;
      }
      this.#sounding = piece;
      player.begin(this.#options.startSeconds ?? START_SECONDS);
      if (this.#snapshot.state !== 'paused')
        player.resume(); // or it was pressed while it opened
      else void player.pause();
      return piece;
    } catch (error) {
      if (piece === this.#pieces) this.#set({ state: this.#rest, error: shown(error) });
      return -1;
    }
  }

  /** The player, where what is made next is heard next: not while a part is heard again and again. */
  get #ahead(): Player | undefined {
    return this.#lap ? undefined : this.#sound.player;
  }

  /** Nothing plays. */
  get #rest(): 'ready' | 'empty' {
    return this.#snapshot.model ? 'ready' : 'empty';
  }

  #heard(report: PlayerReport): void {
    if (this.#sounding !== this.#pieces) return; // the rest of a piece that was stopped
    const played = this.#lap?.placeAfter(this.#from, report.played) ?? this.#from + report.played;
    this.#lap?.feed(report.played, (channels) => this.#sound.player?.push(channels));
    this.#job?.stream.played(played);
    const { state, complete } = this.#snapshot;
    const running = runs(this.#snapshot);
    const next = !running ? state : report.finished ? this.#rest : report.flowing ? 'playing' : 'buffering';
    this.#set({
      state: next,
      playedSeconds: running || state === 'paused' ? played / this.#rate : this.#snapshot.playedSeconds,
      bufferedSeconds: report.buffered / this.#rate,
      underruns: running ? report.underruns : this.#snapshot.underruns,
      peak: report.peak,
    });
    const player = this.#sound.player;
    if (running && report.flowing && player) {
      const place = { time: report.time, at: played / this.#rate, ready: report.buffered / this.#rate, region: this.#lap?.region };
      this.#pulse?.place(place, this.#beats, () => player.heardTime);
    }
    if (!running || !report.finished || !complete) return;
    if (this.#loop && this.#recording) {
      this.#set({ state: 'playing' });
      this.seek(0);
    } else void this.#sound.player?.pause();
  }

  /** The browser started its audio, or stopped it. */
  #soundChanged(): void {
    const { warnings } = this.#snapshot;
    if (!this.#sound.player?.running) this.#expectSound();
    else if (warnings.includes(NO_SOUND)) this.#set({ warnings: warnings.filter((text) => text !== NO_SOUND) });
  }

  #expectSound(): void {
    const piece = this.#pieces;
    setTimeout(() => {
      if (piece === this.#pieces && runs(this.#snapshot) && !this.#sound.player?.running) this.#warn(NO_SOUND);
    }, SILENT_MS);
  }

  #warn(message: string): void {
    const { warnings } = this.#snapshot;
    if (!warnings.includes(message)) this.#set({ warnings: [...warnings, message].slice(-8) });
  }

  #set(change: Partial<Snapshot>): void {
    if (this.#closed) return;
    this.#snapshot = { ...this.#snapshot, ...change };
    this.#options.onChange?.(this.#snapshot);
  }
}

const runs = ({ state }: Snapshot): boolean => state === 'playing' || state === 'buffering';

function shown(error: unknown): MelodyError | undefined {
  if (!(error instanceof MelodyError)) return new MelodyError('io', String(error), 'reload the page');
  return error.code === 'aborted' ? undefined : error; // the listener's own doing is no fault
}
