// What page and worker say to each other. Every request has an id; its answers carry it: events, chunks, then one `done` or `failed`.
import type { ErrorCode } from '../errors.ts';
import type { Clip } from '../pipeline/melody.ts';
import type { GenerateOptions, MelodyEvent, Recipe, StreamOptions, StyleOptions } from '../pipeline/options.ts';
import type { CacheEntry } from '../platform/platform.ts';

/** Options that can cross: callbacks, signals and drafts stay on the page's side. */
export type Plain<T> = Omit<T, 'signal' | 'onEvent' | 'draft'>;

/** What a model folder weighs, before anything heavy is fetched. */
export interface ModelFiles {
  /** Every file of the model folder. */
  readonly files: readonly {
    /** Its name within the folder. */
    readonly name: string;
    /** Its size. */
    readonly bytes: number;
  }[];
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Bytes of these that are already kept in this browser. */
  readonly kept: number;
}

/** A loaded model and the adapter that it runs on. */
export interface ModelInfo {
  /** Name of the model. */
  readonly name: string;
  /** Samples a second of the audio that it makes, Hz. */
  readonly sampleRate: number;
  /** Of the audio that it makes. */
  readonly channels: number;
  /** Seconds of music that the model makes at a time. */
  readonly windowSeconds: number;
  /** Name of the GPU or software adapter, or of the CPU executor. */
  readonly adapter: string;
  /** Largest piece of memory that the adapter binds, bytes. */
  readonly bindingBytes: number;
  /** The adapter is a program on the processor: right, but slow. */
  readonly software: boolean;
  /** False where the browser had no room (or no cache) and the weights are held in memory instead. */
  readonly kept: boolean;
}

/** What the engine holds on the GPU. */
export interface WorkerStats {
  /** Bytes of all buffers. */
  readonly gpuBytes: number;
  /** Number of buffers. */
  readonly gpuBuffers: number;
  /** Most bytes at one time of the last job. */
  readonly gpuPeakBytes: number;
  /** How often a lost GPU was opened again. */
  readonly recoveries: number;
}

/** A finished clip in a few words, for people who do not see the picture. */
export interface Description {
  /** Beats a minute; 0 where nothing repeats. */
  readonly tempo: number;
  /** For example "A minor"; undefined where no pitch was found. */
  readonly key: string | undefined;
  /** Integrated loudness, LUFS. */
  readonly loudness: number;
  /** Length in seconds. */
  readonly duration: number;
  /** Undefined for pieces too short to have a form. */
  readonly sections: number | undefined;
  /** Why the clip may be broken, in words. */
  readonly suspect: readonly string[];
}

/** What `MelodyWorker.wav` puts into a file. */
export interface WavRequest {
  /** One array a channel, all of one length; full scale is −1 to 1. */
  readonly channels: Float32Array[];
  /** Samples a second, Hz. */
  readonly sampleRate: number;
  /** What makes the audio again. */
  readonly recipe: unknown;
  /** Short text that a player may show, usually the prompt. */
  readonly title: string;
  /** Licence of the audio, as a name or SPDX id. */
  readonly license: string;
}

/** What this origin keeps in the browser's storage. */
export interface StoreUse {
  /** Every kept file. */
  readonly entries: readonly CacheEntry[];
  /** What the browser says: bytes used and given to this origin; undefined where it does not say. */
  readonly usage: number | undefined;
  /** Bytes that the browser allows this origin; undefined where it does not say. */
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
  remove: [{ address?: string | undefined }, number];
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

/** How far the download of a model is. */
export interface FetchingEvent {
  /** Tells events apart. */
  readonly type: 'fetching';
  /** Name of the file that is being fetched. */
  readonly file: string;
  /** Bytes of this file that are there. */
  readonly fileReceived: number;
  /** Bytes of this file. */
  readonly fileTotal: number;
  /** Bytes of the model that are there. */
  readonly received: number;
  /** Bytes of the model. */
  readonly total: number;
}

/** The browser does not keep the weights. */
export interface NotKeptEvent {
  /** Tells events apart. */
  readonly type: 'not_kept';
  /** Why, for people. */
  readonly message: string;
}

/** A stream begins. */
export interface StartedEvent {
  /** Tells events apart. */
  readonly type: 'started';
  /** What makes the stream again. */
  readonly recipe: Recipe;
}

/** What the worker reports while it works. */
export type WorkerEvent = MelodyEvent | FetchingEvent | NotKeptEvent | StartedEvent;

export type Reply =
  | { readonly type: 'event'; readonly id: number; readonly event: WorkerEvent }
  | {
      readonly type: 'chunk';
      readonly id: number;
      readonly channels: Float32Array[];
      readonly sampleRate: number;
      readonly startSample: number;
      /** How fast music is made, as `Snapshot.speed`. */
      readonly speed: number;
    }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: PlainError };
