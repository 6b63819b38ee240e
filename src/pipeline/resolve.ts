// What a user asked for → a Recipe: every field checked, defaults filled in.
import { MelodyError } from '../errors.ts';
import { seedWords } from '../ops/random.ts';
import { checkSampling } from '../ops/sample.ts';
import { checkAudio, checkSteered, checkStyle, numberIn, refuse } from './checks.ts';
import type { Model } from './model.ts';
import type { AudioInput, GenerateOptions, Recipe } from './options.ts';
import { rotations } from './schedule.ts';

const LONGEST = 3600; // seconds of one generate(); longer pieces are streams

/** Fill in the model's defaults and check every field before any work starts. Throws `invalid_argument`. */
export function resolve(options: GenerateOptions & { endless?: boolean }, model: Model, firstWindowSeconds: number): Recipe {
  const { config } = model;
  const d = config.sampling;
  if (options.prompt === undefined && !options.promptAudio && !options.continueFrom && !options.initAudio)
    throw new MelodyError(
      'invalid_argument',
      'nothing says what to play: no prompt and no audio',
      'give a prompt, for example "calm piano, 80 bpm"',
    );
  if (options.loop && (options.continueFrom || options.inpaint))
    throw new MelodyError('invalid_argument', 'loop cannot be combined with continueFrom or inpaint');
  if (options.steered && (options.loop || options.inpaint))
    throw new MelodyError('invalid_argument', 'steered cannot be combined with loop or inpaint');
  if (options.inpaint && options.continueFrom) throw new MelodyError('invalid_argument', 'inpaint cannot be combined with continueFrom');
  if (!options.inpaint !== !options.initAudio)
    throw new MelodyError('invalid_argument', 'inpaint needs initAudio and regions, both or neither');
  for (const audio of [options.continueFrom, options.initAudio]) if (audio) checkAudio(audio);
  const chunk = config.window_seconds / config.chunks;
  const recipe: Recipe = {
    version: 1,
    model: model.name,
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
      Math.max(1, Math.ceil(numberIn('firstWindowSeconds', options.firstWindowSeconds ?? firstWindowSeconds, 0, 60) / chunk - 1e-9)) *
        chunk,
    ),
    ...(options.parallelWindows !== undefined && {
      parallelWindows: numberIn('parallelWindows', Math.floor(options.parallelWindows), 1, 16),
    }),
    ...(options.wholeWindows && { wholeWindows: true }),
    ...checkStyle(options, model),
    ...(options.steered?.length && { steered: checkSteered(options.steered, model) }),
  };
  seedWords(recipe.seed);
  rotations(recipe.steps, recipe.schedule);
  checkSampling(recipe);
  if (recipe.sampler !== 'rotation' && recipe.sampler !== 'ddpm') throw refuse('sampler', recipe.sampler, '"rotation" or "ddpm"');
  if (options.initAudio && options.inpaint) checkRegions(options.inpaint, options.initAudio);
  return recipe;
}

function checkRegions(regions: NonNullable<GenerateOptions['inpaint']>, audio: AudioInput): void {
  const seconds = audio.channels[0].length / audio.sampleRate;
  if (regions.length === 0) throw new MelodyError('invalid_argument', 'inpaint has no region');
  for (const { start, end } of regions)
    if (!(start >= 0 && end > start && end <= seconds + 1e-6))
      throw refuse('inpaint region', { start, end }, `seconds with 0 ≤ start < end ≤ ${seconds.toFixed(3)}`);
}
