// The public API of published systems: an entry of its own, so that a page with a MeLoDy model does not grow.

export { type ErrorCode, MelodyError } from '../errors.ts';
export type * from '../public_types.ts';
export { loadSystem } from './load.ts';
export type { Sampling } from './musicgen/model.ts';
export type { MusicGen, MusicgenOptions, MusicgenRecipe } from './musicgen/musicgen.ts';
export type { Precision } from './precision.ts';
export type { StableAudio, StableAudioOptions, StableAudioRecipe, StableAudioSettings } from './stable_audio/stable_audio.ts';
export type { StreamRecipe, SystemStream } from './stream.ts';
export type { JobOptions, PublishedSystem, SystemClip, SystemOptions, SystemRecipe } from './system.ts';
