// Types of the public API, for the library and for pages alike: what is asked of the engine, and what a finished clip is described by.

export type { Beat, BeatMark } from './audio/beats.ts';
export type { Loudness } from './audio/loudness.ts';
export type { ClipReport, MeasureOptions, Rhythm, SoundReport } from './audio/measure.ts';
export type { Envelopes } from './audio/measures/envelopes.ts';
export type { Seam } from './audio/measures/joins.ts';
export type { Clipping, Level, Silence, Stereo } from './audio/measures/level.ts';
export type { TempoStability } from './audio/measures/rhythm.ts';
export type { Spectrum } from './audio/measures/spectrum.ts';
export type { Structure } from './audio/measures/structure.ts';
export type { Key, Tonality } from './audio/measures/tonality.ts';
export type { Tones } from './audio/measures/tones.ts';
export type { EngineOptions } from './engine/engine.ts';
export type { MemoryForecast } from './engine/memory.ts';
export type { GpuOptions } from './gpu/device.ts';
export type { Draft } from './pipeline/draft.ts';
export type { Clip, LoadOptions, QueueOptions, WebGpuEntry } from './pipeline/melody.ts';
export type {
  AudioInput,
  BeatEvent,
  Blend,
  ChunkEvent,
  Decided,
  DecidedEvent,
  DoneEvent,
  DownloadEvent,
  GenerateOptions,
  MelodyEvent,
  PieceSettings,
  ProgressEvent,
  QueuedEvent,
  Recipe,
  RecipeSettings,
  Region,
  SamplingOptions,
  SamplingSettings,
  Stage,
  SteeredEvent,
  Steering,
  StreamOptions,
  StyleOptions,
  WaitingEvent,
  WarningEvent,
} from './pipeline/options.ts';
export type { Timings } from './pipeline/progress.ts';
export type { Sampler, Schedule } from './pipeline/stages/schedule.ts';
export type { MelodyStream, SteerTiming, StreamChunk } from './pipeline/stream.ts';
