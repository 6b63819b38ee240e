// A piece that is made while it plays: what the worker tells of it becomes the snapshot, and its samples go to who plays and keeps them.
import type { StreamOptions, StyleOptions } from '../pipeline/options.ts';
import type { MelodyWorker, RunningStream } from './client.ts';
import type { PlayedPiece } from './played_piece.ts';
import type { Plain } from './protocol.ts';
import type { SessionOptions } from './session_options.ts';
import { type SnapshotStore, shownError } from './snapshot.ts';

/** Seconds of music that are made ahead of what is heard, where a page does not say. */
const AHEAD_SECONDS = 8;

/** What a session does as a piece is made. */
interface Steps {
  /** Its recipe is about to be shown: from now on it can be steered. */
  onStart(): void;
  /** These samples are to be played; shown and told of afterwards. */
  onChunk(channels: readonly Float32Array[], startSample: number): void;
  /** No more will come. */
  onEnd(): void;
}

export class Making {
  readonly #abort = new AbortController();
  readonly #stream: RunningStream;
  #started = false;
  /** Settles when the worker is free again; never rejects. */
  readonly settled: Promise<void>;

  constructor(
    worker: MelodyWorker,
    options: Plain<StreamOptions>,
    { aheadSeconds = AHEAD_SECONDS, onEvent, onChunk }: SessionOptions,
    store: SnapshotStore,
    piece: PlayedPiece,
    steps: Steps,
  ) {
    const { signal } = this.#abort;
    let madeAt = performance.now();
    let computing = 0; // seconds
    let made = 0; // seconds, with what was dropped
    let waiting = false; // between a chunk and the next sign of work
    this.#stream = worker.stream(options, aheadSeconds, {
      signal,
      onStart: (recipe) => {
        this.#started = true;
        steps.onStart();
        store.set({ recipe });
      },
      onEvent: (event) => {
        // The first event after a pause shows when work went on.
        if (event.type === 'progress' && waiting) {
          waiting = false;
          madeAt = performance.now();
        }
        if (event.type === 'warning') store.warn(event.message);
        if (event.type === 'beat') piece.beats.push(event);
        if (event.type === 'steered') {
          const { atSeconds, anew } = event.steering;
          if (anew) piece.beats = piece.beats.filter((mark) => mark.atSeconds < atSeconds);
          store.set({ recipe: event.recipe, changeSeconds: atSeconds, madeSeconds: Math.min(store.now.madeSeconds, atSeconds) });
        }
        onEvent?.(event);
      },
      onChunk: (channels, sampleRate, startSample) => {
        computing += (performance.now() - madeAt) / 1000;
        waiting = true;
        made += channels[0].length / sampleRate;
        piece.recording?.push(channels, startSample);
        steps.onChunk(channels, startSample);
        store.set({ madeSeconds: (startSample + channels[0].length) / sampleRate, speed: made / Math.max(computing, 1e-3) });
        onChunk?.(channels, sampleRate, startSample);
      },
    });
    this.settled = this.#stream.finished.then(
      () => {
        if (signal.aborted) return;
        steps.onEnd();
        store.set({ complete: true });
      },
      (error: unknown) => {
        if (signal.aborted) return;
        steps.onEnd(); // what was made is still heard
        store.set({ error: shownError(error), ...(store.now.bufferedSeconds === 0 && { state: store.rest }) });
      },
    );
  }

  /** Whether it can be steered yet. */
  get started(): boolean {
    return this.#started;
  }

  steer(style: StyleOptions): void {
    this.#stream.steer(style);
  }

  /** So many samples of the piece were heard. */
  played(samples: number): void {
    this.#stream.played(samples);
  }

  abort(): void {
    this.#abort.abort();
  }
}
