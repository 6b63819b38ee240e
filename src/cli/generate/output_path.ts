// Where a made file goes: names that every file system takes, nothing overwritten by accident, nothing half-written.
import { createHash, randomBytes } from 'node:crypto';
import { link, lstat, mkdir, readdir, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { MelodyError } from '../../errors.ts';
import { processLives } from '../../platform/node_cache.ts';
import { fileError } from '../../platform/node_files.ts';
import { ENDINGS } from './formats.ts';

/** Windows keeps these names for devices, with any ending. */
const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;
const MAX_NAME_BYTES = 255;
const MAX_SLUG_BYTES = 80;

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const refuse = (what: string, hint?: string) => new MelodyError('invalid_argument', `--out: ${what}`, hint);

/** A file name from a prompt: its letters and digits, joined by dashes, then the seed. Safe on every file system whatever the prompt is. */
export function nameOf(prompt: string | undefined, seed: number, ending = '.wav'): string {
  const words =
    (prompt ?? '')
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu) ?? [];
  let slug = '';
  for (const letter of words.join('-')) {
    if (bytesOf(slug + letter) > MAX_SLUG_BYTES) break;
    slug += letter;
  }
  return `${slug.replace(/-$/, '') || 'melody'}-${seed}${ending}`;
}

export interface TargetOptions {
  /** What --out says. */
  readonly out?: string | undefined;
  /** What --out-dir says: made if missing, and no file may lie outside it. */
  readonly outDir?: string | undefined;
  readonly force: boolean;
  readonly prompt?: string | undefined;
  /** One for each file to be written. */
  readonly seeds: readonly number[];
  /** A .png beside each of them. */
  readonly picture: boolean;
  /** How their names may end; the first is given to names without an ending. Default [".wav"]. */
  readonly endings?: readonly string[] | undefined;
}

/** Paths of the files to be written, one a seed. Everything that can be refused is refused here, before any work. Throws `invalid_argument`, `io`. */
export async function chooseTargets(options: TargetOptions): Promise<string[]> {
  const folder = resolve(options.outDir ?? '.');
  if (options.outDir !== undefined) await makeFolder(options.outDir);
  const { out, seeds, prompt, endings = ['.wav'] } = options;
  const paths: string[] = [];
  if (out === undefined) {
    for (const seed of seeds) paths.push(await freeName(join(folder, nameOf(prompt, seed, endings[0])), options.picture));
  } else {
    const named = resolve(folder, withEnding(out, endings));
    const plain = await lstat(resolve(folder, out)).catch(() => undefined);
    if (plain?.isDirectory()) throw folderNamed(out); // also where the file would get an ending
    if (plain && !plain.isFile() && !plain.isSymbolicLink())
      throw new MelodyError(
        'io',
        `--out: ${out} is a device or pipe, expected the name of a file`,
        'to write to standard output use --stream',
      );
    for (const i of seeds.keys()) paths.push(seeds.length === 1 ? named : named.replace(ENDING, `-${i + 1}$&`));
  }
  for (const path of paths) {
    checkName(basename(path));
    await checkFolder(dirname(path), options.outDir === undefined ? undefined : folder);
    for (const file of options.picture ? [path, pictureOf(path)] : [path]) await checkFree(file, options.force);
  }
  for (const folder of new Set(paths.map((path) => dirname(path)))) await checkWritable(folder);
  return paths;
}

/** Only writing a file shows it: rights, full disks and odd file systems fail in many ways. */
async function checkWritable(folder: string): Promise<void> {
  const trial = passingName(folder);
  try {
    await writeFile(trial, '', { flag: 'wx' });
    await rm(trial);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new MelodyError('io', `${folder}: no file can be written there (${code})`, 'choose another folder with --out or --out-dir', {
      cause,
    });
  }
}

/** This machine, in names of files. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** A name for a file that is not whole yet; it says which process of which machine writes it. */
const passingName = (folder: string) => join(folder, `.melody-${HOST}-${process.pid}-${randomBytes(6).toString('hex')}.partial`);
const PASSING = /^\.melody-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.partial$/;
/** What another machine writes is given up after this time without a byte. */
const PASSING_MS = 60 * 60_000;

/** Makes the folder (default this one) ready for many files: it is there, may be written, and holds nothing half-written of dead processes. Throws `io`. */
export async function prepareFolder(outDir: string | undefined): Promise<void> {
  if (outDir !== undefined) await makeFolder(outDir);
  const folder = resolve(outDir ?? '.');
  await checkFolder(folder, undefined);
  await checkWritable(folder);
  for (const name of await readdir(folder)) {
    const [, host, pid] = PASSING.exec(name) ?? [];
    if (host === undefined) continue;
    const file = join(folder, name);
    const known = await stat(file).catch(() => undefined);
    const dead = host === HOST ? !processLives(Number(pid)) : known !== undefined && Date.now() - known.mtimeMs > PASSING_MS;
    if (dead) await rm(file, { force: true });
  }
}

