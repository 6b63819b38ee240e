// The words and options of one `melody generate` → what the pipeline is asked for.
import { randomInt } from 'node:crypto';
import { openCodecs } from '../../audio/sound_file.ts';
import { MelodyError } from '../../errors.ts';
import { checkOptions, checkTogether } from '../../pipeline/checks.ts';
import type { GenerateOptions } from '../../pipeline/options.ts';
import { checkSubject, recipeOptions } from '../../pipeline/recipe.ts';
import { type Io, numberValue, textValue, type Values } from '../command.ts';
import { DEFAULT_MODEL, locateModel } from '../locate_model.ts';
import { type Format, fileFormat, formatOf } from './formats.ts';
import { asDeep, givenSound } from './given.ts';
import { kindOf } from './kind_of.ts';
import { checkInputs, type Inputs, readFileRecipe, readInput } from './recipe_file.ts';
import { audioFlags, audioInputs, givenSettings, readSettings } from './setting_options.ts';

export interface GenerateRequest {
  readonly options: GenerateOptions & { readonly seed: number };
  readonly inputs: Inputs;
  readonly format: Format;
  /** A folder's path, or an address. */
  readonly model: string;
  readonly variations: number;
  /** The recipe that is made again, as it stands in its file. */
  readonly recipe?: Readonly<Record<string, unknown>>;
}

/** Throws `invalid_argument`, `io`, `audio`. Nothing of the model is read yet. */
export async function readRequest(words: readonly string[], values: Values, io: Io): Promise<GenerateRequest> {
  const use = values.stream === true ? 'stream' : 'generate';
  const asked = { ...(words.length > 0 && { prompt: words.join(' ') }), ...readSettings(values) };
  const recipePath = textValue(values, 'recipe');
  const recipe = recipePath === undefined ? undefined : await readFileRecipe(recipePath, io);
  const model = modelOf(textValue(values, 'model'), recipe);
  const changed =
    values.init !== undefined && !values.inpaint && recipe?.inpaint === undefined && (await kindOf(model, values, io)) !== 'melody';
  const ours = (name: string) => !(changed && name === 'initAudio'); // published systems change all of it
  if (!recipe) checkTogether(givenSettings(values).filter(ours), use); // before files are read
  const inputs = await readInputs(values, io);
  if (recipe) checkInputs(recipe, inputs);
  const options = { ...(recipe && recipeOptions(recipe)), ...asked, ...audioOptions(inputs) };
  checkSubject(options);
  checkOptions(Object.fromEntries(Object.entries(options).filter(([name]) => ours(name))), use);
  const variations = numberValue(values, 'variations', { min: 1, max: 64, whole: true }) ?? 1;
  const seed = options.seed ?? randomInt(2 ** 32);
  if (!Number.isSafeInteger(seed + (variations - 1)))
    throw new MelodyError(
      'invalid_argument',
      `--seed: ${variations} variations from ${seed} on would count past ${Number.MAX_SAFE_INTEGER}`,
      'start from a smaller seed',
    );
  const named = textValue(values, 'format');
  const format = values.stream
    ? formatOf(named ?? (typeof recipe?.format === 'string' && /^(wav|[sf])/.test(recipe.format) ? recipe.format : 'wav'), true)
    : fileFormat(named, textValue(values, 'out'), recipe?.format);
  if (format.file !== 'wav') await openCodecs(); // throws before any work where it is missing
  const request: GenerateRequest = {
    options: { ...options, seed },
    inputs,
    format,
    model,
    variations,
    ...(recipe && { recipe }),
  };
  return named === undefined && !values.stream && !recipe ? { ...request, format: asDeep(format, givenSound(request)) } : request;
}

async function readInputs(values: Values, io: Io): Promise<Inputs> {
  const inputs: Inputs = {};
  for (const name of audioInputs) {
    const path = textValue(values, name);
    if (path !== undefined) inputs[name] = await readInput(path, io);
  }
  return inputs;
}

function audioOptions(inputs: Inputs): GenerateOptions {
  return Object.fromEntries(
    audioFlags.flatMap(([flag, name]) => {
      const audio = inputs[flag]?.audio;
      return audio ? [[name, { channels: audio.channels, sampleRate: audio.sampleRate }]] : [];
    }),
  );
}

/** The model that is asked for, or else the recipe's. */
function modelOf(asked: string | undefined, recipe: Readonly<Record<string, unknown>> | undefined): string {
  if (asked !== undefined) return locateModel(asked);
  const name = modelOfRecipe(recipe);
  return locateModel(
    name,
    name !== DEFAULT_MODEL ? 'the recipe names it: say where that model is by --model <folder or address>' : undefined,
  );
}

/** The model a recipe was made with, by name only: a file from somewhere must not say which address or folder is opened. */
function modelOfRecipe(recipe: Readonly<Record<string, unknown>> | undefined): string {
  if (typeof recipe?.model !== 'string') return DEFAULT_MODEL;
  if (/^[\w-][\w.-]*$/.test(recipe.model)) return recipe.model;
  throw new MelodyError(
    'invalid_argument',
    `--recipe: it was made with the model ${JSON.stringify(recipe.model)}, which is no plain name`,
    'say where that model is: --model <folder or address>',
  );
}
