// --jobs: a file of one JSON object a line, each a clip; and --shard, which of them this process makes.
import { openCodecs } from '../../audio/sound_file.ts';
import { MelodyError } from '../../errors.ts';
import { checkOptions, isObject } from '../../pipeline/checks.ts';
import type { GenerateOptions } from '../../pipeline/options.ts';
import { checkSubject, recipeOptions } from '../../pipeline/recipe.ts';
import { type Io, textValue, type Values } from '../command.ts';
import { openInput } from '../input.ts';
import { openingOptions } from '../opening.ts';
import { type Format, formatOf } from './formats.ts';
import { nameOf, plainName } from './output_path.ts';
import { audioFlags, readSettings } from './setting_options.ts';

export interface ListedJob {
  /** Of the file, from 1. */
  readonly line: number;
  readonly options: GenerateOptions & { readonly seed: number };
  /** Name of the file to be made, without a folder. */
  readonly name: string;
}

export interface JobList {
  /** Those of this process's share. */
  readonly jobs: readonly ListedJob[];
  /** Of all shares. */
  readonly total: number;
  readonly format: Format;
}

const MAX_BYTES = 2 ** 26;
const MAX_SHOWN = 20;
const bad = (what: string, hint?: string) => new MelodyError('invalid_argument', what, hint);

/**
 * Reads and checks every line, also those of other shares, so that a wrong one is found wherever it stands. A line has the fields of a recipe
 * (`prompt`, `durationSeconds`, `seed`, …) and `out`, a file name; options of the command hold where a line says nothing. Without a seed a line
 * has that of --seed (default 0) plus its place, counted from 0. Throws `invalid_argument` with the numbers of the wrong lines, and `io`.
 */
export async function readJobs(words: readonly string[], values: Values, io: Io): Promise<JobList> {
  const path = textValue(values, 'jobs') as string;
  if (words.length > 0) throw bad('--jobs: got words beside it', 'each line of the file has a prompt of its own');
  const clash = ['recipe', 'stream', 'variations', 'out', 'init', 'inpaint', ...audioFlags.map(([flag]) => flag)].find(
    (name) => values[name] !== undefined,
  );
  if (clash) throw bad(`--jobs cannot be combined with --${clash}`, 'each line says what it makes');
  const share = readShard(textValue(values, 'shard'));
  const format = formatOf(textValue(values, 'format') ?? 'wav', false);
  if (format.file !== 'wav') await openCodecs(); // throws before any work where it is missing
  const { seed: firstSeed = 0, ...common } = readSettings(values);

  const source = await openInput(path, openingOptions({}, io));
  if (source.size > MAX_BYTES) throw new MelodyError('io', `${path}: got ${source.size} bytes, expected at most ${MAX_BYTES}`, 'split it');
  const text = new TextDecoder().decode(await source.read(0, source.size, io.signal)); // without its byte-order mark
  const wrong: string[] = [];
  const jobs: ListedJob[] = [];
  const lineOf = new Map<string, number>();
  for (const [i, content] of text.split('\n').entries()) {
    if (content.trim() === '') continue;
    const line = i + 1;
    try {
      const job = readLine(content, line, { common, seed: firstSeed + jobs.length, format });
      const before = lineOf.get(job.name.toLowerCase()); // some file systems know no capitals
      if (before !== undefined) throw bad(`makes ${job.name}, as line ${before} does`, 'give it another seed or an "out" of its own');
      lineOf.set(job.name.toLowerCase(), line);
      jobs.push(job);
    } catch (error) {
      if (!(error instanceof MelodyError)) throw error;
      wrong.push(`line ${line}: ${error.code === 'invalid_argument' ? error.message.replace(/^--out: /, 'out: ') : error.message}`);
    }
  }
  if (wrong.length > 0) {
    const shown = wrong.slice(0, MAX_SHOWN).join('\n  ');
    const more = wrong.length > MAX_SHOWN ? `\n  and ${wrong.length - MAX_SHOWN} more` : '';
    throw bad(`${path}: ${wrong.length} wrong ${wrong.length === 1 ? 'line' : 'lines'}\n  ${shown}${more}`);
  }
  if (jobs.length === 0)
    throw bad(`${path}: got no line, expected one JSON object a line`, 'for example {"prompt": "calm piano", "seed": 7}');
  return { jobs: jobs.filter((_, place) => place % share.of === share.index), total: jobs.length, format };
}

/** "3/8": the third of eight shares. Throws `invalid_argument`. */
function readShard(text: string | undefined): { index: number; of: number } {
  if (text === undefined) return { index: 0, of: 1 };
  const [, i, n] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const [index, of] = [Number(i) - 1, Number(n)];
  if (!(index >= 0 && index < of))
    throw bad(`--shard: got "${text}", expected i/n with i from 1 to n`, 'for example --shard 1/4, … --shard 4/4');
  return { index, of };
}

function readLine(
  content: string,
  line: number,
  { common, seed, format }: { common: GenerateOptions; seed: number; format: Format },
): ListedJob {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw bad('not JSON');
  }
  if (!isObject(value)) throw bad('got no JSON object');
  const { out, ...fields } = value;
  if (out !== undefined && typeof out !== 'string') throw bad('out must be the name of a file');
  const asked = Object.hasOwn(fields, 'version') ? recipeOptions(fields) : (fields as GenerateOptions);
  const options = { ...common, ...asked, seed: asked.seed ?? seed };
  const audio = audioFlags.map(([, name]) => name).find((name) => Object.hasOwn(options, name));
  if (audio) throw bad(`${audio} takes audio, which a line cannot hold`);
  for (const name of ['signal', 'onEvent', 'draft']) if (Object.hasOwn(options, name)) throw bad(`${name} is for programs`);
  checkOptions(options, 'generate'); // a name that is mistyped comes before what is missing
  checkSubject(options);
  return {
    line,
    options,
    name: out === undefined ? nameOf(options.prompt, options.seed, format.endings[0]) : plainName(out, format.endings),
  };
}
