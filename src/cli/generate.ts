// melody generate: a sentence becomes a WAV file, or a stream of samples.

import { convertAudio, joinAudio } from '../audio/channels.ts';
import { afterGiven, intoGiven } from '../audio/own_sound.ts';
import { clipPicture } from '../audio/picture.ts';
import { writeAudio } from '../audio/sound_file.ts';
import { MelodyError } from '../errors.ts';
import type { Clip } from '../pipeline/melody.ts';
import { printableText } from '../weights/printable.ts';
import { type Command, type Io, textValue, type Values } from './command.ts';
import { givenSound, lostOfGiven } from './generate/given.ts';
import { fileRecipe, type Opened, open } from './generate/open_model.ts';
import { chooseTargets, pictureOf, writeWhole } from './generate/output_path.ts';
import { ProgressLine } from './generate/progress.ts';
import { kindOf, makePublished } from './generate/published.ts';
import { type FileRecipe, tagsOf } from './generate/recipe_file.ts';
import { type GenerateRequest, readRequest } from './generate/request.ts';
import { namingOptions, settingOptions } from './generate/setting_options.ts';
import { streamOut } from './generate/stream.ts';

const EXIT_SUSPECT = 3;

export const generate: Command = {
  name: 'generate',
  summary: 'Makes music from a sentence and writes it into a file.',
  arguments: '"<what to play>" [options]',
  options: {
    ...settingOptions,
    variations: { help: 'so many clips, with seeds counting up', value: 'n' },
    stream: { help: 'write to standard output as it is made; endless without --duration' },
    model: { help: 'a model folder, an address, or a name', value: 'model', short: 'm' },
    device: { help: 'gpu, cpu, or auto: a GPU that is hardware, else the CPU', value: 'name', default: 'auto' },
    threads: { help: 'threads on the CPU; the music does not depend on it', value: 'n' },
    recipe: { help: 'make this file again; other options change it', value: 'file' },
    out: { help: 'file to write (.wav, .flac, .mp3, .opus); default a name from the prompt, in this folder', value: 'file', short: 'o' },
    'out-dir': { help: 'folder to write into, and nowhere else', value: 'folder' },
    force: { help: 'overwrite files that exist', short: 'f' },
    format: {
      help: 'wav (16 bit), wav24, wavf32; flac, flac24, mp3, opus with npm node-av; with --stream also s16le, s24le, f32le; default by the ending of --out',
      value: 'name',
    },
    picture: { help: 'write a picture of the sound beside the file' },
    json: { help: 'print what was made as JSON' },
    quiet: { help: 'print file names only', short: 'q' },
    strict: { help: 'exit with 3 when a clip is suspect: noise, silence, clipping, a lone tone' },
  },
  examples: [
    'melody generate "bossa nova, nylon guitar, 120 bpm"',
    'melody generate "slow piano ballad" --duration 30 --seed 7 --out ballad.wav',
    'melody generate "bossa nova" --tempo 120 --key "A minor"',
    'melody generate "string quartet" --continue ballad.wav --duration 10',
    'melody generate "calm piano" --duration 60 --steer "20:techno, 140 bpm" --steer "45:calm piano"',
    'melody generate "techno, 130 bpm" --stream | ffplay -',
    'melody generate --recipe ballad.wav --out again.wav',
    'melody generate "calm piano" --out calm.mp3',
    'melody generate "80s pop track" --model ./musicgen-small --duration 8',
  ],
  run,
};

function run(words: readonly string[], values: Values, io: Io): Promise<number> {
  return namingOptions(() => make(words, values, io));
}

