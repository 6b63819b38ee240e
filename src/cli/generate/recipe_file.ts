// What a made file says about itself beyond the recipe: which weights, which adapter, which audio went in. Enough to make its bytes again.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type AudioFile, readAudio } from '../../audio/sound_file.ts';
import type { WavReadOptions } from '../../audio/wav.ts';
import { readRecipe, recipeTags, type WavTags, weightsLicence } from '../../audio/wav_tags.ts';
import { MelodyError } from '../../errors.ts';
import type { Recipe } from '../../pipeline/options.ts';
import { openInput } from '../input.ts';
import { version } from '../version.ts';
import { audioInputs } from './setting_options.ts';

export interface Input {
  readonly audio: AudioFile;
  readonly sha256: string;
  readonly name: string;
}
/** Audio files by the option that names them. */
export type Inputs = Record<string, Input | undefined>;

/** The `recipe` of a file that `melody generate` wrote. */
export interface FileRecipe extends Recipe {
  readonly format: string;
  /** Bytes are the same on the same adapter only. */
  readonly adapter: string;
  /** A stream's file holds what was made, without the music that it continues. */
  readonly streamed?: true;
  readonly inputs?: Readonly<Record<string, { readonly sha256: string; readonly name: string }>>;
}

/** More than any file that is worth listening to in one piece; measuring and mixing take some four times as much. */
const MAX_INPUT_BYTES = 2 ** 29;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** As `readAudio`; an error begins with the file's name. */
export async function readNamed(name: string, bytes: Uint8Array, options?: WavReadOptions): Promise<AudioFile> {
  try {
    return await readAudio(bytes, options);
  } catch (error) {
    if (error instanceof MelodyError) throw new MelodyError(error.code, `${name}: ${error.message}`, error.hint, { cause: error });
    throw error;
  }
}

/** An audio file and its hash. Throws `io`, `audio`. */
export async function readInput(path: string, signal: AbortSignal, options?: WavReadOptions): Promise<Input> {
  const source = await openInput(path, signal);
  if (source.size > MAX_INPUT_BYTES)
    throw new MelodyError('audio', `${path}: the file has ${source.size} bytes; expected at most ${MAX_INPUT_BYTES}`, 'cut it shorter');
  const bytes = await source.read(0, source.size, signal);
  return { audio: await readNamed(path, bytes, options), sha256: sha256(bytes), name: basename(path) };
}

/** The recipe in a file's tags; of an endless piece, as long as the file. Throws `audio` when there is none. */
export async function readFileRecipe(path: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const { channels, sampleRate, tags } = (await readInput(path, signal, { allowTruncated: true })).audio; // the recipe stands at the start
  const note = readRecipe(tags);
  if (typeof note?.recipe !== 'object' || note.recipe === null)
    throw new MelodyError(
      'audio',
      `${path}: holds no recipe`,
      'only files that melody wrote, and that no other program saved again, have one',
    );
  const recipe = note.recipe as Record<string, unknown>;
  const endless = recipe.durationSeconds === undefined && recipe.inpaint === undefined;
  return { ...recipe, ...(endless && { durationSeconds: channels[0].length / sampleRate, wholeWindows: true }) };
}

/** Every audio the recipe was made with must be given again, and be the same. Throws `invalid_argument`. */
export function checkInputs(recipe: Record<string, unknown>, given: Inputs): void {
  const wanted = (recipe.inputs ?? {}) as Record<string, { sha256?: unknown; name?: unknown } | undefined>;
  for (const option of audioInputs) {
    const want = wanted[option];
    if (want && !given[option])
      throw new MelodyError(
        'invalid_argument',
        `the recipe was made with --${option} ${String(want.name)}`,
        `give that file again: --${option} <file.wav>`,
      );
    const got = given[option];
    if (want && got && want.sha256 !== got.sha256)
      throw new MelodyError(
        'invalid_argument',
        `--${option}: ${got.name} is not the file the recipe was made with; got SHA-256 ${got.sha256}, expected ${String(want.sha256)}`,
      );
  }
}

export function tagsOf(recipe: FileRecipe, licence: string | undefined): WavTags {
  return recipeTags({
    recipe,
    software: `melody ${version}`,
    license: weightsLicence(recipe.model, licence),
    title: recipe.prompt ?? recipe.blend?.text ?? 'melody',
  });
}
