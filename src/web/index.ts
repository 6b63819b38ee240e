// What a page imports: the worker's client, the session that plays, and the custom element. The engine itself runs in the worker alone.

export { beatsBetween } from '../audio/beats.ts';
export { type ErrorCode, MelodyError } from '../errors.ts';
export type { CacheEntry } from '../platform/platform.ts';
export type * from '../public_types.ts';
export { type LoadCallbacks, MelodyWorker, type RunningStream, type StreamCallbacks } from './client.ts';
export { MelodyPlayerElement } from './element.ts';
export type { MelodyPlayerAttributes, MelodyPlayerEvents, MelodyPlayerListeners } from './element_types.ts';
export type {
  Description,
  FetchingEvent,
  ModelFiles,
  ModelInfo,
  NotKeptEvent,
  Plain,
  StartedEvent,
  StoreUse,
  WavRequest,
  WorkerEvent,
  WorkerStats,
} from './protocol.ts';
export type { HeardBeat } from './pulse.ts';
export { RECORDED_SECONDS, type RecordedAudio } from './recording.ts';
export { Session } from './session.ts';
export type { SessionOptions } from './session_options.ts';
export type { SessionState, Snapshot } from './snapshot.ts';
