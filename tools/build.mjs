// @ts-check
// Builds dist/: the library for Node and for browsers, the command, and with --types the type declarations.
//
//   node tools/build.mjs [--if-stale] [--types]
//
// --if-stale  do nothing when no source is newer than the last build
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { generate } from './kernels.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');

const unknown = process.argv.slice(2).filter((word) => !['--if-stale', '--types'].includes(word));
if (unknown.length > 0) {
  process.stderr.write(`build: unknown option ${unknown[0]}; known are --if-stale and --types\n`);
  process.exit(2);
}
if (!process.argv.includes('--if-stale') || isStale()) await buildAll();
if (process.argv.includes('--types')) emitTypes();

function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const inputs = ['src', 'kernels', 'tools/build.mjs', 'tools/kernels.mjs', 'package.json'];
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
  rmSync(dist, { recursive: true, force: true });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  /** @type {import('esbuild').BuildOptions} */
  const common = {
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    logLevel: 'warning',
    sourcemap: 'linked',
    define: { MELODY_VERSION: JSON.stringify(version) },
  };
  /** @type {import('esbuild').BuildOptions} */
  const node = { ...common, platform: 'node', target: 'node20', external: ['webgpu'] };
  await Promise.all([
    build({ ...node, entryPoints: { index: 'src/index.ts' }, outdir: 'dist' }),
    build({ ...node, entryPoints: { cli: 'src/cli/bin.ts' }, outdir: 'dist', splitting: true, chunkNames: 'cli/[name]-[hash]' }),
    build({ ...common, platform: 'browser', entryPoints: { 'index.web': 'src/index.ts' }, outdir: 'dist' }),
  ]);
  chmodSync(join(dist, 'cli.js'), 0o755);
  writeFileSync(stamp, '');
}

function emitTypes() {
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  if (tsc.status !== 0) process.exit(1);
}
