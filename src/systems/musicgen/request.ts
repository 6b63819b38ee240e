// What is asked of the stages, and what they run on.
import type { Machine } from '../../engine/engine.ts';
import type { Precision } from '../precision.ts';
import type { MusicgenModel, Sampling } from './model.ts';

export type MusicgenMachine = Machine<MusicgenModel>;

export interface Request extends Sampling {
  readonly ids: readonly number[];
  readonly frames: number;
  readonly seed: number;
  /** How the matrices of the language model and the text encoder lie. */
  readonly precision: Precision;
  /** A tune to follow, one channel at `chroma.sampling_rate`; of MusicGen Melody alone, which hears none where there is none. */
  readonly tune?: Float32Array;
  /** Codes of the first frames, which stay. */
  readonly known?: Uint32Array;
  /** Frames of a window, and of what it shares with the one before; for tests. */
  readonly window?: { readonly most: number; readonly shared: number };
}
