// What a user may ask for, and the checked, complete form of it: a Recipe, which makes the same music again. The settings themselves stand
// in settings.ts.
import type { Draft } from './draft.ts';
import type { PieceSettings, RecipeSettings, SamplingSettings, Steering, StyleOptions } from './settings.ts';

export type { AudioInput, Blend, PieceSettings, RecipeSettings, Region, SamplingSettings, Steering, StyleOptions } from './settings.ts';

/** Stages in the order in which a piece passes them. */
export type Stage = 'style' | 'tokens' | 'diffusion' | 'decoding';

export type MelodyEvent =
  | { readonly type: 'download'; readonly file: string; readonly received: number; readonly total: number }
  | {
      readonly type: 'progress';
      readonly stage: Stage /** Of the whole job, 0…1, never falling. */;
      readonly fraction: number;
      readonly etaSeconds: number;
    }
  | {
      readonly type: 'warning';
      readonly code: 'unknown_words' | 'dropped_words' | 'ignored_control' | 'suspect_output' | 'gpu_recovered' | 'low_memory' | 'underrun';
      readonly message: string;
    }
  /** Tempo, key and metre of what is made next, as the model is told them. */
  | ({ readonly type: 'decided' } & Decided)
  /** A stream took up what `steer` asked for. */
  | { readonly type: 'steered'; readonly steering: Steering }
  | { readonly type: 'chunk'; readonly startSample: number; readonly samples: number }
  | { readonly type: 'done'; readonly seconds: number };

/** What a model with controls was told. Absent: that it is not known. */
export interface Decided {
  /** All of it in words: "120 bpm, A minor, 4/4". */
  readonly text: string;
  readonly tempo?: number; // bpm
  readonly key?: string; // "A minor"
  readonly metre?: string; // "4/4"
}

export interface SamplingOptions extends SamplingSettings {
  signal?: AbortSignal;
  onEvent?: (event: MelodyEvent) => void;
}

export interface GenerateOptions extends StyleOptions, SamplingOptions, PieceSettings {
  /** Keeps what is made, so that the same call goes on where an abort or a fault stopped it. */
  draft?: Draft;
}

export interface StreamOptions
  extends StyleOptions,
    SamplingOptions,
    Pick<PieceSettings, 'durationSeconds' | 'continueFrom' | 'wholeWindows'> {}

/** Everything that decides the bytes of a piece. Written into files; `generate(recipe)` makes the piece again. */
export interface Recipe extends RecipeSettings {
  readonly version: 1;
  readonly model: string;
  /** What was decided, for readers: the options above decide it again. A finished clip of a model with controls has it. */
  readonly decided?: Decided;
}
