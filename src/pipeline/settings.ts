// Every setting of a piece stands here once. Types of options, recipes, checks, the options of `melody generate`, its help and the page's
// panel follow from this table. A new setting is an entry here, and a line where it acts: it arrives there in `recipe` under its name.
//
// The comment of an entry is what programmers read in their editor; FLAGS has what the command line and the page say.
import { LOUDNESS } from '../audio/leveller.ts';
import { METRE_NAMES, parseKey, parseMetre, TEMPO_RANGE } from './controls/control_words.ts';
import type { ModelConfig } from './model.ts';

/** Audio in memory. */
export interface AudioInput {
  /** One array a channel, all of one length, at least one sample; full scale is −1 to 1. */
  readonly channels: readonly Float32Array[];
  /** Samples a second, 1,000 to 768,000 Hz. */
  readonly sampleRate: number;
}

/** Another prompt that is mixed in. */
export interface Blend {
  /** The other prompt. */
  text: string;
  /** 0 to 1: 0 is none of it, 1 nothing else. */
  weight: number;
}

/** A part of given audio, in seconds: 0 ≤ start < end. */
export interface Region {
  /** First second of the region. */
  readonly start: number;
  /** Second at which it ends. */
  readonly end: number;
}

/** What values a setting takes, by its kind. */
interface Values {
  number: number;
  whole: number;
  text: string;
  switch: boolean;
  audio: AudioInput;
  blend: Blend | readonly Blend[];
  steerings: readonly Steering[];
  regions: readonly Region[];
}

export interface Setting {
  readonly kind: keyof Values;
  /** Numbers: the range, both ends included unless `over` says that the lower one is not. */
  readonly min?: number;
  readonly max?: number;
  readonly over?: true;
  /** What a number counts, where the name does not say it. */
  readonly unit?: string;
  /** Numbers: null is taken too, and means none of it; the command line says "off". */
  readonly off?: true;
  /** Texts: the only ones that are taken. */
  readonly choices?: readonly string[];
  /** Texts: whether one is taken, and what is. */
  readonly valid?: (text: string) => unknown;
  readonly expected?: string;
  /** Value where none is given. A setting without one enters the recipe only where it is given. */
  readonly preset?: (config: ModelConfig, use: Use) => number | string;
  /** Settings that cannot be given with it; one that must be. */
  readonly not?: readonly string[];
  readonly needs?: string;
  /** Only finished clips have it. A stream refuses it. */
  readonly clip?: true;
}

/** A setting as an option of the command line. The page takes `help` too. */
export interface Flag {
  readonly flag: string;
  readonly short?: string;
  /** What the help calls the value. */
  readonly value?: string;
  readonly help: string;
}

/** Who takes settings. `steer` takes those of the style alone. */
export type Use = 'generate' | 'stream' | 'steer';

/** What music is wanted. */
export const STYLE = {
  /** The music in words. Needed unless `promptAudio`, `continueFrom` or `initAudio` is given. */
  prompt: { kind: 'text' },
  /**
   * A second prompt, or several. Their embeddings are mixed with that of `prompt` before quantisation, which has what is left of 1: weight 0 is all
   * `prompt`, 1 all `text`. Weights sum to 1 at most; without a prompt they are shares.
   */
  blend: { kind: 'blend' },
  /** What the music should not be, in words. It takes effect where `lmGuidanceScale` is over 1. Default: nothing. */
  negativePrompt: { kind: 'text' },
  /** Music whose style (of its first window) is taken, instead of the prompt or mixed with it. */
  promptAudio: { kind: 'audio' },
  /** Weight of promptAudio against the prompt. Default 0.5 with a prompt, 1 without. */
  promptAudioWeight: { kind: 'number', min: 0, max: 1, needs: 'promptAudio' },
  /**
   * Tempo. Default: tempo, key and metre are read from the prompt; what it does not say is chosen to fit it. After or within given audio the
   * key is what the audio speaks for, where the model counts keys, else none, and a beat is kept only where `tempo` is given; the audio's first
   * sample is then taken to be a downbeat. Models without controls refuse all three with `invalid_argument`.
   */
  tempo: { kind: 'number', min: TEMPO_RANGE[0], max: TEMPO_RANGE[1], unit: 'beats a minute' },
  /** Key, such as "A minor", "F# major" or "Bb minor"; "none" leaves it open. Default: as for `tempo`. */
  key: {
    kind: 'text',
    valid: (text) => text === 'none' || parseKey(text),
    expected: 'such as "A minor", "F# major" or "Bb minor", or "none"',
  },
  /** Metre: "4/4", "3/4", "6/8" (felt in two) or "5/4". Default: as for `tempo`. */
  metre: { kind: 'text', valid: parseMetre, expected: `one of ${[4, 3, 2, 5].map((beats) => `"${METRE_NAMES[beats]}"`).join(', ')}` },
} as const satisfies Record<string, Setting>;

