// What a user means by a model: a folder, an address, or one that comes with the package.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MelodyError } from '../errors.ts';
import { packageRoot } from './package_root.ts';

export const DEFAULT_MODEL = 'melody-small';

/** An address or folder as it stands, or the name of a model that comes with the package. Never another model than asked for. Throws `io`. */
export function locateModel(name: string): string {
  if (/^https?:/i.test(name) || existsSync(join(name, 'config.json'))) return name;
  const own = fileURLToPath(new URL('weights/', packageRoot()));
  const packaged = join(own, name);
  if (!/[/\\]/.test(name) && existsSync(join(packaged, 'config.json'))) return packaged;
  const hint =
    name === DEFAULT_MODEL
      ? 'fetch the weights (git pull), or try the toy model: --model melody-tiny'
      : 'give a folder with config.json and weights, an https address, or a name such as melody-small';
  throw new MelodyError('io', `no model "${name}": neither a model folder nor in ${own}`, hint);
}
