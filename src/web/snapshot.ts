// What a page shows of a session.
import type { MelodyError } from '../errors.ts';
import type { Recipe } from '../pipeline/options.ts';
import type { ModelInfo, WorkerEvent } from './protocol.ts';

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

/** Of a piece that has not begun. */
export const NOTHING = {
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

export const EMPTY: Snapshot = { ...NOTHING, state: 'empty', model: undefined, loading: undefined, speed: undefined };