/** How it is made. */
export const SAMPLING = {
  /** The same seed makes the same bytes on the same adapter; with `exact` on every machine. Default: drawn at random; the recipe holds it. */
  seed: { kind: 'whole', min: 0, max: Number.MAX_SAFE_INTEGER, preset: () => Math.floor(Math.random() * 2 ** 32) },
  /** Steps of the diffusion. More take longer. Default: the model's. */
  steps: { kind: 'whole', min: 1, max: 1000, preset: ({ sampling }) => sampling.steps },
  /** Classifier-free guidance of the diffusion (Ho & Salimans 2022). 1 is none and halves its cost. Default: the model's. */
  guidanceScale: { kind: 'number', min: 0, max: 20, preset: ({ sampling }) => sampling.guidance },
  /** Share of the steps, from the first on, that `guidanceScale` acts on; the others cost half. Default 1: all of them. */
  guidedShare: { kind: 'number', min: 0, max: 1 },
  /** How far each step of the diffusion goes: "linear" takes large steps first, "uniform" equal ones. Default: the model's. */
  schedule: { kind: 'text', choices: ['linear', 'uniform'], preset: ({ sampling }) => sampling.schedule },
  /** How the diffusion steps: "rotation" is deterministic, "ddpm" adds fresh noise at every step. Default "rotation". */
  sampler: { kind: 'text', choices: ['rotation', 'ddpm'], preset: () => 'rotation' },
  /** Temperature of the language model: below 1 sharpens, above 1 flattens, 0 takes the likeliest token. Default: the model's. */
  temperature: { kind: 'number', min: 0, max: 100, preset: ({ sampling }) => sampling.temperature },
  /** The language model chooses from so many of the likeliest tokens; 0 is all of them. Default: the model's. */
  topK: { kind: 'whole', min: 0, max: 2 ** 32 - 1, preset: ({ sampling }) => sampling.top_k },
  /** The language model chooses from the likeliest tokens that together have this probability. Default: the model's. */
  topP: { kind: 'number', min: 0, max: 1, over: true, preset: ({ sampling }) => sampling.top_p },
  /** Guidance of the language model towards the style and away from the negative prompt. 1 is none. Default: the model's, or 1. */
  lmGuidanceScale: { kind: 'number', min: 0, max: 20, preset: ({ sampling }) => sampling.lm_guidance ?? 1 },
  /** Seconds that the first window makes, rounded up to chunks: a short one sounds sooner, a long one better. Default: a window; in a stream a chunk. */
  firstWindowSeconds: {
    kind: 'number',
    min: 0,
    max: 60,
    preset: ({ window_seconds, chunks }, use) => (use === 'stream' ? window_seconds / chunks : window_seconds),
  },
  /**
   * Form of a piece of half a minute and more: "rondo" lets the opening (whole groups of four bars, at least 10 s) come back, after three times its length and
   * at the end of a piece of known length; "through-composed" never does. Each change of the style begins a new opening. Models without controls know
   * no bars, and loops, regions made anew and what follows given audio are through-composed. Default: "rondo"; in recipes without it, "through-composed".
   */
  form: {
    kind: 'text',
    choices: ['rondo', 'through-composed'],
    preset: ({ semantic_lm }) => (semantic_lm.controls ? 'rondo' : 'through-composed'),
  },
  /** Windows denoised in one batch. More is faster on wide GPUs and makes other, equally good music. A stream ignores it. Default 1. */
  parallelWindows: { kind: 'whole', min: 1, max: 16 },
  /** Frequency of A4. Default: that of given audio where it has one, else the model's. Models whose decoder knows no pitch refuse it. */
  tuning: { kind: 'number', min: 415, max: 466, unit: 'Hz' },
  /**
   * Integrated loudness (ITU-R BS.1770-4); null leaves the level as it is made. Default −16. True peaks stay under −1 dBTP. The gain of a
   * stream moves by at most 1 dB a second. Beside given audio the loudness of that audio is met instead, with at most 12 dB of gain.
   */
  loudness: { kind: 'number', off: true, min: -40, max: -8, unit: 'LUFS', preset: () => LOUDNESS },
  /**
   * Make the bytes that every machine makes: on the CPU whatever the model is loaded on, and without instructions whose results differ between
   * processors. The number of threads and the JavaScript engine do not matter. Default false.
   */
  exact: { kind: 'switch' },
  /** Changes of the style along the music, in order of time. Tempo, key and metre hold until others are given. Default: none. */
  steered: { kind: 'steerings', not: ['loop', 'inpaint'] },
} as const satisfies Record<string, Setting>;

