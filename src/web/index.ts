// What a page imports: the worker's client, the session that plays, and the custom element. The engine itself runs in the worker alone.

export { MelodyError } from '../errors.ts';
export type { MelodyEvent, Recipe, StreamOptions, StyleOptions } from '../pipeline/options.ts';
export { MelodyWorker } from './client.ts';
export { MelodyPlayerElement } from './element.ts';
export type { Description, ModelFiles, ModelInfo, StoreUse, WorkerStats } from './protocol.ts';
export { Session, type SessionOptions } from './session.ts';
export type { SessionState, Snapshot } from './snapshot.ts';