async function makeFolder(name: string): Promise<void> {
  if (name.trim() === '') throw new MelodyError('invalid_argument', '--out-dir: got "", expected the name of a folder', 'this folder is .');
  const folder = resolve(name);
  try {
    // One level after another: Node 20's own recursion never comes back where the kernel refuses folders (/proc).
    const missing: string[] = [];
    for (let level = folder; !(await isThere(level)); level = dirname(level)) missing.unshift(level);
    for (const level of missing)
      await mkdir(level).catch((cause) => {
        if (cause.code !== 'EEXIST') throw cause; // somebody else was faster
      });
    if (!(await lstat(await realpath(folder))).isDirectory())
      throw new MelodyError('io', `${folder}: is not a folder`, 'choose another --out-dir');
  } catch (cause) {
    if (cause instanceof MelodyError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new MelodyError('io', `${folder}: is not a folder`, 'choose another --out-dir', { cause });
    throw fileError(folder, cause);
  }
}

/** The ending of a file's name. */
const ENDING = /\.[^./\\]*$/;

/** The picture that belongs to an audio file. */
export const pictureOf = (path: string): string => path.replace(ENDING, '.png');

/** Write a whole file under a passing name in the same folder, then give it its own: a reader never sees half a file. Throws `io`. */
export async function writeWhole(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  const passing = passingName(dirname(path));
  try {
    await writeFile(passing, bytes, { flag: 'wx' });
    await checkFree(path, force); // it may have come meanwhile
    if (force) await rename(passing, path);
    else await linkOrRename(passing, path);
  } catch (cause) {
    await rm(passing, { force: true });
    throw (cause as NodeJS.ErrnoException).code === 'EEXIST' ? exists(path) : fileError(path, cause);
  }
}

/** A hard link fails where the name is taken, which a rename would replace; file systems without links get the rename. */
async function linkOrRename(passing: string, path: string): Promise<void> {
  try {
    await link(passing, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw cause;
    return rename(passing, path);
  }
  await unlink(passing);
}

/** A file name with one of these endings, without a folder. Throws `invalid_argument`. */
export function plainName(out: string, endings: readonly string[]): string {
  const name = withEnding(out, endings);
  if (name !== basename(name) || name.includes('\\'))
    throw refuse(`got ${JSON.stringify(out)}, expected a name without a folder`, 'the folder is --out-dir');
  checkName(name);
  return name;
}

function withEnding(out: string, endings: readonly string[]): string {
  if (out.trim() === '' || /[/\\]$/.test(out) || /^\.{1,2}$/.test(basename(out)))
    throw refuse(`got ${JSON.stringify(out)}, expected the name of a file`, 'for a folder use --out-dir');
  if (out === '-') throw refuse('got "-"', 'to write to standard output use --stream');
  const ending = extname(out).toLowerCase();
  if (endings.includes(ending)) return out;
  if (/^\.[a-z][a-z0-9]{1,4}$/.test(ending))
    throw refuse(
      `got the ending "${ending}", expected ${ENDINGS.map((one) => `"${one}"`).join(', ')}`,
      'convert it afterwards, for example: ffmpeg -i song.wav song.aiff',
    );
  return `${out}${endings[0]}`;
}

function checkName(name: string): void {
  const stem = name.replace(ENDING, '');
  if (/[\u0000-\u001f\u007f]/.test(name)) throw refuse('the name holds a control character');
  if (bytesOf(name) > MAX_NAME_BYTES) throw refuse(`the name has ${bytesOf(name)} bytes; expected at most ${MAX_NAME_BYTES}`);
  if (RESERVED.test(name)) throw refuse(`"${name}" is a device on Windows`, 'choose another name');
  if (/[. ]$/.test(stem)) throw refuse(`"${name}" has a dot or space before its ending, which Windows drops`, 'choose another name');
}

/** The folder must be there and, resolved through all links, inside `within`. */
async function checkFolder(folder: string, within: string | undefined): Promise<void> {
  const real = await realpath(folder).catch((cause) => {
    throw cause.code === 'ENOENT'
      ? new MelodyError('io', `${folder}: no such folder`, 'create it first, or use --out-dir')
      : fileError(folder, cause);
  });
  if (within === undefined) return;
  const way = relative(await realpath(within), real);
  if (isAbsolute(way) || way === '..' || way.startsWith(`..${sep}`)) throw refuse(`the file would lie outside --out-dir ${within}`);
}

async function checkFree(path: string, force: boolean): Promise<void> {
  const there = await lstat(path).catch((cause) => {
    if (cause.code === 'ENOENT') return undefined;
    throw fileError(path, cause);
  });
  if (!there) return;
  if (there.isDirectory()) throw folderNamed(path);
  if (there.isSymbolicLink()) throw new MelodyError('io', `${path}: is a symbolic link`, 'name the file itself');
  if (!there.isFile()) throw new MelodyError('io', `${path}: is no regular file`, 'to write to a pipe use --stream');
  if (!force) throw exists(path);
}

const folderNamed = (path: string) => new MelodyError('io', `${path}: is a folder`, 'name a file in it, or use --out-dir');
const exists = (path: string) => new MelodyError('io', `${path}: exists`, 'add --force to overwrite it, or choose another --out');

/** The path, or with -2, -3, … before its ending the first that is not taken: names made here never stand in the way of each other. */
async function freeName(path: string, picture: boolean): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : path.replace(ENDING, `-${n}$&`);
    if (!(await isThere(name)) && !(picture && (await isThere(pictureOf(name))))) return name;
  }
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );
