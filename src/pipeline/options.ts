// What a user may ask for, and the checked, complete form of it: a Recipe, which makes the same music again. The settings themselves stand
// in settings.ts.
import type { BeatMark } from '../audio/beats.ts';
import type { Draft } from './draft.ts';
import type { PieceSettings, RecipeSettings, SamplingSettings, Steering, StyleOptions } from './settings.ts';

export type { AudioInput, Blend, PieceSettings, RecipeSettings, Region, SamplingSettings, Steering, StyleOptions } from './settings.ts';

/** Stages in the order in which a piece passes them. */
export type Stage = 'style' | 'tokens' | 'diffusion' | 'decoding';

/** Bytes of a file that is fetched. */
export interface DownloadEvent {
  /** Tells events apart. */
  readonly type: 'download';
  /** Name of the file. */
  readonly file: string;
  /** Bytes that are there. */
  readonly received: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** The server of a file has sent nothing for 5 seconds; after 20 it is given up. */
export interface WaitingEvent {
  /** Tells events apart. */
  readonly type: 'waiting';
  /** Name of the file. */
  readonly file: string;
}

/** How far a job is. */
export interface ProgressEvent {
  /** Tells events apart. */
  readonly type: 'progress';
  /** The stage that computes. */
  readonly stage: Stage;
  /** Share of the whole job that is done, 0 to 1; it never falls. */
  readonly fraction: number;
  /** Estimate of the seconds that remain. */
  readonly etaSeconds: number;
}

/** Something the user should know; the job goes on. */
export interface WarningEvent {
  /** Tells events apart. */
  readonly type: 'warning';
  /** What it is, for programs. */
  readonly code:
    | 'unknown_words'
    | 'dropped_words'
    | 'ignored_control'
    | 'suspect_output'
    | 'gpu_recovered'
    | 'low_memory'
    | 'underrun'
    | 'silent_audio'
    | 'converted_audio'
    | 'other_weights';
  /** What it is, for people. */
  readonly message: string;
}

/** Tempo, key and metre of what is made next, as they were given to the model. */
export interface DecidedEvent extends Decided {
  /** Tells events apart. */
  readonly type: 'decided';
}

/** From `atSeconds` on, until the next such event, the music is planned in this tempo, metre and key. */
export interface BeatEvent extends BeatMark {
  /** Tells events apart. */
  readonly type: 'beat';
}

/** A stream took up what `steer` asked for. */
export interface SteeredEvent {
  /** Tells events apart. */
  readonly type: 'steered';
  /** The change, and when it takes effect. */
  readonly steering: Steering;
  /** What makes the stream again from now on. A change that music asked for is not in it. */
  readonly recipe: Recipe;
}

/** A chunk of a stream was made. */
export interface ChunkEvent {
  /** Tells events apart. */
  readonly type: 'chunk';
  /** Place of its first sample in the stream. */
  readonly startSample: number;
  /** Samples of each channel. */
  readonly samples: number;
}

/** The job waits until others are done (`queue` of `Melody.load`). */
export interface QueuedEvent {
  /** Tells events apart. */
  readonly type: 'queued';
  /** Turns of others before its own. */
  readonly ahead: number;
}

/** The job is done. */
export interface DoneEvent {
  /** Tells events apart. */
  readonly type: 'done';
  /** Seconds of computing. */
  readonly seconds: number;
}

/** What a job reports while it runs; `type` says which. */
export type MelodyEvent =
  | DownloadEvent
  | WaitingEvent
  | QueuedEvent
  | ProgressEvent
  | WarningEvent
  | DecidedEvent
  | BeatEvent
  | SteeredEvent
  | ChunkEvent
  | DoneEvent;

/** Tempo, key and metre that a model with controls was given. What is absent was given as unknown. */
export interface Decided {
  /** All of it in words: "120 bpm, A minor, 4/4". */
  readonly text: string;
  /** Beats a minute. */
  readonly tempo?: number;
  /** For example "A minor". */
  readonly key?: string;
  /** For example "4/4". */
  readonly metre?: string;
  /** Classes of instruments that a prompt names, for example "acoustic guitar": of models that are told them. */
  readonly instruments?: readonly string[];
}

/** Options that say how music is made, and who watches it. */
export interface SamplingOptions extends SamplingSettings {
  /** Aborts the job; it then throws `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called with progress, warnings and what the model decides, while the job runs. */
  onEvent?: ((event: MelodyEvent) => void) | undefined;
}

/** Options of `Melody.generate`. */
export interface GenerateOptions extends StyleOptions, SamplingOptions, PieceSettings {
  /** Keeps what is made, so that the same call goes on where an abort or a fault stopped it. */
  draft?: Draft | undefined;
}

/** Options of `Melody.stream`. */
export interface StreamOptions
  extends StyleOptions,
    SamplingOptions,
    Pick<PieceSettings, 'durationSeconds' | 'fadeOutSeconds' | 'continueFrom' | 'wholeWindows'> {}

/** Everything that decides the bytes of a piece. Written into files; `generate(recipe)` makes the piece again. */
export interface Recipe extends RecipeSettings {
  /** Version of the form of recipes. */
  readonly version: 1;
  /** Name of the model. */
  readonly model: string;
  /** SHA-256 of the manifest of its weights, or where they were changed beside it, of what they are; absent for models without one. */
  readonly weights?: string;
  /** What was decided, for readers: the options above decide it again. A finished clip of a model with controls has it. */
  readonly decided?: Decided;
  /** What made it: a GPU, or the CPU, whose music differs in its last bits. */
  readonly executor?: 'gpu' | 'cpu';
  /** Of the CPU: the instructions of its kernels. Those of the plain build have the same results on every machine. */
  readonly build?: 'plain' | 'relaxed';
}
