// @ts-check
// Builds dist/: the library for Node and for browsers, the command, and with --types the type declarations.
//
//   node tools/build.mjs [--if-stale] [--types] [--out folder]
//
// --if-stale  do nothing when no source is newer than the last build
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateCpu } from './cpu_kernels.mjs';
import { generate } from './kernels.mjs';
import { emitTypes } from './types.mjs';
import { buildPackage } from './web.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { 'if-stale': { type: 'boolean' }, types: { type: 'boolean' }, out: { type: 'string' } } });
const dist = resolve(values.out ?? join(root, 'dist'));
const stamp = join(dist, '.built');

if (!values['if-stale'] || isStale()) await buildAll();
if (values.types) await emitTypes(dist);

function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const inputs = [
    'src',
    'kernels',
    'tools/build.mjs',
    'tools/kernels.mjs',
    'tools/cpu_kernels.mjs',
    'tools/web.mjs',
    'tools/types.mjs',
    'tools/settings_types.mjs',
    'package.json',
  ];
  return inputs.some((input) => newest(join(root, input)) > built);
}

/** Latest change of a file, or of anything in a folder (a folder's own date tells of removals). @param {string} path @returns {number} */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return path.endsWith('.gen.ts') ? 0 : stat.mtimeMs;
  // src itself changes whenever the generated file is written, which is no change of a source.
  return Math.max(path === join(root, 'src') ? 0 : stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

async function buildAll() {
  generate();
  generateCpu();
  if (existsSync(stamp)) rmSync(dist, { recursive: true }); // Only what we made ourselves.
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  await buildPackage(dist, { version, sourcemap: true });
  chmodSync(join(dist, 'cli.js'), 0o755);
  writeFileSync(stamp, '');
}
