// The public API. Everything a program needs, and nothing else.

export { type Beat, beatsBetween } from './audio/beats.ts';
export { measureClip } from './audio/measure.ts';
export { type MidiScore, writeMidi } from './audio/midi.ts';
export { clipPicture, type PictureOptions } from './audio/picture.ts';
export { type AudioFile, type AudioFormat, readAudio, writeAudio } from './audio/sound_file.ts';
export { type EncodeOptions, encodeAudio, type SoundPart } from './audio/sound_stream.ts';
export { readWav, type WavAudio, type WavReadOptions } from './audio/wav.ts';
export { type RecipeNote, readRecipe, recipeTags, type WavTags } from './audio/wav_tags.ts';
export { type SampleFormat, writeWav } from './audio/wav_write.ts';
export { type ErrorCode, MelodyError } from './errors.ts';
export { Melody } from './melody.ts';
export { Draft } from './pipeline/draft.ts';
export type { MeLoDy } from './pipeline/melody.ts';
export type * from './public_types.ts';
export type { Sampling } from './systems/musicgen/model.ts';
export type { MusicGen, MusicgenOptions, MusicgenRecipe } from './systems/musicgen/musicgen.ts';
export type { Precision } from './systems/precision.ts';
export type { StableAudio, StableAudioOptions, StableAudioRecipe, StableAudioSettings } from './systems/stable_audio/stable_audio.ts';
export type { StreamRecipe, SystemStream } from './systems/stream.ts';
export type { JobOptions, PublishedSystem, SystemClip, SystemOptions, SystemRecipe } from './systems/system.ts';
