// melody generate: a sentence becomes a WAV file, or a stream of samples.

import { MelodyError } from '../errors.ts';
import { type Command, type Io, textValue, type Values } from './command.ts';
import { runJobs } from './generate/jobs.ts';
import { kindOf } from './generate/kind_of.ts';
import { type Made, makeOne, say } from './generate/make_one.ts';
import { open } from './generate/open_model.ts';
import { chooseTargets } from './generate/output_path.ts';
import { type GenerateRequest, readRequest } from './generate/request.ts';
import { namingOptions, settingOptions } from './generate/setting_options.ts';
import { streamOut } from './generate/stream.ts';
import { REDIRECT_HOST } from './locate_model.ts';

const EXIT_SUSPECT = 3;

export const generate: Command = {
  name: 'generate',
  summary: 'Makes music from a sentence and writes it into a file.',
  arguments: '"<what to play>" [options]',
  options: {
    ...settingOptions,
    jobs: {
      help: 'make a clip of each line of this file: {"prompt": …, "seed": …}; clips that are there already are left',
      value: 'file.jsonl',
    },
    shard: { help: 'with --jobs: which share of the lines', value: 'i/n' },
    melody: { help: 'MusicGen Melody: follow the tune of this file', value: 'file.wav' },
    strength: { help: 'Stable Audio: the share of the steps that change --init (over 0, up to 1); default 1', value: 'share' },
    window: {
      help: 'Stable Audio: seconds made together, of which the clip is the beginning; default all that the model knows',
      value: 's',
    },
    'noise-level': { help: 'Stable Audio, instead of --strength: the noise over --init that all steps begin at', value: 'sigma' },
    variations: { help: 'make this many clips, with seeds counting up', value: 'n' },
    stream: { help: 'write to standard output as it is made; endless without --duration' },
    model: { help: 'a model folder, an address, a name, or hf:owner/name of the hub', value: 'model', short: 'm' },
    'redirect-host': REDIRECT_HOST,
    device: { help: 'gpu, cpu, or auto: a GPU that is hardware, else the CPU', value: 'name', default: 'auto' },
    threads: { help: 'threads on the CPU; the music does not depend on it', value: 'n' },
    precision: { help: 'published models: matrices as f32, f16, or int8 (CPU alone); default f16 on a GPU, else f32', value: 'name' },
    recipe: { help: 'make the piece in this file again, by its recipe; other options change it', value: 'file' },
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
    'melody generate --jobs prompts.jsonl --shard 1/4 --out-dir songs',
  ],
  run,
};

function run(words: readonly string[], values: Values, io: Io): Promise<number> {
  if (values.jobs !== undefined) return runJobs(words, values, io); // its lines have the names of code
  return namingOptions(() => make(words, values, io));
}

async function make(words: readonly string[], values: Values, io: Io): Promise<number> {
  if (values.shard !== undefined) throw new MelodyError('invalid_argument', '--shard needs --jobs', 'give both or neither');
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
  if ((await kindOf(request.model, values, io)) !== 'melody') {
    const { makePublished } = await import('./generate/published.ts'); // not read where it is not needed
    const { suspect } = await makePublished(request, targets, values, io);
    return values.strict && suspect ? EXIT_SUSPECT : 0;
  }
  noPublishedOptions(values);
  if (request.inputs.melody)
    throw new MelodyError('invalid_argument', '--melody: this model follows words alone', 'leave it out, or use a MusicGen Melody');
  const before = performance.now();
  const opened = await open(request, values, io);
  const loadSeconds = (performance.now() - before) / 1000;
  const results: Made[] = [];
  try {
    for (const [i, target] of targets.entries()) {
      const label = targets.length > 1 ? `${i + 1} of ${targets.length}` : undefined;
      const options = { ...request.options, seed: request.options.seed + i };
      const made = await makeOne(opened, { ...request, options }, target, values, { io, label });
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

/** Options of published systems, which would be passed over. */
function noPublishedOptions(values: Values): void {
  if (values.precision !== undefined)
    throw new MelodyError(
      'invalid_argument',
      '--precision: a MeLoDy model always computes in the precision in which it was stored',
      'leave it out, or use a published system',
    );
  for (const name of ['strength', 'noise-level', 'window'])
    if (values[name] !== undefined)
      throw new MelodyError('invalid_argument', `--${name}: a MeLoDy model has none`, 'leave it out, or use Stable Audio');
}

async function stream(request: GenerateRequest, values: Values, io: Io): Promise<number> {
  const clash = ['out', 'out-dir', 'force', 'picture', 'json', 'strict', 'variations', 'parallel'].find(
    (name) => values[name] !== undefined,
  );
  if (clash)
    throw new MelodyError(
      'invalid_argument',
      `--stream cannot be combined with --${clash}`,
      `leave --${clash} out: a stream goes to standard output while it is made`,
    );
  if (io.outTerminal)
    throw new MelodyError(
      'invalid_argument',
      '--stream: standard output is a terminal',
      'send it to a player or a file: melody generate "…" --stream | ffplay -',
    );
  if ((await kindOf(request.model, values, io)) !== 'melody') {
    const { streamPublished } = await import('./generate/published.ts');
    await streamPublished(request, values, io);
    return 0;
  }
  noPublishedOptions(values);
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
