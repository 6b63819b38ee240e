// melody generate --jobs: this process's share of a list, clip by clip. Files that exist already are left as they are; a clip that fails is reported, and the others are made.
import { existsSync } from 'node:fs';
import { join, resolve as resolvePath } from 'node:path';
import { MelodyError } from '../../errors.ts';
import { resolve, tunedAsGiven } from '../../pipeline/recipe.ts';
import { printableText } from '../../weights/printable.ts';
import { type Io, textValue, type Values } from '../command.ts';
import { DEFAULT_MODEL, locateModel } from '../locate_model.ts';
import { type ListedJob, readJobs } from './job_list.ts';
import { kindOf } from './kind_of.ts';
import { type Made, makeOne, say } from './make_one.ts';
import { fileRecipe, type Opened, open } from './open_model.ts';
import { prepareFolder } from './output_path.ts';
import { readFileRecipe } from './recipe_file.ts';
import type { GenerateRequest } from './request.ts';

const EXIT_SUSPECT = 3;
/** After these nothing else can be made either. */
const FATAL = new Set(['aborted', 'no_adapter', 'device_lost', 'wrong_results', 'weights']);

/** Throws `invalid_argument`, `io` before any work, and what ends it all; clips that cannot be made alone are lines on standard error and exit code 1. */
export async function runJobs(words: readonly string[], values: Values, io: Io): Promise<number> {
  const { jobs, total, format } = await readJobs(words, values, io);
  const folder = resolvePath(textValue(values, 'out-dir') ?? '.');
  await prepareFolder(textValue(values, 'out-dir'));
  const model = locateModel(textValue(values, 'model') ?? DEFAULT_MODEL);
  const requestOf = ({ options }: ListedJob): GenerateRequest => ({ options, inputs: {}, format, model, variations: 1 });
  const [first] = jobs;
  if (!first) {
    io.err(`no line of ${total} is in this share\n`);
    return 0;
  }
  if ((await kindOf(requestOf(first).model, values, io)) !== 'melody')
    throw new MelodyError('invalid_argument', '--jobs: this model is not a MeLoDy model', 'make its clips one by one, without --jobs');
  const opened = await open(requestOf(first), values, io);
  const made: Made[] = [];
  const there: string[] = [];
  const failed: { line: number; message: string }[] = [];
  try {
    for (const [i, job] of jobs.entries()) {
      const file = join(folder, job.name);
      try {
        const force = values.force === true;
        if (existsSync(file) && (await isMade(file, requestOf(job), opened, io, force))) {
          there.push(file);
          continue;
        }
        const clip = await makeOne(opened, requestOf(job), file, values, { io, label: `${i + 1} of ${jobs.length}` });
        made.push(clip);
        if (!values.json) say(clip, values, io);
      } catch (error) {
        if (!(error instanceof MelodyError) || FATAL.has(error.code)) throw error;
        failed.push({ line: job.line, message: error.message });
        io.err(`line ${job.line}: ${printableText(error.message)}\n`);
      }
    }
  } finally {
    opened.melody.dispose();
  }
  if (values.json)
    io.out(`${JSON.stringify({ model: opened.melody.model.name, adapter: opened.adapter, clips: made, there, failed }, null, 2)}\n`);
  if (!values.quiet)
    io.err(`${made.length} made, ${there.length} there already, ${failed.length} failed; ${jobs.length} of ${total} lines\n`);
  if (failed.length > 0) return 1;
  return values.strict && made.some(({ suspect }) => suspect.length > 0) ? EXIT_SUSPECT : 0;
}

/**
 * Is the file what this job makes, to its recipe? Throws `io` where it is something else and may not be overwritten. What it was made on
 * does not count, unless it is exact: the music is the same, its last bits may differ.
 */
async function isMade(file: string, request: GenerateRequest, opened: Opened, io: Io, force: boolean): Promise<boolean> {
  const { model } = opened.melody;
  const recipe = await tunedAsGiven(resolve(request.options, model, 'generate'), request.options, model);
  const wanted = comparable(fileRecipe(opened, request, recipe));
  const found = await readFileRecipe(file, io).catch((error: unknown) => {
    if (error instanceof MelodyError && error.code === 'audio') return undefined; // not ours, or damaged
    throw error;
  });
  if (found && comparable(found) === wanted) return true;
  if (force) return false;
  throw new MelodyError(
    'io',
    `${file}: exists, and is not what this line makes`,
    'add --force to overwrite it, or choose another --out-dir',
  );
}

/** What decides the bytes, in one order of names. */
function comparable(of: object): string {
  const { decided, adapter, executor, build, ...recipe } = of as Record<string, unknown>;
  const plain = JSON.parse(JSON.stringify(recipe)) as Record<string, unknown>;
  return JSON.stringify(Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1)));
}
