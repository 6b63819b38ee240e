// One listener's session: a model, a piece being made, a player. What a page shows is `snapshot`; it changes only with `onChange`.
import { MelodyError } from '../errors.ts';
import type { MelodyEvent, Recipe, StreamOptions, StyleOptions } from '../pipeline/options.ts';
import { MelodyWorker, type RunningStream } from './client.ts';
import { Player } from './player.ts';
import type { ModelInfo, Plain, WorkerEvent } from './protocol.ts';
import type { PlayerReport } from './worklet.ts';

export type SessionState = 'empty' | 'loading' | 'ready' | 'buffering' | 'playing' | 'paused';

export interface Snapshot {
  readonly state: SessionState;
  readonly model: ModelInfo | undefined;
  readonly loading: Extract<WorkerEvent, { type: 'fetching' }> | undefined;
  readonly error: MelodyError | undefined;
  /** What the running job or the model says, newest last. */
  readonly warnings: readonly string[];
  /** All chunks of the piece were made, and it was not stopped. */
  readonly complete: boolean;
  readonly recipe: Recipe | undefined;
  readonly madeSeconds: number;
  readonly playedSeconds: number;
  readonly bufferedSeconds: number;
  readonly underruns: number;
  /** 0…1, what was heard a moment ago. */
  readonly peak: number;
  /** Seconds of audio made per second of computing, in the running or last piece; waiting for the listener is not counted. */
  readonly speed: number | undefined;
}

export interface SessionOptions {
  /** Sound starts when this much of it is there. */
  startSeconds?: number;
  /** Making stays about this far ahead of hearing. */
  aheadSeconds?: number;
  onChange?: (snapshot: Snapshot) => void;
  onChunk?: (samples: Float32Array, sampleRate: number, startSample: number) => void;
  onEvent?: (event: MelodyEvent) => void;
  worker?: MelodyWorker;
}

/** Samples of one piece that are kept for saving: ten minutes at 24 kHz. */
const MAX_KEPT_SAMPLES = 600 * 24_000;
const START_SECONDS = 0.5;
const AHEAD_SECONDS = 8;
/** Made music that is not heard after this long is worth a word. */
const SILENT_MS = 4000;

const NOTHING = {
  complete: false,
  recipe: undefined,
  madeSeconds: 0,
  playedSeconds: 0,
  bufferedSeconds: 0,
  underruns: 0,
  peak: 0,
  warnings: [],
  error: undefined,
} satisfies Partial<Snapshot>;

export class Session {
  readonly worker: MelodyWorker;
  readonly #options: SessionOptions;
  #snapshot: Snapshot = { ...NOTHING, state: 'empty', model: undefined, loading: undefined, speed: undefined };
  #player: Player | undefined;
  #volume = 1;
  #job: { abort: AbortController; stream: RunningStream; settled: Promise<void> } | undefined;
  #loading: AbortController | undefined;
  #kept: Float32Array[] = [];
  #sampleRate = 0;
  #pieces = 0;

