// What a user asked for → a Recipe, complete and checked; and a recipe that comes from outside (the tags of a file) → options.
import { MelodyError } from '../errors.ts';
import { checkOptions, checkSetting, checkStyle, copyOf, followed, isObject } from './checks.ts';
import type { Model, ModelConfig } from './model.ts';
import type { GenerateOptions, Recipe } from './options.ts';
import { SETTINGS, type Setting, type SettingName, STYLE, type Use } from './settings.ts';

const ALL = Object.entries<Setting>(SETTINGS);

/** A step at the end of a piece would be heard as a click. */
const FADE_SECONDS = 0.005;

/** The recipe of these options: checked, with what they leave out filled in from the model. Throws `invalid_argument`, `non_finite`. */
export function resolve(options: GenerateOptions, model: Model, use: Exclude<Use, 'steer'>): Recipe {
  checkOptions(options, use);
  checkSubject(options);
  const { config } = model;
  if (options.tuning !== undefined && config.vae_decoder.kind !== 'istft_running')
    throw new MelodyError(
      'invalid_argument',
      `tuning: the decoder of ${model.name} knows no pitch`,
      'leave it out, or use a model with another decoder',
    );
  const isRecipe = Object.hasOwn(options, 'version');
  const endless = use === 'stream' || options.inpaint;
  const asked: GenerateOptions = {
    ...options,
    durationSeconds: options.durationSeconds ?? (endless ? undefined : config.window_seconds),
    keepGiven: options.keepGiven ?? (use === 'generate' && !isRecipe && Boolean(options.continueFrom ?? options.initAudio)),
  };
  if (isRecipe && asked.loudness === undefined) asked.loudness = null; // of a time when levels stayed as they were made
  if (isRecipe) asked.form ??= 'through-composed'; // of a time when nothing came back
  const ends = asked.durationSeconds !== undefined && !asked.loop && !asked.wholeWindows;
  asked.fadeOutSeconds = (ends && (asked.fadeOutSeconds ?? (isRecipe ? 0 : FADE_SECONDS))) || undefined;
  const fields: Record<string, unknown> = {};
  for (const [name, { kind, preset }] of ALL) {
    const given = asked[name as SettingName];
    const value = given === undefined ? preset?.(config, use) : given;
    const open = name === 'tuning' && givenTo(options) !== undefined; // tunedAsGiven fills it in, in its place: a recipe's bytes are its settings'
    if (open || (kind !== 'audio' && value !== undefined && value !== false)) fields[name] = value;
  }
  const weights = model.identity?.hash;
  const recipe = { version: 1, model: model.name, ...(weights && { weights }), ...fields, ...checkStyle(options, model) } as Recipe;
  const { blend, inpaint, steered, ...plain } = recipe;
  return {
    ...plain, // and of what holds more, a copy of what is known
    ...(blend && { blend: copyOf(blend) }),
    ...(inpaint && { inpaint: inpaint.map(({ start, end }) => ({ start, end })) }),
    ...(steered?.length && { steered: followed(steered, model) }),
    firstWindowSeconds: wholeChunks(recipe.firstWindowSeconds, config),
  };
}

const givenTo = ({ initAudio, continueFrom, promptAudio }: GenerateOptions) => initAudio ?? continueFrom ?? promptAudio;

/** The recipe, tuned as the given audio is where it leaves that open. Pages fetch what measures it now. */
export async function tunedAsGiven(recipe: Recipe, options: GenerateOptions, { config }: Model): Promise<Recipe> {
  const given = givenTo(options);
  if (recipe.tuning !== undefined || config.vae_decoder.kind !== 'istft_running' || !given) return recipe;
  const { tuningOf } = await import('./tuning.ts');
  const tuning = tuningOf(given, given === options.continueFrom, config.vae_decoder.reference_pitch);
  return tuning === undefined ? recipe : { ...recipe, tuning };
}

/** Does anything say what to play? */
export function checkSubject({ prompt, promptAudio, continueFrom, initAudio }: GenerateOptions): void {
  if (prompt === undefined && !promptAudio && !continueFrom && !initAudio)
    throw new MelodyError(
      'invalid_argument',
      'nothing says what to play: no prompt and no audio',
      'give a prompt, for example "calm piano, 80 bpm"',
    );
}

/** Rounded up to chunks, at least one and at most a window. */
function wholeChunks(seconds: number, { window_seconds, chunks }: ModelConfig): number {
  const chunk = window_seconds / chunks;
  return Math.min(window_seconds, Math.max(1, Math.ceil(seconds / chunk - 1e-9)) * chunk);
}

const bad = (what: string) => new MelodyError('invalid_argument', `recipe: ${what}`, 'the file was made or changed by another program');

/**
 * Options of a recipe; the audio that it was made with must be given again. Every value is checked as a user's is. Fields that are not a
 * recipe's are passed over. Throws `invalid_argument`.
 */
export function recipeOptions(value: unknown): GenerateOptions {
  if (!isObject(value)) throw bad(`got ${Array.isArray(value) ? 'a list' : typeof value}, expected an object`);
  if (value.version !== 1) throw bad(`got version ${JSON.stringify(value.version)}, expected 1`);
  const options: Record<string, unknown> = {};
  for (const [name, { kind }] of ALL) {
    if (kind === 'audio' || !Object.hasOwn(value, name)) continue;
    options[name] = name === 'steered' && Array.isArray(value.steered) ? value.steered.map(changeOf) : value[name];
    try {
      checkSetting(name as SettingName, options[name]);
    } catch (error) {
      throw bad((error as Error).message);
    }
  }
  if (options.seed === undefined) throw bad('it has no seed');
  options.loudness ??= null; // of a time when levels stayed as they were made
  options.form ??= 'through-composed'; // and nothing came back
  options.fadeOutSeconds ??= 0; // and the end was cut
  if (value.inputs !== undefined) options.keepGiven ??= false; // and given audio became as the model makes it
  return options as GenerateOptions;
}

/** A change of the style, of its fields those that are one's. */
const changeOf = (change: unknown): unknown =>
  isObject(change)
    ? Object.fromEntries(['atSeconds', 'anew', ...Object.keys(STYLE)].flatMap((n) => (Object.hasOwn(change, n) ? [[n, change[n]]] : [])))
    : change;

/** What of a job decides how much memory it takes: not its words, nor its seed. */
export function shapeOf({ promptAudio, continueFrom, initAudio }: GenerateOptions, recipe: Recipe): object {
  const { seed, prompt, blend, negativePrompt, ...shape } = recipe;
  const given = [promptAudio, continueFrom, initAudio].map(
    (sound) => sound && [sound.channels.length, sound.channels[0]?.length, sound.sampleRate],
  );
  return { ...shape, given, negative: negativePrompt !== undefined };
}
