// @ts-check
// Builds the page as a static folder that works from any path: page, worker, worklet, and the weights with their cards.
// Prints what a visitor downloads before the weights, and fails over the budget.
//
//   node tools/build_demo.mjs [--out folder] [--serve] [--port 8017]
//
// --serve   serve it on this machine afterwards
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { generate } from './kernels.mjs';
import { serveFolder } from './serve.mjs';
import { buildWeb } from './web.mjs';

/** Bytes gzipped that a visitor reads before the engine and the weights; the engine's are kept by tools/size_budget.mjs. */
const BUDGET = 60_000;
const ENGINE = /^melody-(engine|compose|clip|given|kind|cpu|runtime)\.js$/;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Copied as they stand. */
const PAGE = ['index.html', 'style.css', 'icon.svg', 'icon-192.png', 'icon-512.png', 'manifest.webmanifest', 'first.js'];
/** Kept by the service worker once they were asked for. */
const PIECES = 'pieces';
/** Encoders of FLAC, MP3 and Opus, which come with the first such file that is saved: no part of the budget. */
const ENCODERS = /^(save_worker|page-worker_threads-\w+)\.js$/;
/** What they are made of, and whose it is. */
const ENCODER_NOTICE = `
Saving FLAC, MP3 and Opus (save_worker.js) is done by npm mediabunny, @mediabunny/flac-encoder and @mediabunny/mp3-encoder, under the
Mozilla Public License 2.0 (https://mozilla.org/MPL/2.0/); their source is https://github.com/Vanilagy/mediabunny. They hold libFLAC (BSD,
https://xiph.org/flac/) and LAME (LGPL 2, https://lame.sourceforge.io/) in WebAssembly.
`;
/** For embed.html alone: app.js holds the player. */
const EMBED = 'melody-player.js';
/** In the order in which they are offered. */
const MODELS = ['melody-small', 'melody-tiny'];

/** @param {string} out a folder; what lies there goes @returns {Promise<number>} bytes gzipped, without engine and weights */
export async function buildDemo(out) {
  generate();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const file of [...PAGE, 'embed.html']) cpSync(join(root, 'demo', file), join(out, file));
  writeFileSync(join(out, 'LICENSE.txt'), `${readFileSync(join(root, 'LICENSE'), 'utf8')}${ENCODER_NOTICE}`);
  cpSync(join(root, 'demo', PIECES), join(out, PIECES), { recursive: true });
  /** @type {import('esbuild').BuildOptions} */
  const options = {
    absWorkingDir: root,
    outdir: out,
    bundle: true,
    minify: true,
    target: 'es2022',
    platform: 'browser',
    logLevel: 'warning',
  };
  const built = (await buildWeb(out)).map(({ path }) => path);
  const scripts = await bundlePage(out);
  // Each worker is a file of its own: what it shared with the page would be one more file that the page waits for.
  for (const name of ['picture_worker', 'save_worker']) {
    const entryPoints = { [name]: `demo/${name}.ts` };
    const { metafile } = await build({
      ...options,
      format: 'esm',
      splitting: true,
      chunkNames: 'page-[name]-[hash]',
      metafile: true,
      entryPoints,
    });
    scripts.push(...Object.keys(metafile.outputs).map((path) => basename(path)));
  }
  scripts.push(...built.filter((path) => path !== EMBED));
  const files = ['./', ...PAGE, ...scripts.filter((file) => !ENCODERS.test(file)), 'models.json', 'LICENSE.txt'];
  const later = [...readdirSync(join(out, PIECES)).map((file) => `${PIECES}/${file}`), ...scripts.filter((file) => ENCODERS.test(file))];
  await build({
    ...options,
    format: 'iife',
    entryPoints: { sw: 'demo/sw.ts' },
    define: { PAGE_FILES: JSON.stringify(files), LATER_FILES: JSON.stringify(later) },
  });
  writeFileSync(join(out, 'models.json'), JSON.stringify(MODELS.flatMap((name) => copyModel(name, out))));
  let bytes = 0;
  for (const file of [...PAGE, ...scripts, 'sw.js', 'models.json']) {
    const zipped = report(join(out, file), file);
    if (!ENGINE.test(file) && !ENCODERS.test(file) && !file.endsWith('.png')) bytes += zipped;
  }
  return bytes;
}

