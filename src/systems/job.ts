// What jobs of all published systems have in common: who watches, the recipe, the model, the shares of the stages.
import type { Checked } from '../engine/engine.ts';
import type { MelodyEvent, Region, Stage } from '../pipeline/options.ts';
import type { Identity } from './identity.ts';
import type { Precision } from './precision.ts';

/** Who watches a job. */
export interface JobOptions {
  /** Aborts the job; it then throws `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called with progress and warnings while the job runs. */
  onEvent?: ((event: MelodyEvent) => void) | undefined;
}

/** What every recipe of a published system says. */
export interface SystemRecipe {
  /** Version of the form of recipes. */
  readonly version: 1;
  /** Tells systems apart. */
  readonly system: 'musicgen' | 'stable_audio';
  /** Name of the model. */
  readonly model: string;
  /** SHA-256 of the names and hashes of all files that it was played from; absent in pages whose files are too large to be hashed there. */
  readonly weights?: string;
  /** How its matrices lay in memory. */
  readonly precision: Precision;
  /** What made it: a GPU, or the CPU, whose music differs in its last bits. */
  readonly executor?: 'gpu' | 'cpu';
  /** Of the CPU: the instructions of its kernels. */
  readonly build?: 'plain' | 'relaxed';
  /** What was asked for. */
  readonly prompt: string;
  /** Length in seconds. */
  readonly durationSeconds: number;
  /** Seed of the draws. */
  readonly seed: number;
  /** Of a clip beside given sound: false where it has the model's rate and channels, not that sound's. */
  readonly keepGiven?: boolean;
  /** Regions of given sound that were made anew, of systems that can. */
  readonly inpaint?: readonly Region[];
}

/** What every published model says of itself. */
export interface SystemModel extends Checked {
  readonly name: string;
  readonly licence: string;
  readonly identity?: Identity;
}

/** Shares of the stages in a job. */
export type Span = Readonly<Record<Stage, readonly [number, number]>>;
