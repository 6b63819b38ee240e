// @ts-check
// The API reference, out/api/index.html, from the docstrings of what the package exports. Fails on an export or a member without one, on
// a type that is used and not exported, and on a dead link.
//
//   node tools/docs.mjs
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies, missingDependencies } from './setup/dependencies.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const home = join(root, 'tools/api');

const missing = missingDependencies(home);
if (missing) {
  const command = 'npm ci --prefix tools/api';
  if (process.env.MELODY_NO_INSTALL) fail(`${missing} in tools/api; run ${command}`);
  console.error(`Installing TypeDoc into tools/api (${missing}).`);
  if (!installDependencies(home)) fail(`${command} failed: see above`);
}
run(join(root, 'tools/build.mjs'), '--if-stale', '--types');
run(join(home, 'node_modules/typedoc/bin/typedoc'), '--options', join(home, 'typedoc.json'));

/** @param {string[]} words */
function run(...words) {
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/** @param {string} why @returns {never} */
function fail(why) {
  console.error(`docs: ${why}`);
  process.exit(1);
}