async function make(words: readonly string[], values: Values, io: Io): Promise<number> {
  const request = await readRequest(words, values, io);
  if (values.stream) return stream(request, values, io);
  const seeds = Array.from({ length: request.variations }, (_, i) => request.options.seed + i);
  const targets = await chooseTargets({
    ...(request.options.prompt !== undefined && { prompt: request.options.prompt }),
    ...options(values, { out: 'out', outDir: 'out-dir' }),
    seeds,
    force: values.force === true,
    picture: values.picture === true,
    endings: request.format.endings,
  });
  if ((await kindOf(request, io)) !== 'melody') {
    const { suspect } = await makePublished(request, targets, values, io);
    return values.strict && suspect ? EXIT_SUSPECT : 0;
  }
  const before = performance.now();
  const opened = await open(request, values, io);
  const loadSeconds = (performance.now() - before) / 1000;
  const results: Made[] = [];
  try {
    for (const [i, seed] of seeds.entries()) {
      const label = seeds.length > 1 ? `${i + 1} of ${seeds.length}` : undefined;
      const made = await makeOne(opened, { ...request, options: { ...request.options, seed } }, targets[i], values, { io, label });
      results.push(made);
      if (!values.json) say(made, values, io);
    }
  } finally {
    opened.melody.dispose();
  }
  if (values.json)
    io.out(`${JSON.stringify({ model: opened.melody.model.name, adapter: opened.adapter, loadSeconds, clips: results }, null, 2)}\n`);
  return values.strict && results.some(({ suspect }) => suspect.length > 0) ? EXIT_SUSPECT : 0;
}

interface Made {
  readonly file: string;
  readonly picture?: string;
  readonly seconds: number;
  readonly seed: number;
  readonly timings: Clip['timings'];
  readonly warnings: readonly string[];
  readonly suspect: readonly string[];
  readonly recipe: FileRecipe;
}

async function makeOne(
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
    seconds: channels[0].length / sampleRate,
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
  const { inputs, options, recipe } = request;
  const own = givenSound(request);
  if (own && inputs.continue) return { channels: afterGiven(own, clip), sampleRate: own.sampleRate };
  if (own) return { channels: intoGiven(own, clip, options.inpaint ?? []), sampleRate: own.sampleRate };
  const { channels, sampleRate } = clip;
  if (!inputs.continue || recipe?.streamed === true) return { channels, sampleRate };
  return { channels: joinAudio(convertAudio(inputs.continue.audio, sampleRate, channels.length), channels), sampleRate };
}

function say(made: Made, values: Values, io: Io): void {
  const files = [made.file, ...(made.picture ? [made.picture] : [])].map(printableText);
  if (values.quiet) {
    io.out(`${files.join('\n')}\n`);
    return;
  }
  const { total, speed, peakBytes } = made.timings;
  const { decided } = made.recipe;
  io.out(
    `${files.join('\n')}\n  ${made.seconds.toFixed(2)} s of music${decided ? `, ${decided.text}` : ''}, seed ${made.seed}, made in ${total.toFixed(1)} s (${speed.toFixed(2)} s of music a second), ` +
      `${Math.round(peakBytes / 1e6)} MB of GPU memory at most\n`,
  );
}

async function stream(request: GenerateRequest, values: Values, io: Io): Promise<number> {
  const clash = ['out', 'out-dir', 'force', 'picture', 'json', 'strict', 'variations', 'parallel'].find(
    (name) => values[name] !== undefined,
  );
  if (clash)
    throw new MelodyError(
      'invalid_argument',
      `--stream cannot be combined with --${clash}`,
      'a stream goes to standard output and has no end to look back from',
    );
  if (io.outTerminal)
    throw new MelodyError(
      'invalid_argument',
      '--stream: standard output is a terminal',
      'send it to a player or a file: melody generate "…" --stream | ffplay -',
    );
  if ((await kindOf(request, io)) !== 'melody')
    throw new MelodyError('invalid_argument', '--stream: this model makes whole clips', 'leave it out, or use a MeLoDy model');
  const opened = await open(request, values, io);
  try {
    await streamOut(opened, request, { io, quiet: values.quiet === true });
    return 0;
  } finally {
    opened.melody.dispose();
  }
}

/** Text options by the names they have in code, without those that were not given. */
function options<Name extends string>(values: Values, names: Readonly<Record<Name, string>>): { [K in Name]?: string } {
  const found = Object.entries<string>(names).flatMap(([name, option]) => {
    const text = textValue(values, option);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(found) as { [K in Name]?: string };
}
