// melody eval: measures finished clips without any trained network, alone or against a folder of real music; with a model's towers, also
// how well each fits its prompt.
import { readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { lengthOf, monoMix } from '../audio/channels.ts';
import { type ClipReport, finiteChannels, type MeasureOptions, measureClip } from '../audio/measure.ts';
import { envelopes } from '../audio/measures/envelopes.ts';
import { type LinesKept, linesKept } from '../audio/measures/lines_kept.ts';
import { clipPicture } from '../audio/picture.ts';
import { bands, MIN_BAND } from '../audio/report.ts';
import { resample } from '../audio/resample.ts';
import type { AudioFile } from '../audio/sound_file.ts';
import type { WavReadOptions } from '../audio/wav.ts';
import { MelodyError } from '../errors.ts';
import { fileError } from '../platform/node_files.ts';
import { printableText } from '../weights/printable.ts';
import { type Command, type Io, numberValue, textValue, type Values } from './command.ts';
import { Listener } from './eval_agreement.ts';
import { type Part, partsOf } from './eval_parts.ts';
import { asJson, comparison, type Failed, type Measured, nameOf, summaryLines, table } from './eval_report.ts';
import { SOUND_NAME } from './inspect_audio.ts';

export const evaluate: Command = {
  name: 'eval',
  summary: 'Measures audio files: tuning, buzz, loudness, tempo, key, form, and whether they sound broken.',
  arguments: '<file or folder>… [options]',
  options: {
    json: { help: 'print JSON; measures that are not finite become null' },
    reference: { help: 'folder of real music: shows its 5-95 % band beside each measure', value: 'folder' },
    source: { help: 'the recording that the clips are copies of: adds the share of its tones that they keep', value: 'file' },
    'frame-rate': { help: 'latent frames a second of the codec that made the clips, whose traces are looked for (50)', value: 'number' },
    prompt: { help: 'what was asked for, where the file has no recipe: adds text-audio agreement by the towers of --model', value: 'text' },
    model: { help: 'the model whose towers listen; alone, it takes the prompts from the recipes', value: 'model' },
    bpm: { help: 'the tempo that was asked for: adds adherence', value: 'number' },
    period: { help: 'look for buzz at this period in samples, such as the decoder hop; may be repeated', value: 'samples', multiple: true },
    join: { help: 'measure the seam at this time, 0 for the loop point; may be repeated', value: 'seconds', multiple: true },
    pictures: { help: 'write a picture of each clip into this folder', value: 'folder' },
    force: { help: 'overwrite pictures that exist', short: 'f' },
    'allow-truncated': { help: 'read files that end too early as far as they go' },
    strict: {
      help: 'exit with 3 when a clip is suspect: noise, silence, clipping, a lone tone, DC, NaN, out of tune, neither bass nor pulse',
    },
  },
  examples: [
    'melody eval song.wav',
    'melody eval out/ --reference music/ --json',
    'melody eval loop.wav --join 0 --bpm 120 --strict',
    'melody eval song.wav --model melody-small',
  ],
  run,
};

async function run(words: readonly string[], values: Values, io: Io): Promise<number> {
  if (words.length === 0) throw new MelodyError('invalid_argument', 'eval: no file was named', 'melody eval song.wav');
  const options = {
    bpm: numberValue(values, 'bpm', { min: 20, max: 400 }),
    frameRate: numberValue(values, 'frame-rate', { min: 10, max: 400 }),
    periods: numbers(values, 'period', { min: 12, max: 1e8, whole: true }),
    joins: numbers(values, 'join', { min: 0, max: 1e6 }),
  };
  const referenceFolder = textValue(values, 'reference');
  const references = referenceFolder === undefined ? [] : await reference(referenceFolder, values, io);
  const results: (Measured | Failed)[] = [];
  const files = await audioFiles(words);
  const sourceFile = textValue(values, 'source');
  const source = sourceFile === undefined ? undefined : await read(sourceFile, values, io);
  const listener = await Listener.open(values, io.signal);
  try {
    for (const [i, file] of files.entries()) {
      if (io.terminal && files.length > 1) io.err(`\r${i + 1} of ${files.length}  ${printableText(basename(file))}\u001b[K`);
      results.push(...(await attempt(file, values, { ...options, listener, source }, io)));
    }
    if (io.terminal && files.length > 1) io.err('\r\u001b[K');
  } finally {
    listener?.dispose();
  }

  const measured = results.filter((r): r is Measured => 'report' in r);
  const failed = results.filter((r): r is Failed => 'error' in r);
  const band = bands(references.map((r) => r.report));
  const together = comparison(measured, references);
  if (values.json) io.out(`${JSON.stringify(asJson(results, band, together), null, 2)}\n`);
  else {
    for (const clip of measured) io.out(table(clip, band, options.bpm));
    if (together) io.out(`${summaryLines(together).join('\n')}\n`);
  }
  for (const { file, error } of failed) {
    const named = error.message.startsWith(file) ? '' : `${file}: `;
    io.err(`melody: ${printableText(named + error.message)}\n${error.hint ? `  ${printableText(error.hint)}\n` : ''}`);
  }
  if (failed.length > 0) return 1;
  return values.strict && measured.some((r) => r.report.suspect.length > 0) ? 3 : 0;
}

interface Requests {
  bpm: number | undefined;
  frameRate: number | undefined;
  periods: number[];
  /** Seconds. */
  joins: number[];
  /** Present when text-audio agreement is asked for. */
  listener: Listener | undefined;
  source: AudioFile | undefined;
}

/** A file that cannot be read is reported and does not keep the others from being measured; Ctrl-C ends it all. */
async function attempt(file: string, values: Values, requests: Requests, io: Io): Promise<(Measured | Failed)[]> {
  const done: (Measured | Failed)[] = [];
  try {
    for await (const part of partsOf(file, reading(values), io)) {
      if (part.part && requests.source)
        throw new MelodyError(
          'invalid_argument',
          '--source: the file is measured in parts, being longer than some ten minutes',
          'cut it shorter',
        );
      done.push(await measuredPart(file, part, values, requests, io));
    }
  } catch (error) {
    if (!(error instanceof MelodyError) || error.code === 'aborted') throw error;
    done.push({ file, error });
  }
  return done;
}

async function measuredPart(file: string, { audio, part }: Part, values: Values, requests: Requests, io: Io): Promise<Measured> {
  const { sampleRate, channels, warnings } = audio;
  const length = lengthOf(channels);
  const [from, whole] = part ? [part.start, part.whole] : [0, length / sampleRate];
  const beyond = requests.joins.find((seconds) => Math.round(seconds * sampleRate) > Math.round(whole * sampleRate));
  if (beyond !== undefined) throw new MelodyError('invalid_argument', `--join ${beyond} lies after the end at ${whole.toFixed(2)} s`);
  // A loop point joins the end of a whole file to its start.
  const joins = requests.joins
    .map((seconds) => Math.round((seconds - from) * sampleRate))
    .filter((n) => (part ? n > 0 && n < length : true));
  const { bpm, frameRate, periods, source } = requests;
  const asked = { ...(bpm !== undefined && { bpm }), ...(frameRate !== undefined && { frameRate }), periods, joins };
  const report = measure(audio, asked);
  const kept = source && keptOf(audio, source);
  const agreement = await requests.listener?.hear(audio, io.signal);
  const place = part && { start: part.start, end: part.end };
  await picture(nameOf({ file, ...(place && { part: place }) }), audio, values);
  return { file, ...(place && { part: place }), report, warnings, ...(agreement !== undefined && { agreement }), ...(kept && { kept }) };
}

function keptOf({ channels, sampleRate }: AudioFile, source: AudioFile): LinesKept {
  const theirs = resample(monoMix(finiteChannels(source.channels)), source.sampleRate, sampleRate);
  return linesKept(monoMix(finiteChannels(channels)), theirs, sampleRate);
}

function measure({ channels, sampleRate }: AudioFile, options: MeasureOptions = {}): ClipReport {
  return {
    ...measureClip(channels, sampleRate, options),
    envelopes: envelopes(monoMix(finiteChannels(channels)), sampleRate, options.frameRate),
  };
}

const reading = (values: Values): WavReadOptions => ({ allowTruncated: values['allow-truncated'] === true });

async function read(file: string, values: Values, io: Io): Promise<AudioFile> {
  for await (const { audio, part } of partsOf(file, reading(values), io)) {
    if (!part) return audio;
    break;
  }
  throw new MelodyError('audio', `${file}: the file is longer than some ten minutes`, 'cut it shorter');
}

/** The files, and in place of a folder the audio files in it and below it, by name. */
async function audioFiles(words: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(words.map(async (word) => ((await isFolder(word)) ? filesIn(word) : [word])));
  return lists.flat();
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await walk(folder);
  if (found.length === 0) throw new MelodyError('io', `${folder}: no audio file in this folder or below it`);
  return found;
}

/** Links to folders are not followed, which may go round; names that begin with a dot are the system's ("._song.wav" of macOS). */
async function walk(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return [folder]; // reading it as a file says why, beside what is measured of the others
  const shown = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lists = await Promise.all(
    shown.map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return walk(path);
      return SOUND_NAME.test(entry.name) ? [path] : [];
    }),
  );
  return lists.flat();
}

