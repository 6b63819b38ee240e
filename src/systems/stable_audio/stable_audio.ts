// Stable Audio, opened and ready.
import { convertAudio, lengthOf } from '../../audio/channels.ts';
import type { Engine } from '../../engine/engine.ts';
import { oobleckContext, oobleckHop, oobleckSamples } from '../../models/oobleck.ts';
import { checkAudio, checkSetting } from '../../pipeline/checks.ts';
import type { AudioInput, Region } from '../../pipeline/options.ts';
import {
  bad,
  durationOf,
  flagOf,
  idsOf,
  type Job,
  type JobOptions,
  numberOf,
  openEngine,
  PublishedSystem,
  promptOf,
  type Span,
  type SystemOptions,
  type SystemRecipe,
  seedOf,
} from '../system.ts';
import type { StableAudioModel } from './model.ts';
import { type Change, leastNoise, mostNoise, stepsOf } from './schedule.ts';
import { decodeLatents, drawLatents, type Request, type StableAudioMachine } from './stages.ts';

/** Settings that decide the samples beside prompt, length and seed. */
export interface StableAudioSettings {
  /** Steps of the sampler: more take longer. Default what the publisher makes music with, 100 for Stable Audio Open 1.0. */
  readonly steps: number;
  /** How closely the music follows the prompt: 1 is as trained, and takes half the work. Default the publisher's, 7 for Stable Audio Open 1.0. */
  readonly guidanceScale: number;
  /**
   * Seconds that are made together, of which the clip is the beginning. Default the longest that the model was trained on, as its publisher has it;
   * less takes less time, and leaves what the model was trained for.
   */
  readonly windowSeconds: number;
}

/** What to play, and how. */
export interface StableAudioOptions
  extends Partial<{ [Name in keyof StableAudioSettings]: StableAudioSettings[Name] | undefined }>,
    JobOptions {
  /** What to play, in words. Needed. */
  prompt?: string | undefined;
  /** What to lead away from; needs guidanceScale other than 1. */
  negativePrompt?: string | undefined;
  /** Length in seconds, exact to the sample, at most what the model was trained on. Default all of it. */
  durationSeconds?: number | undefined;
  /** Equal seeds give equal music. Default: drawn. */
  seed?: number | undefined;
  /** Sound to begin with, in the place of noise alone. */
  initAudio?: AudioInput | undefined;
  /** How much of it changes, over 0 to 1: the share of the steps that are run. Default 1, which is all of them. */
  strength?: number | undefined;
  /**
   * In the place of strength: how loud the noise over initAudio is that all steps begin at, as stable-audio-tools' init_noise_level. A σ below that of the
   * schedule (500 for Stable Audio Open 1.0; 1 is as loud as the latents), or a share over 0 to 1 in models of a flow (Stable Audio Open Small).
   */
  initNoiseLevel?: number | undefined;
  /** The regions of initAudio to make anew, seconds; outside them it comes back as it was, and the clip lasts as long. Default: all of it. */
  inpaint?: readonly Region[] | undefined;
  /** With inpaint: the clip has the rate and channels of initAudio, and its samples outside the regions. Default true; false gives all as the model makes it. */
  keepGiven?: boolean | undefined;
}

/** Everything that decides the samples of a clip, given sound aside: `generate` of it makes them again. */
export interface StableAudioRecipe extends StableAudioSettings, SystemRecipe {
  readonly system: 'stable_audio';
  /** What to lead away from. */
  readonly negativePrompt?: string;
  /** Share of the steps that change the given sound, where there is some. */
  readonly strength?: number;
  /** Noise over the given sound that the steps began at, where that was asked for. */
  readonly initNoiseLevel?: number;
  /** Regions of the given sound that were made anew, seconds. */
  readonly inpaint?: readonly Region[];
}

const SPAN = { style: [0, 0.02], tokens: [0.02, 0.02], diffusion: [0.02, 0.9], decoding: [0.9, 1] } as const;
const SETTINGS = [
  'prompt',
  'negativePrompt',
  'durationSeconds',
  'seed',
  'steps',
  'guidanceScale',
  'windowSeconds',
  'initAudio',
  'strength',
  'initNoiseLevel',
  'inpaint',
  'keepGiven',
];
const MOST_STEPS = 1000;

/** Stable Audio (Evans et al. 2024, arXiv 2407.14358) from a pipeline in diffusers' layout. Opened by `loadSystem`; makes one piece at a time. */
export class StableAudio extends PublishedSystem<StableAudioOptions, StableAudioRecipe> {
  /** Over a model that was opened. @internal */
  static async over(model: StableAudioModel, options: SystemOptions = {}): Promise<StableAudio> {
    return new StableAudio(await openEngine(model, options), options);
  }