/**
 * The page's own scripts: what it begins with, one file that its HTML asks for at once, and what follows later. Rolldown makes them, as the
 * package's (tools/web.mjs): left to itself, any bundler makes six files of what comes first, for those that come later share it.
 * @param {string} out @returns {Promise<string[]>} their names
 */
async function bundlePage(out) {
  const entry = join(root, 'demo/app.ts');
  const bundle = await rolldown({
    cwd: root,
    input: { app: entry },
    platform: 'browser',
    tsconfig: false,
    transform: { target: 'es2022' },
    preserveEntrySignatures: 'allow-extension',
    checks: { pluginTimings: false },
  });
  /** @type {Set<string> | undefined} */
  let first;
  /** @type {import('rolldown').CodeSplittingNameFunction} */
  const name = (id, context) => {
    const walk = (/** @type {string} */ module, /** @type {Set<string>} */ seen) => {
      if (seen.has(module)) return seen;
      seen.add(module);
      for (const next of context.getModuleInfo(module)?.importedIds ?? []) walk(next, seen);
      return seen;
    };
    first ??= walk(entry, new Set());
    return first.has(id) ? 'first' : null;
  };
  const { output } = await bundle.write({
    dir: out,
    format: 'es',
    minify: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'page-[name]-[hash].js',
    codeSplitting: { groups: [{ name, includeDependenciesRecursively: false }] },
  });
  await bundle.close();
  const html = readFileSync(join(out, 'index.html'), 'utf8');
  const parts = output.flatMap((part) => (part.type === 'chunk' && part.isEntry ? part.imports : []));
  const links = parts.map((path) => `<link rel="modulepreload" href="${path}">\n    `).join('');
  writeFileSync(join(out, 'index.html'), html.replace('<link rel="preload"', `${links}$&`));
  return output.map(({ fileName }) => fileName);
}

/** The weights as they are, their card as a text that every browser shows. @param {string} name @param {string} out */
function copyModel(name, out) {
  const from = join(root, 'weights', name);
  if (!existsSync(join(from, 'manifest.json'))) return [];
  const { files } = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
  for (const file of ['manifest.json', ...Object.keys(files)]) cpSync(join(from, file), join(out, 'weights', name, file));
  const card = existsSync(join(from, 'README.md')) ? readFileSync(join(from, 'README.md'), 'utf8') : '';
  writeFileSync(join(out, 'weights', name, 'card.txt'), card || `${name}: a model for tests, without a card\n`);
  const license = /^license: *(\S+)/m.exec(card)?.[1].toUpperCase() ?? 'MIT';
  const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  const test = /^tags: *\[.*\btest\b/m.test(card);
  const { sample_rate: sampleRate, channels = 1 } = JSON.parse(readFileSync(join(from, 'config.json'), 'utf8'));
  return [{ name, src: `weights/${name}/`, license, card: `weights/${name}/card.txt`, bytes, test, sampleRate, channels }];
}

/** @param {string} path @param {string} name */
function report(path, name) {
  const bytes = readFileSync(path);
  const zipped = gzipSync(bytes, { level: 9 }).length;
  console.log(`${String(bytes.length).padStart(8)} ${String(zipped).padStart(7)} gzipped  ${name}`);
  return zipped;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, serve: { type: 'boolean' }, port: { type: 'string', default: '8017' } },
  });
  const out = resolve(values.out ?? join(root, 'out/demo'));
  const zipped = await buildDemo(out);
  const models = existsSync(join(out, 'weights')) ? readdirSync(join(out, 'weights')).join(', ') : 'none';
  console.log(`${zipped} bytes gzipped without engine and weights, budget ${BUDGET}; weights: ${models}; in ${values.out ?? 'out/demo'}`);
  if (zipped > BUDGET) process.exitCode = 1;
  else if (values.serve) {
    const { origin } = await serveFolder(out, { port: Number(values.port), isolated: true });
    console.log(`${origin}/  (Ctrl+C ends it)`);
  }
}
