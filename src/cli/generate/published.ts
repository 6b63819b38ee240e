// melody generate with a published system: the same words, fewer settings.
import { joinAudio } from '../../audio/channels.ts';
import { clipPicture } from '../../audio/picture.ts';
import { writeAudio } from '../../audio/sound_file.ts';
import { recipeTags, type WavTags, weightsLicence } from '../../audio/wav_tags.ts';
import { MelodyError } from '../../errors.ts';
import type { Identity } from '../../systems/identity.ts';
import { loadSystem } from '../../systems/load.ts';
import { isPrecision, PRECISIONS } from '../../systems/precision.ts';
import type { SystemStream } from '../../systems/stream.ts';
import type { JobOptions, PublishedSystem, SystemClip, SystemOptions, SystemRecipe } from '../../systems/system.ts';
import { printableText } from '../../weights/printable.ts';
import { type Io, numberValue, textValue, type Values } from '../command.ts';
import { deviceOptions } from '../device.ts';
import { redirectHosts } from '../locate_model.ts';
import { askQuietly } from '../quiet.ts';
import { version } from '../version.ts';
import { givenSound } from './given.ts';
import { pictureOf, writeWhole } from './output_path.ts';
import { ProgressLine } from './progress.ts';
import type { GenerateRequest } from './request.ts';
import { sendStream } from './stream.ts';

/** Makes a clip a seed into the files; gives the exit code. Throws as `MusicGen.generate`. */
export async function makePublished(
  request: GenerateRequest,
  files: readonly string[],
  values: Values,
  io: Io,
): Promise<{ suspect: boolean }> {
  const quiet = values.quiet === true;
  const { system, loadSeconds } = await openPublished(request, values, io);
  const clips: object[] = [];
  let suspect = false;
  try {
    for (const [i, file] of files.entries()) {
      const made = await makeOne(system, request, request.options.seed + i, file, values, io);
      clips.push(made);
      suspect ||= made.suspect.length > 0;
      if (!values.json) say(made, quiet, io);
    }
    const adapter = system.engine.device.caps.name;
    if (values.json) io.out(`${JSON.stringify({ model: system.name, licence: system.licence, adapter, loadSeconds, clips }, null, 2)}\n`);
  } finally {
    system.dispose();
  }
  return { suspect };
}

/** Samples to standard output as they are made, of systems that can. Throws as `MusicGen.stream`. */
export async function streamPublished(request: GenerateRequest, values: Values, io: Io): Promise<void> {
  const { system } = await openPublished(request, values, io);
  try {
    await sendStream(
      request,
      (watch) => system.stream({ ...settingsOf(request, request.options.seed, values), ...watch }),
      ({ recipe }) => tagsFor(system, request, { ...recipe, streamed: true }),
      { io, quiet: values.quiet === true },
    );
  } finally {
    system.dispose();
  }
}

/** The system, its licence said. Throws `weights` where a recipe was made with others. */
async function openPublished(request: GenerateRequest, values: Values, io: Io): Promise<{ system: AnySystem; loadSeconds: number }> {
  const line = new ProgressLine(io, { quiet: values.quiet === true });
  const before = performance.now();
  const device = deviceOptions(values);
  await askQuietly(device.device, io);
  const system = (await loadSystem(request.model, {
    ...device,
    ...redirectHosts(values),
    ...precisionOf(request.recipe, values),
    signal: io.signal,
    onEvent: (event) => line.hear(event),
  })) as unknown as AnySystem;
  try {
    line.close();
    await checkWeights(system, request.recipe, io);
  } catch (error) {
    system.dispose();
    throw error;
  }
  if (values.quiet !== true) io.err(`${system.name}: weights under ${printableText(system.licence)}\n`);
  return { system, loadSeconds: (performance.now() - before) / 1000 };
}

/** What --precision says, else as it was in the recipe. Throws `invalid_argument`. */
const precisionOf = (recipe: GenerateRequest['recipe'], values: Values): SystemOptions => {
  const asked = textValue(values, 'precision') ?? recipe?.precision;
  if (asked === undefined || isPrecision(asked)) return asked === undefined ? {} : { precision: asked };
  throw new MelodyError('invalid_argument', `--precision: got "${String(asked)}", expected ${PRECISIONS.join(', ')}`);
};

/** Throws `weights` where a recipe was made with others. */
async function checkWeights({ engine, name }: AnySystem, recipe: GenerateRequest['recipe'], io: Io): Promise<void> {
  if (recipe?.weights === undefined) return;
  const weights = await engine.model.identity?.(io.signal);
  if (weights !== undefined && weights !== recipe.weights)
    throw new MelodyError(
      'weights',
      `the recipe was made with other weights of ${String(recipe.model)}, or of another revision of it; these are those of ${name}`,
      'without --recipe, its prompt and seed make something like it',
    );
}

/** Fields of a system's recipe that no option of the command line has. */
const OWN_FIELDS = ['system', 'windowSeconds', 'strength', 'initNoiseLevel'];
const ownFields = (recipe: GenerateRequest['recipe']) =>
  Object.fromEntries(OWN_FIELDS.flatMap((name) => (recipe?.[name] === undefined ? [] : [[name, recipe[name]]])));

