// Makes one clip of a request, measures it, writes it as a whole file, and reports it.
import { convertAudio, joinAudio, lengthOf } from '../../audio/channels.ts';
import { clipPicture } from '../../audio/picture.ts';
import { writeAudio } from '../../audio/sound_file.ts';
import { MelodyError } from '../../errors.ts';
import type { Clip } from '../../pipeline/melody.ts';
import { printableText } from '../../weights/printable.ts';
import type { Io, Values } from '../command.ts';
import { givenSound, lostOfGiven } from './given.ts';
import { fileRecipe, type Opened } from './open_model.ts';
import { pictureOf, writeWhole } from './output_path.ts';
import { ProgressLine } from './progress.ts';
import { type FileRecipe, tagsOf } from './recipe_file.ts';
import type { GenerateRequest } from './request.ts';

export interface Made {
  readonly file: string;
  readonly picture?: string;
  readonly seconds: number;
  readonly seed: number;
  readonly timings: Clip['timings'];
  readonly warnings: readonly string[];
  readonly suspect: readonly string[];
  readonly recipe: FileRecipe;
}

/** Throws what `generate` throws, and `io`. */
export async function makeOne(
  opened: Opened,
  request: GenerateRequest,
  file: string,
  values: Values,
  to: { io: Io; label: string | undefined },
): Promise<Made> {
  const { io, label } = to;
  const { melody } = opened;
  const { config } = melody.model;
  const wanted = request.options.inpaint ? undefined : (request.options.durationSeconds ?? config.window_seconds);
  const line = new ProgressLine(io, { quiet: values.quiet === true, ...(label && { label }), ...(wanted && { seconds: wanted }) });
  for (const warning of lostOfGiven(request, config)) line.warn(warning);
  let clip: Clip;
  try {
    clip = await melody.generate({ ...request.options, signal: io.signal, onEvent: (event) => line.hear(event) });
  } finally {
    line.close();
  }
  const recipe = fileRecipe(opened, request, clip.recipe);
  const { channels, sampleRate } = whole(clip, request);
  const { file: kind, sample } = request.format;
  const bytes = await writeAudio({ sampleRate, channels, tags: tagsOf(recipe, opened.licence) }, kind, sample);
  const png = values.picture ? await clipPicture(channels, sampleRate) : undefined;
  if (io.signal.aborted) throw new MelodyError('aborted', 'stopped before the file was written');
  await writeWhole(file, bytes, values.force === true);
  if (png) await writeWhole(pictureOf(file), png, values.force === true);
  return {
    file,
    ...(png && { picture: pictureOf(file) }),
    seconds: lengthOf(channels) / sampleRate,
    seed: clip.recipe.seed,
    timings: clip.timings,
    warnings: line.warnings,
    suspect: clip.report.suspect,
    recipe,
  };
}

/**
 * What the file holds: the clip, and around it the sound that was given, as that is (files of before 0.2 have all of it as the model makes it). A
 * stream holds what it made alone.
 */
function whole(clip: Clip, request: GenerateRequest): { channels: Float32Array[]; sampleRate: number } {
  const { inputs, recipe } = request;
  const own = givenSound(request);
  const { channels, sampleRate } = clip;
  if (own && inputs.continue) return { channels: joinAudio(own.channels, channels), sampleRate };
  if (own || !inputs.continue || recipe?.streamed === true) return { channels, sampleRate };
  return { channels: joinAudio(convertAudio(inputs.continue.audio, sampleRate, channels.length), channels), sampleRate };
}

/** Tells of a finished file on standard output. */
export function say(made: Made, values: Values, io: Io): void {
  const files = [made.file, ...(made.picture ? [made.picture] : [])].map(printableText);
  if (values.quiet) {
    io.out(`${files.join('\n')}\n`);
    return;
  }
  const { total, speed, peakBytes } = made.timings;
  const { decided } = made.recipe;
  io.out(
    `${files.join('\n')}\n  ${made.seconds.toFixed(2)} s of music${decided ? `, ${decided.text}` : ''}, seed ${made.seed}, made in ${total.toFixed(1)} s (${speed.toFixed(2)} s of music a second), ` +
      `${Math.round(peakBytes / 1e6)} MB of ${made.recipe.executor === 'gpu' ? 'GPU memory' : 'memory for its networks'} at most\n`,
  );
}
