// @ts-check
// `npm pack` runs this first: it builds what the package holds, on a fresh clone too, and packs the models that are packages of their own
// into the same folder. So `npm pack` leaves melody-<version>.tgz (the code and a toy model) and melody-small-<version>.tgz (its weights),
// and `npm install melody-*.tgz` takes both. Prints to stderr alone: npm's stdout may be JSON.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = (/** @type {string} */ script, /** @type {string[]} */ ...words) =>
  execFileSync(process.execPath, [join(root, script), ...words], { cwd: root, stdio: ['ignore', 2, 2] });

run('tools/setup.mjs', '--packages');
run('tools/build.mjs', '--types');
// `npm publish` and `--dry-run` leave no files behind.
if (process.env.npm_command === 'pack' && process.env.npm_config_dry_run !== 'true') packModels();

function packModels() {
  const to = resolve(process.env.INIT_CWD ?? root, process.env.npm_config_pack_destination || '.');
  const weights = join(root, 'weights');
  for (const name of readdirSync(weights).filter((name) => existsSync(join(weights, name, 'package.json')))) {
    const words = ['pack', join(weights, name), '--pack-destination', to, '--ignore-scripts', '--loglevel', 'error'];
    const npm = process.env.npm_execpath;
    execFileSync(npm ? process.execPath : 'npm', npm ? [npm, ...words] : words, { cwd: root, stdio: ['ignore', 2, 2] });
  }
}
