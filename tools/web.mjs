// @ts-check
// Builds the JavaScript of the package: what pages load (the player, the worker that it starts, the AudioWorklet that it plays through, the
// library for bundlers), and the library and command for Node. All share one engine. Rolldown makes it rather than esbuild because its code
// is smaller, and because it keeps the marks of pure calls in it, by which a page's own bundler knows which kernels it may leave out.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { breakLines } from './lines.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The CPU executor has a file of its own, loaded where no GPU computes. It has copies of the few small things that both use. */
const CPU = './melody-cpu.js';
/** Published systems are an entry of their own, which `Melody.load` imports in Node where a folder holds one: its place from that of Node's platform. */
const SYSTEMS_FILE = '../web/melody-systems.js';

/**
 * What `#platform` is in the shared engine: the web's, unless a file of Node says otherwise before it does anything else. So a page's files
 * need no set-up that a bundler might drop.
 */
const PLATFORM = `import { platform as web } from ${JSON.stringify(join(root, 'src/platform/web.ts'))};
export let platform = web;
export const usePlatform = (other) => { platform = other; };`;
const USE_NODE = `import { platform } from ${JSON.stringify(join(root, 'src/platform/node.ts'))};
import { usePlatform } from '#platform';
import { useOthers } from '#others';
import { quicken } from ${JSON.stringify(join(root, 'src/audio/simd_module.ts'))};
import { SOUND } from ${JSON.stringify(join(root, 'src/audio/simd_module.gen.ts'))};
import { inflateSync } from 'node:zlib';
import { bringAside } from ${JSON.stringify(join(root, 'src/platform/node_aside.ts'))};
usePlatform(platform);
const sound = new Uint8Array(inflateSync(Buffer.from(SOUND, 'base64')));
quicken(sound);
bringAside(sound);
useOthers(async (...place) => (await import('${SYSTEMS_FILE}')).loadSystem(...place));`;
/** What opens systems other than MeLoDy (src/others.ts): nothing in a page that does not import them. */
const OTHERS = `export let openOther;
export const useOthers = (open) => { openOther = open; };`;
const PUBLISHED = `import { loadSystem } from ${JSON.stringify(join(root, 'src/systems/load.ts'))};
import { useOthers } from '#others';
useOthers(loadSystem);
export * from ${JSON.stringify(join(root, 'src/systems/index.ts'))};`;
const COMMAND = `import '#node';
import ${JSON.stringify(join(root, 'src/cli/bin.ts'))};`;
/** The thread that levels and measures clips in Node. */
const SOUND_THREAD = `import { serveTasks } from ${JSON.stringify(join(root, 'src/platform/node_aside.ts'))};
import { quicken } from ${JSON.stringify(join(root, 'src/audio/simd_module.ts'))};
import * as work from ${JSON.stringify(join(root, 'src/audio/sound_work.ts'))};
import { workerData } from 'node:worker_threads';
quicken(workerData);
serveTasks(work);`;
/** @type {Record<string, string>} */
const VIRTUAL = {
  '#platform': PLATFORM,
  '#node': USE_NODE,
  '#sound-thread': SOUND_THREAD,
  '#command': COMMAND,
  '#others': OTHERS,
  '#systems': PUBLISHED,
};

/**
 * What the command has a copy of: it uses all of these files, and pages a little of each. They hold no state. A copy's name ends in `?all`.
 */
const COPIED = /\/src\/(cases\/\w+|ops\/(elementwise|diffusion)|pipeline\/(settings|recipe)|gpu\/kernel_file)\.m?[jt]s$/;
const COPIES = /\/src\/cli\/|\?all$/;

/** @type {import('rolldown').Plugin} */
const twoPlatforms = {
  name: 'two platforms, and the CPU apart',
  resolveId(id, from) {
    if (from && /\/cpu\/runner\.ts$/.test(id)) return { id: CPU, external: 'relative' };
    if (id === SYSTEMS_FILE) return { id, external: 'relative' };
    if (from && /\/others\.ts$/.test(id)) return { id: '\0#others', moduleSideEffects: false };
    if (from && id.startsWith('.') && COPIES.test(from)) {
      const path = join(dirname(from), id);
      return COPIED.test(path) ? `${path}?all` : path;
    }
    if (id in VIRTUAL) return { id: `\0${id}`, moduleSideEffects: id !== '#platform' && id !== '#others' };
    return /\/cli\/bin\.ts$/.test(id) ? { id, moduleSideEffects: true } : undefined;
  },
  load(id) {
    if (id.endsWith('?all')) return { code: readFileSync(id.slice(0, -4), 'utf8'), moduleType: 'ts', moduleSideEffects: false };
    return VIRTUAL[id.slice(1)];
  },
};