  /** The engine below. @internal */
  override get engine(): Engine<StableAudioModel> {
    return super.engine as Engine<StableAudioModel>;
  }

  get system(): 'stable_audio' {
    return 'stable_audio';
  }

  get sampleRate(): number {
    return this.engine.model.config.vae.sampling_rate;
  }

  protected get hop(): number {
    return oobleckHop(this.engine.model.config.vae);
  }

  /** A clip that runs every network. @internal */
  protected get shortest(): StableAudioOptions {
    return { prompt: 'music', durationSeconds: this.hop / this.sampleRate, steps: 1, seed: 0 };
  }

  /** Shares of the stages. @internal */
  protected get span(): Span {
    return SPAN;
  }

  /** The longest clip, seconds. */
  get longest(): number {
    return this.#secondsOf(this.engine.model.config.frames);
  }

  #secondsOf(frames: number): number {
    return oobleckSamples(this.engine.model.config.vae, frames) / this.sampleRate;
  }

  /** Checks what is asked for. @internal */
  protected prepare(options: StableAudioOptions): Job<StableAudioRecipe> {
    const recipe = this.#resolve(options);
    const { tokenizer, config } = this.engine.model;
    const { ids, unknown } = idsOf(tokenizer, 'prompt', recipe.prompt, config.promptTokens);
    const negative =
      recipe.negativePrompt === undefined ? undefined : idsOf(tokenizer, 'negativePrompt', recipe.negativePrompt, config.promptTokens);
    const frames = this.#framesOf(recipe);
    const sound = this.#given(options, frames);
    const { inpaint } = recipe;
    const { initAudio } = options;
    const request: Request = {
      ...recipe,
      ids,
      ...(negative && { negative: negative.ids }),
      endSeconds: recipe.durationSeconds,
      frames,
      precision: this.precision,
      ...(sound && { init: { sound, ...changeOf(recipe), ...(inpaint && { fresh: this.#freshOf(inpaint, frames) }) } }),
    };
    stepsOf(config.schedule, recipe.steps, changeOf(recipe)); // throws before any work
    const samples = Math.round(recipe.durationSeconds * this.sampleRate);
    return {
      recipe,
      unknown: [...unknown, ...(negative?.unknown ?? [])],
      ...(initAudio && { initAudio }),
      make: async (m: StableAudioMachine, progress, signal) => {
        const latents = await m.resilient(() => drawLatents(m, request, progress, signal));
        const heard = Math.min(frames, Math.ceil(samples / this.hop) + oobleckContext(config.vae)); // more would change no sample
        const known = latents.subarray(0, heard * config.dit.in_channels);
        const audio = await m.resilient(() => progress.during('decoding', () => decodeLatents(m, known, progress, signal)));
        const made = audio.map((channel) => channel.slice(0, samples));
        return inpaint && sound ? within(sound, made, inpaint, this.sampleRate) : made;
      },
    };
  }

  /** Frames of the window: whole ones, enough for the clip. */
  #framesOf({ windowSeconds, durationSeconds }: StableAudioRecipe): number {
    const { frames } = this.engine.model.config;
    let own = Math.min(frames, Math.ceil((windowSeconds * this.sampleRate) / this.hop));
    while (own < frames && this.#secondsOf(own) < durationSeconds) own++;
    return own;
  }

  /** The sound to begin with as the model has sound: as long as the window, silence after its end. Throws `invalid_argument`. */
  #given({ initAudio }: StableAudioOptions, frames: number): Float32Array[] | undefined {
    if (initAudio === undefined) return undefined;
    checkAudio(initAudio, 'initAudio');
    const length = frames * this.hop;
    return convertAudio(initAudio, this.sampleRate, this.engine.model.config.vae.audio_channels).map((channel) => {
      const whole = new Float32Array(length);
      whole.set(channel.subarray(0, length));
      return whole;
    });
  }

  /** Which frames are made anew: those that regions touch, and what lies behind the sound's end as it is. */
  #freshOf(regions: readonly Region[], frames: number): boolean[] {
    const fresh = new Array<boolean>(frames).fill(false);
    const rate = this.sampleRate / this.hop;
    for (const { start, end } of regions) fresh.fill(true, Math.floor(start * rate + 1e-6), Math.ceil(end * rate - 1e-6));
    return fresh;
  }

  /** The regions, where some are asked for. Throws `invalid_argument`. */
  #regionsOf({ inpaint, initAudio, durationSeconds }: StableAudioOptions): { inpaint: readonly Region[]; seconds: number } | undefined {
    if (inpaint === undefined) return undefined;
    if (initAudio === undefined) throw bad('inpaint needs initAudio, the sound that its regions are of', 'give both or neither');
    checkAudio(initAudio, 'initAudio');
    checkSetting('inpaint', inpaint);
    const seconds = lengthOf(initAudio.channels) / initAudio.sampleRate;
    if (seconds > this.longest + 1e-6)
      throw bad(`initAudio lasts ${seconds.toFixed(2)} s, of which the model hears ${this.longest.toFixed(2)}`, 'cut it shorter');
    for (const { start, end } of inpaint)
      if (end > seconds + 1e-6) throw bad(`inpaint: got the region ${start} to ${end} s; initAudio lasts ${seconds.toFixed(3)} s`);
    if (durationSeconds !== undefined && Math.abs(durationSeconds - seconds) > 1e-3)
      throw bad(
        `durationSeconds is ${durationSeconds}; with inpaint the clip lasts as long as initAudio, ${seconds.toFixed(3)} s`,
        'leave it out',
      );
    return { inpaint: inpaint.map(({ start, end }) => ({ start, end })), seconds: Math.min(seconds, this.longest) };
  }

  /** The noise over given sound, where it is asked for. Throws `invalid_argument`. */
  #noiseLevel(options: StableAudioOptions): number | undefined {
    if (options.initNoiseLevel === undefined) return undefined;
    if (options.initAudio === undefined)
      throw bad('initNoiseLevel needs initAudio, the sound that the noise is over', 'give both or neither');
    if (options.strength !== undefined) throw bad('strength and initNoiseLevel both say how much of initAudio changes', 'leave one out');
    const { schedule } = this.engine.model.config;
    const [least, most] = [leastNoise(schedule), mostNoise(schedule)];
    const level = numberOf(options, 'initNoiseLevel', least, most, most);
    if (level === least) throw bad(`initNoiseLevel must be over ${least}; got ${level}`);
    return level;
  }

  #resolve(options: StableAudioOptions): StableAudioRecipe {
    this.checkNames(options, SETTINGS, 'Stable Audio');
    const { presets } = this.engine.model.config;
    const { longest } = this;
    const regions = this.#regionsOf(options);
    const durationSeconds = regions?.seconds ?? durationOf(options, longest, longest, this.sampleRate);
    const guidanceScale = numberOf(options, 'guidanceScale', 0, 20, presets.guidanceScale);
    const { negativePrompt } = options;
    if (negativePrompt !== undefined && guidanceScale === 1)
      throw bad('negativePrompt needs guidance; got guidanceScale 1', 'leave it out, or raise guidanceScale');
    const windowSeconds = numberOf(options, 'windowSeconds', 0, longest, longest);
    if (windowSeconds < durationSeconds && options.windowSeconds !== undefined)
      throw bad(`windowSeconds is ${windowSeconds}, durationSeconds ${durationSeconds}; expected a window that holds the clip`);
    const strength = numberOf(options, 'strength', 0, 1, 1);
    if (strength === 0) throw bad('strength must be over 0; got 0');
    if (options.strength !== undefined && options.initAudio === undefined)
      throw bad('strength needs initAudio, the sound that it changes', 'give both or neither');
    const initNoiseLevel = this.#noiseLevel(options);
    return {
      version: 1,
      system: 'stable_audio',
      model: this.name,
      precision: this.precision,
      prompt: promptOf(options),
      ...(negativePrompt !== undefined && { negativePrompt }),
      durationSeconds,
      seed: seedOf(options),
      steps: numberOf(options, 'steps', 1, MOST_STEPS, presets.steps, true),
      guidanceScale,
      windowSeconds,
      ...(options.initAudio && (initNoiseLevel === undefined ? { strength } : { initNoiseLevel })),
      ...(regions && { inpaint: regions.inpaint, keepGiven: flagOf(options, 'keepGiven', true) }),
    };
  }
}

/** How much of the given sound changes. */
const changeOf = ({ strength, initNoiseLevel: noiseLevel }: StableAudioRecipe): Change => ({
  ...(strength !== undefined && { strength }),
  ...(noiseLevel !== undefined && { noiseLevel }),
});

/** Seconds over which a region comes in and goes out: what the codec makes of the sound around it is not that sound. */
const JOIN_SECONDS = 0.02;

/** The sound as it was, with what was made in its regions. */
function within(given: readonly Float32Array[], made: readonly Float32Array[], regions: readonly Region[], rate: number): Float32Array[] {
  return made.map((channel, c) => {
    const { length } = channel;
    const out = (given[c] as Float32Array).slice(0, length);
    for (const region of regions) {
      const [start, end] = [Math.round(region.start * rate), Math.min(length, Math.round(region.end * rate))];
      const join = Math.min(Math.round(JOIN_SECONDS * rate), (end - start) / 2);
      for (let i = start; i < end; i++) {
        const share = Math.min(1, start === 0 ? 1 : (i - start + 1) / join, end === length ? 1 : (end - i) / join);
        out[i] = share * (channel[i] as number) + (1 - share) * (out[i] as number);
      }
    }
    return out;
  });
}