/** What piece it is to be. */
export const PIECE = {
  /** Length in seconds, exact to the sample. Default: a window of the model; a stream is endless. */
  durationSeconds: {
    kind: 'number',
    min: 0.1,
    max: 3600, // a longer piece is a stream
  },
  /**
   * Seconds at its end over which a piece fades out, at most all of it; 0 cuts it as it sounds, which is best for what is to be continued. Nothing that has no
   * end of its own fades: loops, regions made anew, endless streams. Default 0.005, just enough not to click; recipes without it do not fade.
   */
  fadeOutSeconds: { kind: 'number', min: 0, max: 60 },
  /** Music to continue. The result is the continuation alone, which joins the last sample of the given audio; see `keepGiven`. */
  continueFrom: { kind: 'audio' },
  /** Make the end lead into the start. The tempo changes by less than 4 % where that gives the loop whole bars, or else whole beats. Default false. */
  loop: { kind: 'switch', clip: true, not: ['continueFrom', 'inpaint'] },
  /** Audio whose `inpaint` regions are made anew. Outside them it comes back as it was, to the sample; see `keepGiven`. */
  initAudio: { kind: 'audio', clip: true, needs: 'inpaint' },
  /** The regions of `initAudio` to make anew. */
  inpaint: { kind: 'regions', clip: true, not: ['continueFrom', 'durationSeconds'], needs: 'initAudio' },
  /**
   * Make the clip at the rate and with the channels of `continueFrom` or `initAudio`, so that their samples stay what they are beside what is made.
   * False: all as the model makes it, as in recipes without it. A stream has the model's rate and channels whatever is given, and says so
   * (`converted_audio`) where they differ. Default: true where one of the two is given.
   */
  keepGiven: { kind: 'switch' },
  /** Make the last window whole and cut the clip within it, as an endless stream does that is stopped then. A stream ignores it. Default false. */
  wholeWindows: { kind: 'switch' },
  /** Level a clip by the slow gain of a stream. A stream always does. Default false. */
  runningLevel: { kind: 'switch' },
} as const satisfies Record<string, Setting>;

/** All of them by name, in the order in which help and recipes list them. */
export const SETTINGS = { ...PIECE, ...STYLE, ...SAMPLING };
export type SettingName = keyof typeof SETTINGS;

/**
 * How people call it, on the command line and on the page. (Not in the table above, so that a page's bundle goes without these words.)
 * Undefined: the prompt, which is words and no option, and what is for programs only.
 */