/** What is fetched when it is needed: to make, measure and save a finished clip, and to hear given sound. */
const COMPOSE = 'melody-compose';
const CLIP = 'melody-clip';
const GIVEN = 'melody-given';
/** Spectra and measures of tones, for clips and for given sound. */
const TONES = 'melody-tones';
/** To say what kind of file somebody took for weights or sound. */
const KIND = 'melody-kind';
const CLIP_SOURCES = /\/audio\/(measure|wav\w*)\.ts$/;
const TONES_SOURCES = /\/(pipeline\/tuning|audio\/(fft|mel|measures\/tones))\.ts$/;
const GIVEN_SOURCE = /\/pipeline\/stages\/given\.ts$/;

/**
 * `modules`: bytes of each source in it, before minification; `imports`: paths of the files that are fetched with it, `later`: of those that
 * may follow.
 * @typedef {{ path: string, text: string, contents: Uint8Array, modules: [path: string, bytes: number][], imports: string[], later: string[] }} OutputFile
 */

/**
 * One build. With `split`, what every entry needs from the start is one file, the engine, and what it imports later is one file each.
 * @param {Record<string, string>} input sources by the path of what is made of them, without its ending
 * @param {{ outdir?: string | undefined, split?: string, files?: Map<string, string>, version?: string, sourcemap?: boolean, lines?: boolean }} [options]
 * `outdir`: left out, nothing is written; `split`: the folder in it for the files of the engine; `files`: which file a source goes into; `lines`: none is
 * very long
 * @returns {Promise<OutputFile[]>}
 */
export async function bundleForPages(input, { outdir, split, files: known, version, sourcemap = false, lines = false } = {}) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'browser',
    tsconfig: false,
    transform: { target: 'es2022', ...(version && { define: { MELODY_VERSION: JSON.stringify(version) } }) },
    external: [/^node:/, 'webgpu', /^@?mediabunny(\/|$)/],
    preserveEntrySignatures: split ? 'allow-extension' : 'strict',
    plugins: [twoPlatforms],
    // In an unsplit bundle nothing comes later.
    checks: { pluginTimings: false, ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.generate({
    format: 'es',
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
    comments: { annotation: true, legal: false, jsdoc: false },
    sourcemap: sourcemap && 'hidden',
    entryFileNames: '[name].js',
    ...(split && { codeSplitting: { groups: groupsOf(Object.values(input), known) } }),
    // Rolldown's own part is used by pages too; what else is no part of the engine is Node's.
    chunkFileNames: ({ name }) =>
      /^(melody|rolldown)-/.test(name) ? `${split ? `${split}/` : ''}${name.replace('rolldown', 'melody')}.js` : `node/${name}-[hash].js`,
  });
  await bundle.close();
  const files = output.flatMap((part) => {
    if (part.type !== 'chunk') return [];
    // The sources are no part of the package: named by an address, they are not looked for (Vite warns of each that is missing).
    const broken = lines ? breakLines(part.code, part.map?.mappings) : { code: part.code, mappings: part.map?.mappings };
    const map = part.map && {
      ...part.map,
      mappings: broken.mappings,
      sourceRoot: 'melody:///',
      sources: part.map.sources.map((source) => source.replace(/^(\.\.\/)+/, '')),
      sourcesContent: undefined,
    };
    const text = map ? `${broken.code.trimEnd()}\n//# sourceMappingURL=${part.fileName.replace(/.*\//, '')}.map\n` : broken.code;
    const made = [{ path: part.fileName, text }, ...(map ? [{ path: `${part.fileName}.map`, text: JSON.stringify(map) }] : [])];
    const modules = Object.entries(part.modules).map(
      ([path, { renderedLength }]) => /** @type {[string, number]} */ ([path, renderedLength]),
    );
    const { imports, dynamicImports: later } = part;
    return made.map(({ path, text }) => ({ ...fileOf(path, text), modules, imports, later }));
  });
  if (outdir) write(files, outdir);
  return files;
}

