// What a page shows of a session, and the one place that changes it.
import { MelodyError } from '../errors.ts';
import type { Recipe } from '../pipeline/options.ts';
import type { FetchingEvent, ModelInfo } from './protocol.ts';

/**
 * 'empty': no model, and nothing plays (finished audio does without one). 'loading': a model is on its way. 'ready': nothing plays. 'buffering': music is being made and not heard yet. Then 'playing' or 'paused'.
 */
export type SessionState = 'empty' | 'loading' | 'ready' | 'buffering' | 'playing' | 'paused';

/** State of a session at one moment. */
export interface Snapshot {
  /** What the session is doing. */
  readonly state: SessionState;
  /** The loaded model. */
  readonly model: ModelInfo | undefined;
  /** How far the download is; undefined where nothing is fetched. */
  readonly loading: FetchingEvent | undefined;
  /** While loading: the server has sent nothing for 5 seconds; after 20 it is given up. */
  readonly waiting: boolean;
  /** Why the last load or piece failed. */
  readonly error: MelodyError | undefined;
  /** What the running job or the model says, newest last. */
  readonly warnings: readonly string[];
  /** All chunks of the piece were made, and it was not stopped. */
  readonly complete: boolean;
  /** Of the current piece, once it is known. */
  readonly recipe: Recipe | undefined;
  /** Second of the piece at which the last change that was steered is heard. */
  readonly changeSeconds: number | undefined;
  /** Seconds of music made so far, without what a change has dropped. */
  readonly madeSeconds: number;
  /** Seconds of music heard so far. */
  readonly playedSeconds: number;
  /** Seconds of music made and not heard yet. */
  readonly bufferedSeconds: number;
  /** How often the sound stopped because the next chunk was not made. */
  readonly underruns: number;
  /** 0…1, what was heard a moment ago. */
  readonly peak: number;
  /**
   * Seconds of music that this machine makes in a second, in the running or last piece. Not counted: waiting for the listener, and what is made
   * slower on purpose, since enough of it is made.
   */
  readonly speed: number | undefined;
}

/** Of a piece that has not begun. */
export const NOTHING = {
  complete: false,
  recipe: undefined,
  changeSeconds: undefined,
  madeSeconds: 0,
  playedSeconds: 0,
  bufferedSeconds: 0,
  underruns: 0,
  peak: 0,
  warnings: [],
  error: undefined,
} satisfies Partial<Snapshot>;

export const EMPTY: Snapshot = { ...NOTHING, state: 'empty', model: undefined, loading: undefined, waiting: false, speed: undefined };

/** Keeps the snapshot of a session; the page hears of every change. */
export class SnapshotStore {
  now = EMPTY;
  /** Nothing changes any more. */
  closed = false;
  readonly #onChange: ((snapshot: Snapshot) => void) | undefined;

  constructor(onChange: ((snapshot: Snapshot) => void) | undefined) {
    this.#onChange = onChange;
  }

  set(change: Partial<Snapshot>): void {
    if (this.closed) return;
    this.now = { ...this.now, ...change };
    this.#onChange?.(this.now);
  }

  /** Adds a warning, unless it stands there already; the last eight are kept. */
  warn(message: string): void {
    const { warnings } = this.now;
    if (!warnings.includes(message)) this.set({ warnings: [...warnings, message].slice(-8) });
  }
}

/** Is a piece heard, or about to be? */
export const runs = (of: Pick<Snapshot, 'state'> | undefined): boolean => of?.state === 'playing' || of?.state === 'buffering';

/** The state in which nothing plays. */
export const restOf = ({ model }: Snapshot): 'ready' | 'empty' => (model ? 'ready' : 'empty');

/** What is shown of an error; undefined for what the listener asked for, which is no fault. */
export function shownError(error: unknown): MelodyError | undefined {
  if (!(error instanceof MelodyError)) return new MelodyError('io', String(error), 'reload the page');
  return error.code === 'aborted' ? undefined : error;
}
