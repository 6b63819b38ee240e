// What a made file says about itself beyond the recipe: which weights, which adapter, which audio went in. Enough to make its bytes again.
import { basename } from 'node:path';
import { joinAudio, lengthOf } from '../../audio/channels.ts';
import type { AudioFile } from '../../audio/sound_file.ts';
import { type SoundFilePart, soundFacts, soundParts } from '../../audio/sound_parts.ts';
import { readRecipe, recipeTags, type WavTags, weightsLicence } from '../../audio/wav_tags.ts';
import { MelodyError } from '../../errors.ts';
import { blendsOf } from '../../pipeline/checks.ts';
import type { Recipe } from '../../pipeline/options.ts';
import { hashOf } from '../../platform/node_hash.ts';
import type { Io } from '../command.ts';
import { openInput } from '../input.ts';
import { openingOptions } from '../opening.ts';
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

/** Samples of all channels that a given sound may have, since the new file holds them too: three quarters of an hour of stereo at 48 kHz. */
const MAX_SAMPLES = 2 ** 28;
/** Bytes of a WAV that are in memory beside its samples, at most. */
const PART_BYTES = 2 ** 24;

/** Runs it; an error of an audio file begins with the file's name. */
export async function namingFile<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MelodyError) || error.code !== 'audio' || error.message.startsWith(`${name}: `)) throw error;
    throw new MelodyError(error.code, `${name}: ${error.message}`, error.hint, { cause: error });
  }
}

/** An audio file, all of it, and its hash. It is read in parts: one that is too long is refused before all of it is in memory. Throws `io`, `audio`. */
export async function readInput(path: string, io: Io, most = MAX_SAMPLES): Promise<Input> {
  const { signal } = io;
  const source = await openInput(path, openingOptions({}, io));
  const audio = await namingFile(path, async () => {
    const parts: SoundFilePart[] = [];
    for await (const part of soundParts(source, { most: PART_BYTES, signal })) {
      const { channels, sampleRate, startFrame, frames = startFrame + lengthOf(channels) } = part;
      if (frames * channels.length > most)
        throw new MelodyError(
          'audio',
          `it lasts more than ${(most / channels.length / sampleRate / 60).toFixed(0)} minutes in ${channels.length} channels at ${sampleRate} Hz; expected at most that`,
          'cut it shorter',
        );
      parts.push(part);
    }
    return wholeOf(parts);
  });
  return { audio, sha256: await hashOf(source, signal), name: basename(path) };
}

/** The parts joined, channel by channel, so that no more than one channel is there twice. */
function wholeOf(parts: SoundFilePart[]): AudioFile {
  const { startFrame: _, frames: __, ...first } = parts[0] as SoundFilePart;
  const channels = [...first.channels.keys()].flatMap(() => joinAudio(...parts.map((part) => part.channels.splice(0, 1))));
  return { ...first, channels, warnings: [...new Set(parts.flatMap(({ warnings }) => warnings))] };
}

/** The recipe in a file's tags; of an endless piece, as long as the file. Throws `audio` when there is none. */
export async function readFileRecipe(path: string, io: Io): Promise<Record<string, unknown>> {
  const source = await openInput(path, openingOptions({}, io));
  const { frames, sampleRate, tags } = await namingFile(path, () =>
    soundFacts(source, { allowTruncated: true, start: true, signal: io.signal }),
  );
  const note = readRecipe(tags);
  if (typeof note?.recipe !== 'object' || note.recipe === null)
    throw new MelodyError(
      'audio',
      `${path}: holds no recipe`,
      'only files that melody wrote, and that no other program saved again, have one',
    );
  const recipe = note.recipe as Record<string, unknown>;
  const endless = recipe.durationSeconds === undefined && recipe.inpaint === undefined;
  if (recipe.system !== undefined && recipe.inpaint !== undefined) delete recipe.durationSeconds; // it is that of the sound
  return { ...recipe, ...(endless && { durationSeconds: frames / sampleRate, wholeWindows: true }) };
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
    title: recipe.prompt ?? blendsOf(recipe.blend)[0]?.text ?? 'melody',
  });
}