/**
 * The engine is what all entries import at once, not later. Sources whose file is known go there. Left to itself, Rolldown makes a file of every few modules
 * that two of its files share.
 * @param {string[]} entries sources
 * @param {Map<string, string>} [known]
 * @returns {import('rolldown').CodeSplittingGroup[]}
 */
function groupsOf(entries, known = new Map()) {
  /** @type {Set<string>[] | undefined} */
  let reached;
  /** @type {import('rolldown').CodeSplittingNameFunction} */
  const engine = (id, context) => {
    if (known.size > 0) return null;
    const walk = (/** @type {string} */ module, /** @type {Set<string>} */ seen) => {
      if (seen.has(module)) return seen;
      seen.add(module);
      for (const next of context.getModuleInfo(module)?.importedIds ?? []) walk(next, seen);
      return seen;
    };
    reached ??= entries.map((entry) => walk(join(root, entry), new Set()));
    return reached.every((modules) => modules.has(id)) ? 'melody-engine' : null;
  };
  /** @type {import('rolldown').CodeSplittingGroup} */
  const there = { name: (id) => known.get(id) ?? null, priority: 3, includeDependenciesRecursively: false };
  if ([...known.values()].includes(CLIP)) return [there];
  return [
    there,
    { name: engine, priority: 2 },
    { name: CLIP, test: CLIP_SOURCES, priority: 1 },
    { name: COMPOSE, test: /\/pipeline\/compose\.ts$/ },
    { name: GIVEN, test: GIVEN_SOURCE },
    { name: TONES, test: TONES_SOURCES, priority: 3, includeDependenciesRecursively: false },
    { name: KIND, test: /\/platform\/file_kind\.ts$/, priority: 4 },
  ];
}

/** A file of its own for what the entries of a page's bundler have of their own, so that Node's files can share it. @type {Record<string, string>} */
const OWN = { 'index.web': 'melody-library', 'melody-systems': 'melody-published', 'melody-worker': 'melody-engine' };

