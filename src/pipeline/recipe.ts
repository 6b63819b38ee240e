// A recipe that comes from outside (a file's tags, a page's address) → options that make the same music again.
import { MelodyError } from '../errors.ts';
import type { GenerateOptions, Recipe } from './options.ts';

type Kind = 'string' | 'number' | 'boolean';

const WORDS = { prompt: 'string', negativePrompt: 'string', tempo: 'number', key: 'string', metre: 'string' } as const;
const FIELDS: Readonly<Record<Exclude<keyof Recipe, 'version' | 'model' | 'blend' | 'inpaint' | 'steered' | 'decided'>, Kind>> = {
  ...WORDS,
  promptAudioWeight: 'number',
  durationSeconds: 'number',
  loop: 'boolean',
  seed: 'number',
  steps: 'number',
  guidanceScale: 'number',
  schedule: 'string',
  sampler: 'string',
  temperature: 'number',
  topK: 'number',
  topP: 'number',
  lmGuidanceScale: 'number',
  firstWindowSeconds: 'number',
  parallelWindows: 'number',
  wholeWindows: 'boolean',
  tuning: 'number',
};

const bad = (what: string) => new MelodyError('invalid_argument', `recipe: ${what}`, 'the file was made or changed by another program');
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Options of a recipe; audio it was made with must be given again. Only the types are checked here: `generate` checks every value as
 * it does a user's. Fields that are not a recipe's are passed over. Throws `invalid_argument`.
 */
export function recipeOptions(value: unknown): GenerateOptions {
  if (!isObject(value)) throw bad(`got ${Array.isArray(value) ? 'a list' : typeof value}, expected an object`);
  if (value.version !== 1) throw bad(`got version ${JSON.stringify(value.version)}, expected 1`);
  const options = fieldsOf(value, FIELDS);
  if (Object.hasOwn(value, 'inpaint')) {
    const { inpaint } = value;
    if (!Array.isArray(inpaint) || !inpaint.every((r) => isObject(r) && typeof r.start === 'number' && typeof r.end === 'number'))
      throw bad('inpaint must be a list of regions with start and end');
    options.inpaint = inpaint.map(({ start, end }) => ({ start, end }));
  }
  if (Object.hasOwn(value, 'steered')) {
    const { steered } = value;
    if (!Array.isArray(steered) || !steered.every(isObject)) throw bad('steered must be a list of changes');
    options.steered = steered.map((change) => fieldsOf(change, { ...WORDS, atSeconds: 'number' }));
  }
  if (typeof options.seed !== 'number') throw bad('it has no seed');
  return options as GenerateOptions;
}

/** The fields of these names and kinds that are there, and the blend. */
function fieldsOf(value: Record<string, unknown>, kinds: Readonly<Record<string, Kind>>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    if (!Object.hasOwn(value, name)) continue;
    if (typeof value[name] !== kind) throw bad(`${name} must be a ${kind}; got ${JSON.stringify(value[name])}`);
    found[name] = value[name];
  }
  if (Object.hasOwn(value, 'blend')) {
    const { blend } = value;
    if (!isObject(blend) || typeof blend.text !== 'string' || typeof blend.weight !== 'number')
      throw bad('blend must have text and weight');
    found.blend = { text: blend.text, weight: blend.weight };
  }
  return found;
}