type Generate = (options: JobOptions) => Promise<SystemClip>;
/** Any of them: the command line hands on what was asked for, and the system says what it does not have. */
type AnySystem = Pick<PublishedSystem<never, never>, 'name' | 'licence' | 'dispose'> & {
  readonly engine: { readonly device: { readonly caps: { readonly name: string } }; readonly model: { readonly identity?: Identity } };
  readonly generate: Generate;
  readonly stream: (options: object) => SystemStream;
};

/** How much of --init changes, and how much is made together: what the options say goes before what a recipe does. */
function changeOf(values: Values, fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const [strength, initNoiseLevel, windowSeconds] = ['strength', 'noise-level', 'window'].map((name) => numberValue(values, name));
  if (windowSeconds !== undefined) return changeOf({ ...values, window: undefined }, { ...fields, windowSeconds });
  if (strength === undefined && initNoiseLevel === undefined) return fields;
  const { strength: _, initNoiseLevel: __, ...others } = fields;
  return { ...others, ...(strength !== undefined && { strength }), ...(initNoiseLevel !== undefined && { initNoiseLevel }) };
}

/** What the system is asked for: the settings of the command line, and those of a recipe that it has no flag for. */
function settingsOf({ options, inputs, recipe }: GenerateRequest, seed: number, values: Values) {
  // In recipes of files levels stay as they are made, all is through-composed, and the end is cut: as all is here.
  const { loudness, keepGiven, form, fadeOutSeconds, ...rest } = options;
  const tune = inputs.melody && { melody: inputs.melody.audio };
  const own = recipe?.streamed === true ? false : keepGiven; // a stream's file holds what was made, as the model makes it
  return {
    ...changeOf(values, ownFields(recipe)),
    ...rest,
    ...tune,
    ...((inputs.continue || options.inpaint) && own === false && { keepGiven: false }),
    ...(form === 'rondo' && { form }),
    ...(fadeOutSeconds && { fadeOutSeconds }),
    ...(loudness !== null && loudness !== undefined && { loudness }),
    seed,
  };
}

function tagsFor(system: AnySystem, { inputs, format, recipe: again }: GenerateRequest, recipe: FileFields): WavTags {
  const told = Object.entries(inputs).flatMap(([name, input]) => (input ? [[name, { sha256: input.sha256, name: input.name }]] : []));
  return recipeTags({
    recipe: {
      ...recipe,
      format: format.name,
      adapter: system.engine.device.caps.name,
      ...(again?.streamed === true && { streamed: true }),
      ...(told.length > 0 && { inputs: Object.fromEntries(told) }),
    },
    software: `melody ${version}`,
    license: weightsLicence(system.name, system.licence),
    title: recipe.prompt,
  });
}

type FileFields = Omit<SystemRecipe, 'durationSeconds'> & { readonly streamed?: true };

async function makeOne(system: AnySystem, request: GenerateRequest, seed: number, file: string, values: Values, io: Io) {
  const settings = settingsOf(request, seed, values);
  const line = new ProgressLine(io, { quiet: values.quiet === true, seconds: settings.durationSeconds ?? 10 });
  let clip: SystemClip;
  try {
    clip = await system.generate({ ...(settings as object), signal: io.signal, onEvent: (event) => line.hear(event) });
  } finally {
    line.close();
  }
  const { channels, sampleRate, recipe, report, timings } = clip;
  const { file: kind, sample } = request.format;
  const tags = tagsFor(system, request, recipe);
  const given = request.inputs.continue && givenSound(request); // stays in the file as it is
  const sound = { channels: given ? joinAudio(given.channels, channels) : channels, sampleRate };
  const bytes = await writeAudio({ ...sound, tags }, kind, sample);
  const picture = values.picture ? await clipPicture(channels, sampleRate) : undefined;
  if (io.signal.aborted) throw new MelodyError('aborted', 'stopped before the file was written');
  await writeWhole(file, bytes, values.force === true);
  if (picture) await writeWhole(pictureOf(file), picture, values.force === true);
  return {
    file,
    ...(picture && { picture: pictureOf(file) }),
    seconds: recipe.durationSeconds,
    seed,
    timings,
    warnings: line.warnings,
    suspect: report.suspect,
    recipe,
  };
}

function say({ file, picture, seconds, seed, timings }: Awaited<ReturnType<typeof makeOne>>, quiet: boolean, io: Io): void {
  const files = [file, ...(picture ? [picture] : [])].map(printableText).join('\n');
  const { total, speed, peakBytes } = timings;
  const how = `  ${seconds.toFixed(2)} s of music, seed ${seed}, made in ${total.toFixed(1)} s (${speed.toFixed(2)} s of music a second), ${Math.round(peakBytes / 1e6)} MB of memory at most\n`;
  io.out(quiet ? `${files}\n` : `${files}\n${how}`);
}