/** Which file each source went into, by name. @param {OutputFile[]} files @param {RegExp} [which] */
function filesOf(files, which = /./) {
  const name = (/** @type {string} */ path) => path.replace(/^.*\/|\.js$/g, '');
  const of = files.filter(({ path }) => which.test(path) && !path.endsWith('.map'));
  return new Map(
    of.flatMap(({ path, modules }) =>
      modules
        .filter(([id, bytes]) => bytes > 0 && !/\/web\/worker\.ts$|#systems$/.test(id))
        .map(([id]) => [id, OWN[name(path)] ?? name(path)]),
    ),
  );
}

/** Kernels go where the ops are that run them, those too that only others of these ops run. @param {Map<string, string>} files */
function withKernels(files) {
  const kernel = (/** @type {string} */ name) => join(root, `src/kernels/${name}.gen.ts`);
  for (const [id, file] of files) {
    const pattern = /\/src\/ops\//.test(id) ? /\bK\.(\w+)/g : /\/src\/kernels\//.test(id) ? /'\.\/(lib_\w+)\.gen\.ts'/g : undefined;
    if (pattern)
      for (const [, name] of readFileSync(id, 'utf8').matchAll(pattern)) if (!files.has(kernel(name))) files.set(kernel(name), file);
  }
  return files;
}

/** @param {string} path @param {string} text @returns {OutputFile} */
const fileOf = (path, text) => ({ path, text, contents: new TextEncoder().encode(text), modules: [], imports: [], later: [] });

/** @param {OutputFile[]} files @param {string} folder */
function write(files, folder) {
  for (const { path, contents } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
}

const PLAYER = {
  'melody-player': 'src/web/index.ts',
  'melody-worklet': 'src/web/worklet.ts',
  'melody-cpu': 'src/cpu/runner.ts',
  'melody-mediabunny': 'src/web/mediabunny.ts',
};
/** Published systems: beside the engine, whose kernels and code they share. */
const SYSTEMS = { 'melody-systems': '#systems' };
const WORKER = { 'melody-worker': 'src/web/worker.ts' };
/** The rest of what Node needs: its platform, and the command. */
const FOR_NODE = { 'node/platform': '#node', 'node/command': '#command' };
/** A thread that shares the engine's file would read and keep all of it for the tenth that it uses. */
const THREADS = { 'node/sound-thread': '#sound-thread' };
/** The command begins with one small file, which can still say that the others cannot be opened: Node itself answers with a trace. */
const FIRST = `#!/usr/bin/env node
import("./node/command.js").catch((error)=>{
if(!/^E[MN]FILE$/.test(error.code))throw error;
console.error("melody: too many open files\\n  raise the limit: ulimit -n 1024");
process.exitCode=1;
});
`;
/** The library for Node: the same files, on Node's platform. */
const ON_NODE = Object.entries({ 'index.js': './index.web.js', 'systems.js': './web/melody-systems.js' });

/** What no page needs whose files are not bundled. */
const FOR_BUNDLERS = /melody-(systems|published|library|face|mediabunny)\.js/;

/** @param {Record<string, string>} input @param {string} folder */
const within = (input, folder) => Object.fromEntries(Object.entries(input).map(([name, source]) => [`${folder}/${name}`, source]));

/**
 * The folder that a page with one script tag needs: `web` of the package.
 * @param {string} [outdir] left out: nothing is written
 */
export async function buildWeb(outdir) {
  const folder = 'web/';
  const within = (/** @type {string} */ path) => path.slice(folder.length);
  const files = (await buildPackage(undefined))
    .filter(({ path }) => path.startsWith(folder) && !FOR_BUNDLERS.test(path))
    .map((file) => ({ ...file, path: within(file.path), imports: file.imports.filter((path) => path.startsWith(folder)).map(within) }));
  if (outdir) write(files, outdir);
  return files;
}

/**
 * All files of the package: the folder `web` for pages, `index.web.js` for their bundlers, and for Node `index.js`, `systems.js` and `cli.js`
 * with what only they need in `node`.
 * @param {string | undefined} outdir left out: nothing is written
 * @param {{ version?: string, sourcemap?: boolean }} [options]
 */
export async function buildPackage(outdir, options = {}) {
  const alone = [
    ...Object.entries(within(PLAYER, 'web')).map((entry) =>
      bundleForPages(Object.fromEntries([entry]), { outdir, ...options, lines: /cpu/.test(entry[0]) }),
    ),
    // No map of it: what fails there is done again by whoever wanted it, in files that have maps.
    bundleForPages(THREADS, { outdir, ...options, sourcemap: false, lines: true }),
  ];
  const input = { 'index.web': 'src/index.ts', ...within(WORKER, 'web') };
  const systems = within(SYSTEMS, 'web');
  const split = { ...options, split: 'web' };
  // The engine holds what MeLoDy's pages need of it, and systems bring the rest: they do not make those pages larger. What the command
  // shares with pages lies where it does without the command.
  const files = withKernels(filesOf(await bundleForPages(input, split), /melody-engine/));
  const pages = filesOf(await bundleForPages({ ...input, ...systems }, { ...split, files }));
  for (const id of ['\0#others', join(root, 'src/melody.ts')]) pages.set(id, 'melody-face'); // Node's platform shares it; the worker goes without
  // The command asks these what a folder holds, before it knows whether to read the systems.
  for (const name of ['systems/kind', 'systems/place', 'platform/hub_stores', 'weights/model_card'])
    pages.set(join(root, `src/${name}.ts`), 'melody-kinds');
  // Cases that systems alone run are reached through the list of all cases, which Rolldown takes for a part of what composes.
  for (const [id, file] of pages) if (file === COMPOSE && !/\/pipeline\/compose\.ts$/.test(id)) pages.set(id, 'melody-published');
  pages.set(join(root, 'src/engine/open_cpu.ts'), 'melody-engine'); // melody-cpu.js is named from where the engine lies
  const shared = bundleForPages({ ...input, ...systems, ...FOR_NODE }, { ...split, outdir, files: pages, lines: true });
  const onNode = ON_NODE.map(([path, same]) => fileOf(path, `import"./node/platform.js";export*from"${same}";\n`));
  const whole = [...onNode, fileOf('cli.js', FIRST)];
  if (outdir) write(whole, outdir);
  return [...(await Promise.all([...alone, shared])).flat(), ...whole];
}