  constructor(options: SessionOptions = {}) {
    this.#options = options;
    this.worker = options.worker ?? new MelodyWorker();
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** For pictures; undefined until something was played. */
  get analyser(): AnalyserNode | undefined {
    return this.#player?.analyser;
  }

  set volume(value: number) {
    this.#volume = value;
    if (this.#player) this.#player.volume = value;
  }

  /** Fetch, check and open a model; `cancelLoad` breaks it off, and the next call goes on from there. Faults are in the snapshot. */
  async load(src: string, { keep = true } = {}): Promise<boolean> {
    await this.stop();
    const abort = new AbortController();
    this.#loading = abort;
    this.#set({ state: 'loading', model: undefined, loading: undefined, error: undefined, warnings: [] });
    try {
      const model = await this.worker.load(src, {
        keep,
        signal: abort.signal,
        onFetching: (loading) => this.#set({ loading }),
        onNotKept: (message) => this.#warn(`The model is not kept for next time: ${message}.`),
      });
      this.#set({ state: 'ready', model, loading: undefined });
      return true;
    } catch (error) {
      this.#set({ state: 'empty', loading: undefined, error: shown(error) });
      return false;
    }
  }

  cancelLoad(): void {
    this.#loading?.abort();
  }

  /** Make music and play it as it is made: endless without `durationSeconds`. Call it from a press. Faults are in the snapshot. */
  async play(options: Plain<StreamOptions>): Promise<void> {
    const { model } = this.#snapshot;
    if (!model) return this.#set({ error: new MelodyError('invalid_argument', 'no model is loaded', 'load one first') });
    const piece = await this.#begin(model.sampleRate, { ...NOTHING, state: 'buffering', speed: undefined });
    if (piece !== this.#pieces) return;
    const abort = new AbortController();
    const ahead = this.#options.aheadSeconds ?? AHEAD_SECONDS;
    let madeAt = performance.now();
    let computing = 0; // seconds
    let waiting = false; // between a chunk and the next sign of work
    const stream = this.worker.stream(options, ahead, {
      signal: abort.signal,
      onStart: (recipe) => this.#set({ recipe }),
      onEvent: (event) => {
        // The first event after a pause tells when work went on.
        if (event.type === 'progress' && waiting) {
          waiting = false;
          madeAt = performance.now();
        }
        if (event.type === 'warning') this.#warn(event.message);
        const { recipe } = this.#snapshot;
        if (event.type === 'steered' && recipe) this.#set({ recipe: { ...recipe, steered: [...(recipe.steered ?? []), event.steering] } });
        this.#options.onEvent?.(event);
      },
      onChunk: (samples, sampleRate, startSample) => {
        computing += (performance.now() - madeAt) / 1000;
        waiting = true;
        const madeSeconds = (startSample + samples.length) / sampleRate;
        this.#keep(samples);
        this.#player?.push(samples);
        if (startSample === 0) this.#expectSound(piece);
        this.#set({ madeSeconds, speed: madeSeconds / Math.max(computing, 1e-3) });
        this.#options.onChunk?.(samples, sampleRate, startSample);
      },
    });
    const settled = stream.finished.then(
      () => {
        if (abort.signal.aborted) return;
        this.#player?.end();
        this.#set({ complete: true });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        this.#player?.end(); // what was made is still heard
        this.#set({ error: shown(error), ...(this.#snapshot.bufferedSeconds === 0 && { state: 'ready' }) });
      },
    );
    this.#job = { abort, stream, settled };
  }

  /** Play audio that is already there. */
  async playClip(samples: Float32Array, sampleRate: number, recipe: Recipe | undefined): Promise<void> {
    const piece = await this.#begin(sampleRate, { ...NOTHING, state: 'buffering', recipe });
    if (piece !== this.#pieces) return;
    this.#keep(samples);
    this.#player?.push(samples);
    this.#player?.end();
    this.#expectSound(piece);
    this.#set({ complete: true, madeSeconds: samples.length / sampleRate });
    this.#options.onChunk?.(samples, sampleRate, 0);
  }

  /** Change the music while it is made; heard from the next chunk on. */
  steer(style: StyleOptions): void {
    this.#job?.stream.steer(style);
  }

  async pause(): Promise<void> {
    if (this.#snapshot.state !== 'playing' && this.#snapshot.state !== 'buffering') return;
    this.#set({ state: 'paused' });
    await this.#player?.pause();
  }

  resume(): void {
    if (this.#snapshot.state !== 'paused') return;
    this.#set({ state: this.#snapshot.bufferedSeconds > 0 ? 'playing' : 'buffering' });
    this.#player?.resume();
  }

  /** End the piece; resolves when the worker is free for the next. */
  async stop(): Promise<void> {
    this.#pieces += 1;
    const job = this.#job;
    this.#job = undefined;
    job?.abort.abort();
    this.#loading?.abort();
    if (this.#snapshot.model) this.#set({ state: 'ready', complete: false, peak: 0, bufferedSeconds: 0 });
    await Promise.all([job?.settled, this.#player?.stop()]);
  }

  /** The piece so far (its last ten minutes), one array; undefined when there is none. */
  audio(): { samples: Float32Array; sampleRate: number } | undefined {
    const length = this.#kept.reduce((n, part) => n + part.length, 0);
    if (length === 0) return undefined;
    const samples = new Float32Array(length);
    let at = 0;
    for (const part of this.#kept) {
      samples.set(part, at);
      at += part.length;
    }
    return { samples, sampleRate: this.#sampleRate };
  }

  /** Free worker, GPU and sound. */
  async dispose(): Promise<void> {
    this.worker.terminate();
    await this.#player?.close();
  }

  /** Ends what runs, gets the player ready; returns the number of the new piece. */
  async #begin(sampleRate: number, start: Partial<Snapshot>): Promise<number> {
    // The context is made before the first await, while the press still counts.
    const opening = this.#openPlayer(sampleRate);
    do await this.stop();
    while (this.#job); // another press may have started one meanwhile
    const piece = ++this.#pieces;
    this.#kept = [];
    this.#sampleRate = sampleRate;
    this.#set(start);
    try {
      const player = await opening;
      player.volume = this.#volume;
      if (piece === this.#pieces) player.begin(this.#options.startSeconds ?? START_SECONDS);
    } catch (error) {
      this.#set({ state: 'ready', error: shown(error) });
      return -1;
    }
    return piece;
  }

  async #openPlayer(sampleRate: number): Promise<Player> {
    if (this.#player?.context.sampleRate === sampleRate) return this.#player;
    const old = this.#player;
    this.#player = await Player.open(sampleRate, (report) => this.#heard(report));
    await old?.close();
    return this.#player;
  }

  #heard(report: PlayerReport): void {
    const rate = this.#sampleRate;
    this.#job?.stream.played(report.played);
    const { state, complete } = this.#snapshot;
    const running = state === 'playing' || state === 'buffering';
    const next = !running ? state : report.finished ? 'ready' : report.flowing ? 'playing' : 'buffering';
    this.#set({
      state: next,
      playedSeconds: running || state === 'paused' ? report.played / rate : this.#snapshot.playedSeconds,
      bufferedSeconds: report.buffered / rate,
      underruns: running ? report.underruns : this.#snapshot.underruns,
      peak: report.peak,
    });
    if (running && report.finished && complete) void this.#player?.pause();
  }

  #expectSound(piece: number): void {
    setTimeout(() => {
      const { state } = this.#snapshot;
      if (piece === this.#pieces && (state === 'buffering' || state === 'playing') && !this.#player?.running)
        this.#warn('No sound comes out: the browser has not started its audio. Check the sound device, then press pause and play');
    }, SILENT_MS);
  }

  #keep(samples: Float32Array): void {
    this.#kept.push(samples);
    let length = this.#kept.reduce((n, part) => n + part.length, 0);
    while (this.#kept.length > 1 && length > MAX_KEPT_SAMPLES) length -= (this.#kept.shift() as Float32Array).length;
  }

  #warn(message: string): void {
    const { warnings } = this.#snapshot;
    if (!warnings.includes(message)) this.#set({ warnings: [...warnings, message].slice(-8) });
  }

  #set(change: Partial<Snapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    this.#options.onChange?.(this.#snapshot);
  }
}

function shown(error: unknown): MelodyError | undefined {
  if (!(error instanceof MelodyError)) return new MelodyError('io', String(error), 'reload the page');
  return error.code === 'aborted' ? undefined : error; // the listener's own doing is no fault
}
