// What a user may ask for, and the checked, complete form of it: a Recipe, which makes the same music again.
import type { Draft } from './draft.ts';
import type { Sampler, Schedule } from './schedule.ts';

/** Audio in memory: channels of equal length, full scale −1…1. */
export interface AudioInput {
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number; // Hz
}

/** Stages in the order in which a piece passes them. */
export type Stage = 'style' | 'tokens' | 'diffusion' | 'decoding';

export type MelodyEvent =
  | { readonly type: 'download'; readonly file: string; readonly received: number; readonly total: number }
  | {
      readonly type: 'progress';
      readonly stage: Stage /** Of the whole job, 0…1, never falling. */;
      readonly fraction: number;
      readonly etaSeconds: number;
    }
  | {
      readonly type: 'warning';
      readonly code: 'unknown_words' | 'dropped_words' | 'ignored_control' | 'suspect_output' | 'gpu_recovered' | 'low_memory' | 'underrun';
      readonly message: string;
    }
  /** Tempo, key and metre of what is made next, as the model is told them. */
  | ({ readonly type: 'decided' } & Decided)
  /** A stream took up what `steer` asked for. */
  | { readonly type: 'steered'; readonly steering: Steering }
  | { readonly type: 'chunk'; readonly startSample: number; readonly samples: number }
  | { readonly type: 'done'; readonly seconds: number };

/** What a model with controls was told. Absent: that it is not known. */
export interface Decided {
  /** All of it in words: "120 bpm, A minor, 4/4". */
  readonly text: string;
  readonly tempo?: number; // bpm
  readonly key?: string; // "A minor"
  readonly metre?: string; // "4/4"
}

/** What music is wanted. */
export interface StyleOptions {
  /** The music in words. Optional beside promptAudio or continueFrom. */
  prompt?: string;
  /** A second prompt, mixed in embedding space before quantisation: weight 0 is all `prompt`, 1 all `text`. */
  blend?: { text: string; weight: number };
  /** What to lead away from; takes effect through lmGuidanceScale > 1. */
  negativePrompt?: string;
  /** Music whose style is taken (its first window), instead of or mixed with the prompt (`promptAudioWeight`, default 1 without a prompt, 0.5 with). */
  promptAudio?: AudioInput;
  promptAudioWeight?: number;
  /**
   * Beats a minute, 40…220. Tempo, key and metre are read from the prompt when absent, or else chosen to fit it. Behind or within given
   * audio a beat is kept only when `tempo` is given; the audio's first sample is then taken to be a downbeat. Refused by models without controls.
   */
  tempo?: number;
  /** "A minor", "F# major", "Bb minor"; "none": not decided. */
  key?: string;
  /** "4/4", "3/4", "6/8" (felt in two) or "5/4". */
  metre?: string;
}

/** A change of the style at `atSeconds` of the music. */
export interface Steering extends Omit<StyleOptions, 'promptAudio' | 'promptAudioWeight'> {
  readonly atSeconds: number;
}

export interface SamplingOptions {
  /** Whole number 0…2^53−1; drawn and reported when absent. */
  seed?: number;
  /** Diffusion steps, 1…1000. */
  steps?: number;
  /** Classifier-free guidance of the diffusion; 1 is none and halves the cost. */
  guidanceScale?: number;
  schedule?: Schedule;
  sampler?: Sampler;
  temperature?: number;
  topK?: number;
  topP?: number;
  /** Guidance of the language model towards the style and away from the negative prompt; 1 (default) is none. */
  lmGuidanceScale?: number;
  /** Seconds made by the first window; a short one sounds sooner, a long one sounds better. generate: one full window, stream: one chunk. */
  firstWindowSeconds?: number;
  /** Windows denoised in one batch, 1…16 (default 1: one after another). More is faster on wide GPUs and makes other, equally good music. */
  parallelWindows?: number;
  /** A4 in Hz, 415…466. Default: that of given audio where it has one, else the model's. Refused by models whose decoder knows no pitch. */
  tuning?: number;
  /** Changes of the style along the music, in order of time; tempo, key and metre hold until others are given. */
  steered?: readonly Steering[];
  signal?: AbortSignal;
  onEvent?: (event: MelodyEvent) => void;
}

export interface GenerateOptions extends StyleOptions, SamplingOptions {
  /** Exact to the sample. 0.1…3600 s; default one window. */
  durationSeconds?: number;
  /** Make the end lead into the start. The tempo bends by less than 4 % where that gives the loop whole bars, or else whole beats. */
  loop?: boolean;
  /** Go on after this audio; the result is the continuation alone, which joins the given audio's last sample. */
  continueFrom?: AudioInput;
  /** Audio whose `inpaint` regions are made anew; outside them it comes back as it was. */
  initAudio?: AudioInput;
  inpaint?: readonly { readonly start: number; readonly end: number }[]; // seconds
  /** Make the last window whole and cut the clip within it: what an endless stream makes that is stopped then. */
  wholeWindows?: boolean;
  /** Keeps what is made, so that the same call goes on where an abort or a fault stopped it. */
  draft?: Draft;
}

export interface StreamOptions extends StyleOptions, SamplingOptions {
  /** Default: endless. */
  durationSeconds?: number;
  continueFrom?: AudioInput;
}

/** Everything that decides the bytes of a piece. Written into files; `generate(recipe)` makes the piece again. */
export interface Recipe {
  readonly version: 1;
  readonly model: string;
  readonly prompt?: string;
  readonly blend?: { readonly text: string; readonly weight: number };
  readonly negativePrompt?: string;
  readonly promptAudioWeight?: number;
  readonly durationSeconds?: number;
  readonly loop?: boolean;
  readonly inpaint?: readonly { readonly start: number; readonly end: number }[];
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly schedule: Schedule;
  readonly sampler: Sampler;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly lmGuidanceScale: number;
  readonly firstWindowSeconds: number;
  readonly parallelWindows?: number;
  readonly wholeWindows?: boolean;
  readonly tuning?: number;
  readonly tempo?: number;
  readonly key?: string;
  readonly metre?: string;
  readonly steered?: readonly Steering[];
  /** What was decided, for readers: the options above decide it again. A finished clip of a model with controls has it. */
  readonly decided?: Decided;
}

/** Mean of the channels. */
export function mono({ channels }: AudioInput): Float32Array {
  const mix = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < mix.length; i++) mix[i] += channel[i] / channels.length;
  return mix;
}
