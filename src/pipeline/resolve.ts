// What a user asked for → a Recipe: every field checked, defaults filled in.
import { MelodyError } from '../errors.ts';
import { seedWords } from '../ops/random.ts';
import { checkSampling } from '../ops/sample.ts';
import { checkControls } from './control_words.ts';
import type { ModelConfig } from './model.ts';
import type { AudioInput, GenerateOptions, Recipe } from './options.ts';
import { rotations } from './schedule.ts';
import { checkSteered } from './steering.ts';

const LONGEST = 3600; // seconds of one generate(); longer pieces are streams

const refuse = (what: string, got: unknown, expected: string): MelodyError =>
  new MelodyError('invalid_argument', `${what} must be ${expected}; got ${typeof got === 'number' ? got : JSON.stringify(got)}`);

function numberIn(what: string, value: number, low: number, high: number): number {
  if (!(typeof value === 'number' && value >= low && value <= high)) throw refuse(what, value, `a number from ${low} to ${high}`);
  return value;
}

/** Fill in the model's defaults and check every field before any work starts. Throws `invalid_argument`. */
export function resolve(
  options: GenerateOptions & { endless?: boolean },
  config: ModelConfig,
  model: string,
  firstWindowSeconds: number,
): Recipe {
  const d = config.sampling;
  if (options.prompt === undefined && !options.promptAudio && !options.continueFrom && !options.initAudio)
    throw new MelodyError(
      'invalid_argument',
      'nothing says what to play: no prompt and no audio',
      'give a prompt, for example "calm piano, 80 bpm"',
    );
  if (options.blend) numberIn('blend.weight', options.blend.weight, 0, 1);
  if (options.promptAudioWeight !== undefined) numberIn('promptAudioWeight', options.promptAudioWeight, 0, 1);
  if (options.loop && (options.continueFrom || options.inpaint))
    throw new MelodyError('invalid_argument', 'loop cannot be combined with continueFrom or inpaint');
  if (options.steered && (options.loop || options.inpaint))
    throw new MelodyError('invalid_argument', 'steered cannot be combined with loop or inpaint');
  if (options.inpaint && options.continueFrom) throw new MelodyError('invalid_argument', 'inpaint cannot be combined with continueFrom');
  if (!options.inpaint !== !options.initAudio)
    throw new MelodyError('invalid_argument', 'inpaint needs initAudio and regions, both or neither');
  for (const audio of [options.promptAudio, options.continueFrom, options.initAudio]) if (audio) checkAudio(audio);
  const chunk = config.window_seconds / config.chunks;
  const recipe: Recipe = {
    version: 1,
    model,
    ...(options.prompt !== undefined && { prompt: options.prompt }),
    ...(options.blend && { blend: { text: options.blend.text, weight: options.blend.weight } }),
    ...(options.negativePrompt !== undefined && { negativePrompt: options.negativePrompt }),
    ...(options.promptAudioWeight !== undefined && { promptAudioWeight: options.promptAudioWeight }),
    ...(!options.endless &&
      !options.inpaint && { durationSeconds: numberIn('durationSeconds', options.durationSeconds ?? config.window_seconds, 0.1, LONGEST) }),
    ...(options.loop && { loop: true }),
    ...(options.inpaint && { inpaint: options.inpaint.map(({ start, end }) => ({ start, end })) }),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    steps: options.steps ?? d.steps,
    guidanceScale: numberIn('guidanceScale', options.guidanceScale ?? d.guidance, 0, 20),
    schedule: options.schedule ?? d.schedule,
    sampler: options.sampler ?? 'rotation',
    temperature: options.temperature ?? d.temperature,
    topK: options.topK ?? d.top_k,
    topP: options.topP ?? d.top_p,
    lmGuidanceScale: numberIn('lmGuidanceScale', options.lmGuidanceScale ?? d.lm_guidance ?? 1, 0, 20),
    firstWindowSeconds: Math.min(
      config.window_seconds,
      Math.ceil(numberIn('firstWindowSeconds', options.firstWindowSeconds ?? firstWindowSeconds, 0, 60) / chunk - 1e-9 || 1) * chunk,
    ),
    ...(options.parallelWindows !== undefined && {
      parallelWindows: numberIn('parallelWindows', Math.floor(options.parallelWindows), 1, 16),
    }),
    ...checkControls(options, config),
    ...(options.steered?.length && { steered: checkSteered(options.steered, config) }),
  };
  seedWords(recipe.seed);
  rotations(recipe.steps, recipe.schedule);
  checkSampling(recipe);
  if (recipe.sampler !== 'rotation' && recipe.sampler !== 'ddpm') throw refuse('sampler', recipe.sampler, '"rotation" or "ddpm"');
  if (options.initAudio && options.inpaint) checkRegions(options.inpaint, options.initAudio);
  return recipe;
}

function checkAudio(audio: AudioInput): void {
  const { channels, sampleRate } = audio;
  if (
    !Array.isArray(channels) ||
    channels.length < 1 ||
    channels.some((c) => !(c instanceof Float32Array) || c.length !== channels[0].length || c.length === 0)
  )
    throw new MelodyError('invalid_argument', 'audio must have channels: Float32Arrays of one length, at least one sample');
  if (!Number.isInteger(sampleRate) || sampleRate < 1000 || sampleRate > 768000)
    throw refuse('audio sampleRate', sampleRate, 'a whole number of Hz from 1000 to 768000');
  if (!channels.every((c) => c.every(Number.isFinite)))
    throw new MelodyError('non_finite', 'the given audio holds NaN or infinity', 'repair the file, or give another');
}

function checkRegions(regions: NonNullable<GenerateOptions['inpaint']>, audio: AudioInput): void {
  const seconds = audio.channels[0].length / audio.sampleRate;
  if (regions.length === 0) throw new MelodyError('invalid_argument', 'inpaint has no region');
  for (const { start, end } of regions)
    if (!(start >= 0 && end > start && end <= seconds + 1e-6))
      throw refuse('inpaint region', { start, end }, `seconds with 0 ≤ start < end ≤ ${seconds.toFixed(3)}`);
}
