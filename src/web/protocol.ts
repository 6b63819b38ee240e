// What page and worker say to each other. Every request has an id; its answers carry it: events, chunks, then one `done` or `failed`.
import type { ErrorCode } from '../errors.ts';
import type { Clip } from '../pipeline/melody.ts';
import type { GenerateOptions, MelodyEvent, Recipe, StreamOptions, StyleOptions } from '../pipeline/options.ts';
import type { CacheEntry } from '../platform/platform.ts';

/** Options that can cross: callbacks, signals and drafts stay on the page's side. */
export type Plain<T> = Omit<T, 'signal' | 'onEvent' | 'draft'>;

/** What a model folder weighs, before anything heavy is fetched. */
export interface ModelFiles {
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
  /** Bytes of these that are already kept in this browser. */
  readonly kept: number;
}

export interface ModelInfo {
  readonly name: string;
  readonly sampleRate: number; // Hz
  /** Of the audio that it makes. */
  readonly channels: number;
  readonly windowSeconds: number;
  readonly adapter: string;
  /** Largest piece of memory that the adapter binds, bytes. */
  readonly bindingBytes: number;
  /** The adapter is a program on the processor: right, but slow. */
  readonly software: boolean;
  /** False where the browser had no room (or no cache) and the weights are held in memory instead. */
  readonly kept: boolean;
}

export interface WorkerStats {
  readonly gpuBytes: number;
  readonly gpuBuffers: number;
  readonly gpuPeakBytes: number;
  /** How often a lost GPU was opened again. */
  readonly recoveries: number;
}

/** A finished clip in a few words, for people who do not see the picture. */
export interface Description {
  readonly tempo: number; // BPM, 0 where nothing repeats
  readonly key: string | undefined;
  readonly loudness: number; // LUFS
  readonly duration: number; // seconds
  /** Undefined for pieces too short to have a form. */
  readonly sections: number | undefined;
  readonly suspect: readonly string[];
}

export interface WavRequest {
  readonly channels: Float32Array[];
  readonly sampleRate: number;
  readonly recipe: unknown;
  readonly title: string;
  readonly license: string;
}

export interface StoreUse {
  readonly entries: readonly CacheEntry[];
  /** What the browser says: bytes used and given to this origin; undefined where it does not say. */
  readonly usage: number | undefined;
  readonly quota: number | undefined;
}

/** Requests by name: what is asked and what is answered. */
export interface Calls {
  describe: [{ src: string }, ModelFiles];
  load: [{ src: string; keep: boolean }, ModelInfo];
  generate: [{ options: Plain<GenerateOptions> }, Clip];
  /** `aheadSeconds`: how far making may run ahead of what was reported `played`. */
  stream: [{ options: Plain<StreamOptions>; aheadSeconds: number }, undefined];
  measure: [{ channels: Float32Array[]; sampleRate: number }, Description];
  wav: [WavRequest, Uint8Array];
  stats: [Record<never, never>, WorkerStats];
  stored: [Record<never, never>, StoreUse];
  remove: [{ address?: string }, number];
  unload: [Record<never, never>, undefined];
}

export type WorkerRequest =
  | { [K in keyof Calls]: { readonly type: K; readonly id: number } & Calls[K][0] }[keyof Calls]
  | { readonly type: 'abort'; readonly id: number }
  /** For the running stream: a new style, or how much of it was heard, in samples of one channel. */
  | { readonly type: 'steer'; readonly id: number; readonly style: StyleOptions }
  | { readonly type: 'played'; readonly id: number; readonly samples: number };

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export type WorkerEvent =
  | MelodyEvent
  /** A download, its file counted and all of the model. */
  | {
      readonly type: 'fetching';
      readonly file: string;
      readonly fileReceived: number;
      readonly fileTotal: number;
      readonly received: number;
      readonly total: number;
    }
  | { readonly type: 'not_kept'; readonly message: string }
  | { readonly type: 'started'; readonly recipe: Recipe };

export type Reply =
  | { readonly type: 'event'; readonly id: number; readonly event: WorkerEvent }
  | {
      readonly type: 'chunk';
      readonly id: number;
      readonly channels: Float32Array[];
      readonly sampleRate: number;
      readonly startSample: number;
    }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: PlainError };