export const FLAGS = {
  durationSeconds: { flag: 'duration', short: 'd', value: 'seconds', help: 'length, exact to the sample; default one window of the model' },
  fadeOutSeconds: { flag: 'fade-out', value: 'seconds', help: 'fade out over so much of the end; 0 cuts it; default 0.005, not to click' },
  continueFrom: { flag: 'continue', value: 'file.wav', help: 'continue this music; the new file holds both, a stream only what is new' },
  loop: { flag: 'loop', help: 'make the end lead into the start' },
  initAudio: { flag: 'init', value: 'file.wav', help: 'music in which --inpaint makes parts anew' },
  inpaint: { flag: 'inpaint', value: 'start-end', help: 'seconds of --init to make anew; may be repeated' },
  keepGiven: undefined,
  wholeWindows: undefined,
  runningLevel: undefined,
  prompt: undefined,
  blend: { flag: 'blend', value: 'text:weight', help: 'another prompt and its weight, 0 to 1; may be repeated' },
  negativePrompt: { flag: 'negative', value: 'text', help: 'what to lead away from; needs --lm-guidance over 1' },
  promptAudio: { flag: 'prompt-audio', value: 'file.wav', help: 'music whose style is taken' },
  promptAudioWeight: { flag: 'prompt-audio-weight', value: 'weight', help: 'its weight against the prompt' },
  tempo: {
    flag: 'tempo',
    value: 'bpm',
    help: 'beats a minute; default: what the prompt says or what fits it; none with --continue and --init',
  },
  key: {
    flag: 'key',
    value: 'key',
    help: 'such as "A minor" or "F# major", or none; default: as for --tempo; with --continue and --init what the prompt says, else that of the music',
  },
  metre: { flag: 'metre', value: 'metre', help: '4/4, 3/4, 6/8 or 5/4; default: as for --tempo' },
  seed: {
    flag: 'seed',
    short: 's',
    value: 'n',
    help: 'the same seed on the same adapter makes the same bytes; drawn and shown when absent',
  },
  steps: { flag: 'steps', value: 'n', help: 'diffusion steps: more take longer' },
  guidanceScale: {
    flag: 'guidance',
    value: 'scale',
    help: 'how closely the diffusion follows the tokens; 1 is as trained, and twice as fast',
  },
  guidedShare: {
    flag: 'guided-share',
    value: 'share',
    help: 'share of the steps, from the first on, that --guidance acts on; fewer are faster',
  },
  schedule: { flag: 'schedule', value: 'name', help: 'sizes of the diffusion steps' },
  sampler: { flag: 'sampler', value: 'name', help: 'how the diffusion steps; ddpm adds noise at each step' },
  temperature: { flag: 'temperature', value: 't', help: 'temperature of the language model; 0 takes the likeliest token' },
  topK: { flag: 'top-k', value: 'k', help: 'choose from the k likeliest tokens; 0 is all' },
  topP: { flag: 'top-p', value: 'p', help: 'choose from the likeliest tokens of this probability' },
  lmGuidanceScale: { flag: 'lm-guidance', value: 'scale', help: 'how closely the language model follows the prompt; 1 is as trained' },
  firstWindowSeconds: undefined,
  form: { flag: 'form', value: 'name', help: 'rondo: the opening comes back in pieces of half a minute and more; or through-composed' },
  parallelWindows: {
    flag: 'parallel',
    value: 'n',
    help: 'make this many windows of a long piece at a time: faster on a GPU, with other joins',
  },
  tuning: { flag: 'tuning', value: 'hz', help: 'frequency of A4; default: that of given music, else 440 or what the model knows' },
  loudness: { flag: 'loudness', value: 'LUFS', help: 'loudness of the music; off keeps the level that it is made at; default -16' },
  exact: { flag: 'exact', help: 'make the same bytes as every other machine: on the CPU, also where there is a GPU' },
  steered: { flag: 'steer', value: 'seconds:text', help: 'another prompt from this second on; may be repeated' },
} as const satisfies Record<SettingName, Flag | undefined>;

type ValueOf<S extends Setting> = S extends { choices: readonly (infer Choice)[] }
  ? Choice
  : Values[S['kind']] | (S extends { off: true } ? null : never);
type Options<Table extends Record<string, Setting>> = { -readonly [Name in keyof Table]?: ValueOf<Table[Name]> | undefined };
type Fixed<Table extends Record<string, Setting>> = {
  readonly [Name in keyof Table as Table[Name] extends { preset: unknown } ? Name : never]: ValueOf<Table[Name]>;
};
type Given<Table extends Record<string, Setting>> = {
  readonly [Name in keyof Table as Table[Name] extends { preset: unknown } | { kind: 'audio' } ? never : Name]?: ValueOf<Table[Name]>;
};

// The public types that follow from the tables. tools/types.mjs writes them out, member by member, into the package's declarations.

/** Options that say what music is wanted. */
export interface StyleOptions extends Options<typeof STYLE> {}
/** Options that say how music is made. */
export interface SamplingSettings extends Options<typeof SAMPLING> {}
/** Options that say what piece it is to be. */
export interface PieceSettings extends Options<typeof PIECE> {}
/** What a recipe holds: every setting but the audio; always those that have a default of their own. */
export interface RecipeSettings extends Fixed<typeof SETTINGS>, Given<typeof SETTINGS> {}

/** A change of the style along the music. */
export interface Steering extends Omit<StyleOptions, 'promptAudio' | 'promptAudioWeight'> {
  /** When it takes effect: seconds from the start of the music, 0 or more. */
  readonly atSeconds: number;
  /**
   * A stream went back to make it heard sooner (`MelodyStream.steer` with `heardSeconds`): windows begin anew here, and what the one before
   * made past it is dropped. Default false.
   */
  readonly anew?: boolean | undefined;
}
