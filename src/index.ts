// The public API. Everything a program needs, and nothing else.

export { measureClip } from './audio/measure.ts';
export { clipPicture } from './audio/picture.ts';
export { readWav } from './audio/wav.ts';
export { readRecipe, recipeTags } from './audio/wav_tags.ts';
export { writeWav } from './audio/wav_write.ts';
export type { MemoryForecast } from './engine/memory.ts';
export { type ErrorCode, MelodyError } from './errors.ts';
export { Draft } from './pipeline/draft.ts';
export { type Clip, type LoadOptions, Melody } from './pipeline/melody.ts';
export type { AudioInput, GenerateOptions, MelodyEvent, Recipe, Steering, StreamOptions, StyleOptions } from './pipeline/options.ts';
export type { MelodyStream, StreamChunk } from './pipeline/stream.ts';