/** Every file of the reference must be readable: a band of what happened to work would say something else than asked. */
async function reference(folder: string, values: Values, io: Io): Promise<Measured[]> {
  if (!(await isFolder(folder))) throw new MelodyError('invalid_argument', `--reference ${folder}: expected a folder`);
  const files = await filesIn(folder);
  if (files.length < MIN_BAND) {
    throw new MelodyError('invalid_argument', `--reference ${folder}: got ${files.length} clips, expected at least ${MIN_BAND}`);
  }
  const measured: Measured[] = [];
  for (const [i, file] of files.entries()) {
    if (io.terminal) io.err(`\rreference ${i + 1} of ${files.length}`);
    for await (const { audio } of partsOf(file, reading(values), io))
      measured.push({ file, report: measure(audio), warnings: audio.warnings });
  }
  if (io.terminal) io.err('\n');
  return measured;
}

async function picture(file: string, audio: AudioFile, values: Values): Promise<void> {
  const folder = textValue(values, 'pictures');
  if (folder === undefined) return;
  const target = join(
    folder,
    `${basename(file)
      .replace(/\.wav(?= |$)/i, '')
      .replaceAll(':', '.')}.png`,
  );
  const png = await clipPicture(audio.channels, audio.sampleRate);
  try {
    await writeFile(target, png, { flag: values.force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(target, cause);
    throw new MelodyError('io', `${target} exists`, 'add --force to overwrite it', { cause });
  }
}

/** All values of an option that may be repeated. */
function numbers(values: Values, name: string, limits: Parameters<typeof numberValue>[2]): number[] {
  const given = values[name];
  if (!Array.isArray(given)) return [];
  return given.map((text: string) => numberValue({ [name]: text }, name, limits) as number);
}
