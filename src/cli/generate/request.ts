// The words and options of one `melody generate` → what the pipeline is asked for.
import { randomInt } from 'node:crypto';
import { MelodyError } from '../../errors.ts';
import type { GenerateOptions } from '../../pipeline/options.ts';
import { recipeOptions } from '../../pipeline/recipe.ts';
import { type Io, numberValue, textValue, type Values } from '../command.ts';
import { DEFAULT_MODEL, locateModel } from '../locate_model.ts';
import { type Format, formatOf } from './formats.ts';
import { checkInputs, INPUTS, type InputName, type Inputs, readFileRecipe, readInput } from './note.ts';

export interface Request {
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
export async function readRequest(words: readonly string[], values: Values, io: Io): Promise<Request> {
  const asked = given(words, values);
  checkTogether(values);
  const recipePath = textValue(values, 'recipe');
  const recipe = recipePath === undefined ? undefined : await readFileRecipe(recipePath, io.signal);
  const inputs = await readInputs(values, io);
  if (recipe) checkInputs(recipe, inputs);
  const options = { ...(recipe && recipeOptions(recipe)), ...asked, ...audioOptions(inputs) };
  if (words.length === 0 && !recipe && Object.keys(inputs).length === 0)
    throw new MelodyError(
      'invalid_argument',
      'generate: nothing says what to play',
      'for example: melody generate "slow piano ballad, 70 bpm"',
    );
  if (options.inpaint && values.duration !== undefined)
    throw new MelodyError('invalid_argument', '--inpaint cannot be combined with --duration', 'what it makes is as long as --init');
  const variations = numberValue(values, 'variations', { min: 1, max: 64, whole: true }) ?? 1;
  const seed = options.seed ?? randomInt(2 ** 32);
  if (!Number.isSafeInteger(seed + (variations - 1)))
    throw new MelodyError(
      'invalid_argument',
      `--seed: ${variations} variations from ${seed} on would count past ${Number.MAX_SAFE_INTEGER}`,
      'start from a smaller seed',
    );
  const format = textValue(values, 'format') ?? (typeof recipe?.format === 'string' ? recipe.format : 'wav');
  return {
    options: { ...options, seed },
    inputs,
    format: formatOf(format, values.stream === true),
    model: locateModel(textValue(values, 'model') ?? modelOfRecipe(recipe)),
    variations,
    ...(recipe && { recipe }),
  };
}

/** Options that mean nothing without another, or beside it: left alone they would be passed over in silence. Throws `invalid_argument`. */
function checkTogether(values: Values): void {
  const given = (name: string) => values[name] !== undefined;
  const need = (name: string, other: string, hint?: string) => {
    if (given(name) && !given(other)) throw new MelodyError('invalid_argument', `--${name} needs --${other}`, hint);
  };
  need('prompt-audio-weight', 'prompt-audio', 'the weight is that of the music against the prompt');
  if (!given('recipe')) {
    need('inpaint', 'init', '--init song.wav --inpaint 2.5-4');
    need('init', 'inpaint', '--init song.wav --inpaint 2.5-4');
  }
  for (const name of ['duration', 'continue'])
    if (given('inpaint') && given(name))
      throw new MelodyError('invalid_argument', `--inpaint cannot be combined with --${name}`, 'what it makes is as long as --init');
}

function given(words: readonly string[], values: Values): GenerateOptions {
  const number = (name: string, whole = false) => numberValue(values, name, { whole });
  const options = {
    prompt: words.length > 0 ? words.join(' ') : undefined,
    blend: blendOf(textValue(values, 'blend')),
    steered: steeringsOf(values.steer),
    tempo: number('tempo'),
    key: textValue(values, 'key'),
    metre: textValue(values, 'metre'),
    negativePrompt: textValue(values, 'negative'),
    promptAudioWeight: number('prompt-audio-weight'),
    durationSeconds: number('duration'),
    seed: number('seed', true),
    steps: number('steps', true),
    guidanceScale: number('guidance'),
    schedule: textValue(values, 'schedule'),
    sampler: textValue(values, 'sampler'),
    temperature: number('temperature'),
    topK: number('top-k', true),
    topP: number('top-p'),
    lmGuidanceScale: number('lm-guidance'),
    parallelWindows: number('parallel', true),
    loop: values.loop === true ? true : undefined,
    inpaint: regionsOf(values.inpaint),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as GenerateOptions;
}

async function readInputs(values: Values, io: Io): Promise<Inputs> {
  const inputs: Inputs = {};
  for (const name of INPUTS) {
    const path = textValue(values, name);
    if (path !== undefined) inputs[name] = await readInput(path, io.signal);
  }
  return inputs;
}

function audioOptions(inputs: Inputs): GenerateOptions {
  const as = { 'prompt-audio': 'promptAudio', continue: 'continueFrom', init: 'initAudio' } as const satisfies Record<InputName, string>;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { audio }]) => [as[name as InputName], { channels: audio.channels, sampleRate: audio.sampleRate }]),
  );
}

/** "fast samba:0.3": the text and its weight. */
function blendOf(text: string | undefined): GenerateOptions['blend'] {
  if (text === undefined) return undefined;
  const parts = /^([\s\S]+):(0|1|0?\.\d+|[01]\.\d+)$/.exec(text.trim());
  if (!parts)
    throw new MelodyError(
      'invalid_argument',
      `--blend: got "${text}", expected a prompt, a colon and a weight from 0 to 1`,
      '--blend "fast samba:0.3"',
    );
  return { text: parts[1], weight: Number(parts[2]) };
}

/** "20:fast samba": from second 20 on, whatever the order they are given in. */
function steeringsOf(texts: Values[string]): GenerateOptions['steered'] {
  if (!Array.isArray(texts)) return undefined;
  const changes = texts.map((text: string) => {
    const parts = /^(\d+(?:\.\d+)?):([\s\S]*\S[\s\S]*)$/.exec(text.trim());
    if (!parts)
      throw new MelodyError(
        'invalid_argument',
        `--steer: got "${text}", expected seconds, a colon and a prompt`,
        '--steer "20:fast samba"',
      );
    return { atSeconds: Number(parts[1]), prompt: parts[2].trim() };
  });
  return changes.sort((a, b) => a.atSeconds - b.atSeconds);
}

/** "2.5-4": from second 2.5 to second 4. */
function regionsOf(texts: Values[string]): GenerateOptions['inpaint'] {
  if (!Array.isArray(texts)) return undefined;
  return texts.map((text: string) => {
    const parts = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text.trim());
    if (!parts)
      throw new MelodyError(
        'invalid_argument',
        `--inpaint: got "${text}", expected seconds from start to end`,
        '--init song.wav --inpaint 2.5-4',
      );
    return { start: Number(parts[1]), end: Number(parts[2]) };
  });
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
