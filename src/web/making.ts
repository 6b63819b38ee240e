// A piece that is made while it plays: what the worker tells of it becomes the snapshot, and its samples go to who plays and keeps them.
import { lengthOf } from '../audio/channels.ts';
import type { StreamOptions } from '../pipeline/options.ts';
import type { MelodyWorker, RunningStream } from './client.ts';
import type { PlayedPiece } from './played_piece.ts';
import type { Plain } from './protocol.ts';
import type { SessionOptions } from './session_options.ts';
import { restOf, type SnapshotStore, shownError } from './snapshot.ts';

/** Seconds of music that are made ahead of what is heard, where a page does not say. */
const AHEAD_SECONDS = 8;

/** What a session does as a piece is made. */
interface Steps {
  /** Its recipe is about to be shown: from now on it can be steered. */
  onStart(stream: RunningStream): void;
  /** These samples are to be played; shown and told of afterwards. */
  onChunk(channels: readonly Float32Array[], startSample: number): void;
  /** No more will come. */
  onEnd(): void;
}

/** A piece on its way. */
export interface Making {
  readonly stream: RunningStream;
  /** Ends it. */
  readonly abort: AbortController;
  /** Settles when the worker is free again; never rejects. */
  readonly settled: Promise<void>;
  /** Whether it can be steered yet. */
  started: boolean;
}

export function makePiece(
  worker: MelodyWorker,
  options: Plain<StreamOptions>,
  { aheadSeconds = AHEAD_SECONDS, onEvent, onChunk }: SessionOptions,
  store: SnapshotStore,
  piece: PlayedPiece,
  steps: Steps,
): Making {
  const abort = new AbortController();
  const { signal } = abort;
  const stream = worker.stream(options, aheadSeconds, {
    signal,
    onStart: (recipe) => {
      making.started = true;
      steps.onStart(stream);
      store.set({ recipe });
    },
    onEvent: (event) => {
      if (event.type === 'warning') store.warn(event.message);
      if (event.type === 'beat') piece.beats.push(event);
      if (event.type === 'steered') {
        const { atSeconds, anew } = event.steering;
        if (anew) piece.beats = piece.beats.filter((mark) => mark.atSeconds < atSeconds);
        store.set({ recipe: event.recipe, changeSeconds: atSeconds, madeSeconds: Math.min(store.now.madeSeconds, atSeconds) });
      }
      onEvent?.(event);
    },
    onChunk: (channels, sampleRate, startSample, speed) => {
      piece.recording?.push(channels, startSample);
      steps.onChunk(channels, startSample);
      store.set({ madeSeconds: (startSample + lengthOf(channels)) / sampleRate, speed });
      onChunk?.(channels, sampleRate, startSample);
    },
  });
  const settled = stream.finished.then(
    () => {
      if (signal.aborted) return;
      store.set({ complete: true });
      steps.onEnd();
    },
    (error: unknown) => {
      if (signal.aborted) return;
      steps.onEnd(); // what was made is still heard
      store.set({ error: shownError(error), ...(store.now.bufferedSeconds === 0 && { state: restOf(store.now) }) });
    },
  );
  const making = { stream, abort, settled, started: false };
  return making;
}
