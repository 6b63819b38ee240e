// @ts-check
// What pages load: the player, the worker that it starts, the AudioWorklet that it plays through, and the library for bundlers. Rolldown
// makes it rather than esbuild because its code is smaller, and because it keeps the marks of pure calls in it, by which a page's own
// bundler knows which kernels it may leave out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The CPU executor has a file of its own, loaded where no GPU computes. It has copies of the few small things that both use. */
const CPU = './melody-cpu.js';

/** What is fetched when it is needed: to make, measure and save a finished clip, and to hear given sound. */
const CLIP = 'melody-clip';
const GIVEN = 'melody-given';
const CLIP_SOURCES = /\/(pipeline\/compose|audio\/(measure|wav\w*))\.ts$/;
/** Both of them use it, so it comes with the engine. */
const BOTH = /\/audio\/mel\.ts$/;
const GIVEN_SOURCE = /\/pipeline\/stages\/given\.ts$/;

/**
 * `modules`: bytes of each source in it, before minification; `imports`: paths of the files that are fetched with it, `later`: of those that
 * may follow.
 * @typedef {{ path: string, text: string, contents: Uint8Array, modules: [path: string, bytes: number][], imports: string[], later: string[] }} OutputFile
 */

/**
 * One build. With `split`, what every entry needs from the start is one file, the engine, and what it imports later is one file each.
 * @param {Record<string, string>} input sources by the path of what is made of them, without its ending
 * @param {{ outdir?: string, split?: string, version?: string, sourcemap?: boolean }} [options] `outdir`: left out, nothing is written;
 * `split`: the folder in it for the files of the engine
 * @returns {Promise<OutputFile[]>}
 */
export async function bundleForPages(input, { outdir, split, version, sourcemap = false } = {}) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'browser',
    tsconfig: false,
    transform: { target: 'es2022', ...(version && { define: { MELODY_VERSION: JSON.stringify(version) } }) },
    plugins: [
      {
        name: 'cpu apart',
        resolveId: (id, from) => (from && /\/cpu\/runner\.ts$/.test(id) ? { id: CPU, external: 'relative' } : undefined),
      },
    ],
    // In an unsplit bundle nothing comes later.
    checks: { pluginTimings: false, ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.generate({
    format: 'es',
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
    comments: { annotation: true, legal: false, jsdoc: false },
    sourcemap: sourcemap && 'hidden',
    entryFileNames: '[name].js',
    ...(split && { codeSplitting: { groups: groupsOf(Object.values(input)) } }),
    chunkFileNames: ({ name }) => `${split ? `${split}/` : ''}${name.replace('rolldown', 'melody')}.js`,
  });
  await bundle.close();
  const files = output.flatMap((part) => {
    if (part.type !== 'chunk') return [];
    const map = part.map && { ...part.map, sourcesContent: undefined };
    const text = map ? `${part.code.trimEnd()}\n//# sourceMappingURL=${part.fileName.replace(/.*\//, '')}.map\n` : part.code;
    const made = [{ path: part.fileName, text }, ...(map ? [{ path: `${part.fileName}.map`, text: JSON.stringify(map) }] : [])];
    const modules = Object.entries(part.modules).map(
      ([path, { renderedLength }]) => /** @type {[string, number]} */ ([path, renderedLength]),
    );
    const { imports, dynamicImports: later } = part;
    return made.map((file) => ({ ...file, contents: new TextEncoder().encode(file.text), modules, imports, later }));
  });
  if (outdir) write(files, outdir);
  return files;
}

/**
 * The engine is what all entries import at once, not later. Left to itself, Rolldown makes a file of every few modules that two of its files
 * share.
 * @param {string[]} entries sources
 * @returns {import('rolldown').CodeSplittingGroup[]}
 */
function groupsOf(entries) {
  /** @type {Set<string>[] | undefined} */
  let reached;
  /** @type {import('rolldown').CodeSplittingNameFunction} */
  const engine = (id, context) => {
    const walk = (/** @type {string} */ module, /** @type {Set<string>} */ seen) => {
      if (seen.has(module)) return seen;
      seen.add(module);
      for (const next of context.getModuleInfo(module)?.importedIds ?? []) walk(next, seen);
      return seen;
    };
    reached ??= entries.map((entry) => walk(join(root, entry), new Set()));
    return BOTH.test(id) || reached.every((modules) => modules.has(id)) ? 'melody-engine' : null;
  };
  return [
    { name: engine, priority: 2 },
    { name: CLIP, test: CLIP_SOURCES, priority: 1 },
    { name: GIVEN, test: GIVEN_SOURCE },
  ];
}

/** @param {OutputFile[]} files @param {string} folder */
function write(files, folder) {
  for (const { path, contents } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
}

const PLAYER = { 'melody-player': 'src/web/index.ts', 'melody-worklet': 'src/web/worklet.ts', 'melody-cpu': 'src/cpu/runner.ts' };
/** Published systems: beside the engine, so that a page with a MeLoDy model does not grow. */
const SYSTEMS = { 'melody-systems': 'src/systems/index.ts' };
const WORKER = { 'melody-worker': 'src/web/worker.ts' };

/** @param {Record<string, string>} input @param {string} folder */
const within = (input, folder) => Object.fromEntries(Object.entries(input).map(([name, source]) => [`${folder}/${name}`, source]));

/**
 * The folder that a page with one script tag needs: `web` of the package.
 * @param {string} [outdir] left out: nothing is written
 */
export async function buildWeb(outdir) {
  const folder = 'web/';
  const within = (/** @type {string} */ path) => path.slice(folder.length);
  const files = (await buildPackageWeb(undefined))
    .filter(({ path }) => path.startsWith(folder) && !path.startsWith('web/melody-systems'))
    .map((file) => ({ ...file, path: within(file.path), imports: file.imports.filter((path) => path.startsWith(folder)).map(within) }));
  if (outdir) write(files, outdir);
  return files;
}

/**
 * The package's files for pages: the folder `web`, and `index.web.js`, which shares the engine with the worker.
 * @param {string | undefined} outdir left out: nothing is written
 * @param {{ version?: string, sourcemap?: boolean }} [options]
 */
export async function buildPackageWeb(outdir, options = {}) {
  const all = { outdir, ...options };
  const alone = Object.entries(within({ ...PLAYER, ...SYSTEMS }, 'web')).map((entry) => bundleForPages(Object.fromEntries([entry]), all));
  const input = { 'index.web': 'src/index.ts', ...within(WORKER, 'web') };
  return (await Promise.all([...alone, bundleForPages(input, { ...all, split: 'web' })])).flat();
}
