// Node: where a model lies that is asked for by its name alone.
import { existsSync, readFileSync, statSync } from 'node:fs';
import nodeModule from 'node:module'; // webpack replaces a createRequire that is imported by its name, and then finds nothing
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MelodyError } from '../errors.ts';

export const DEFAULT_MODEL = 'melody-small';

/** A model that is not found, and what to do about it. */
export const noModel = (name: string, hint?: string): MelodyError =>
  new MelodyError(
    'io',
    `no model "${name}": neither a model folder nor an installed package`,
    hint ??
      (name === DEFAULT_MODEL
        ? 'install its package beside melody (npm install melody-small), or try the toy model, melody-tiny'
        : `give a folder with config.json and weights, an https address, or the name of an installed model such as ${DEFAULT_MODEL}`),
  );

/** Is nothing there? What may not be seen counts as there: reading it says why not. */
export function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** A name as npm allows it: no path, no address, nothing that leaves a folder. */
const NAME = /^(@[\w-][\w.-]*\/)?\w[\w.-]*$/;

/** The nearest folder above this file with our package.json, as a file URL that ends in a slash. Throws `Error` where there is none. */
export function packageRoot(from: string = import.meta.url): URL {
  for (let folder = new URL('.', from); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'melody') return folder;
    if (folder.href === new URL('..', folder).href) throw new Error(`no package.json of melody above ${from}`);
  }
}

/**
 * The folder of a model by its name: one of melody's own `weights/`, or else an npm package of that name with a `config.json`, as melody
 * or the program's working folder finds it. Undefined where there is none, or the text is no plain name.
 */
export function findModel(name: string): string | undefined {
  if (!NAME.test(name)) return undefined;
  const own = ownModel(name);
  if (own) return own;
  const config = resolveInstalled(`${name}/config.json`);
  return config === undefined ? undefined : dirname(config);
}

function ownModel(name: string): string | undefined {
  try {
    const folder = fileURLToPath(new URL(`weights/${name}/`, packageRoot()));
    return existsSync(join(folder, 'config.json')) ? folder : undefined;
  } catch {
    return undefined; // Bundled into a program: there is no folder of ours.
  }
}

/** The path of an installed module, seen from this package and then from the working folder (where `npx` was called). */
export function resolveInstalled(specifier: string): string | undefined {
  for (const from of [() => import.meta.url, () => pathToFileURL(join(process.cwd(), 'program.js')).href]) {
    try {
      return nodeModule.createRequire(from()).resolve(specifier);
    } catch {
      // Not found from there, or there is no such place (a bundled module, a removed working folder).
    }
  }
  return undefined;
}
