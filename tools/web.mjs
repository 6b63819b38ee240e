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

/** `modules`: bytes of each source in it, before minification. @typedef {{ path: string, text: string, contents: Uint8Array, modules: [path: string, bytes: number][] }} OutputFile */

/**
 * One build. What several entries use goes into one file, `shared`. Its files lie in `outdir`, unless `write` is false.
 * @param {Record<string, string>} input sources by the path of what is made of them, without its ending
 * @param {{ outdir?: string, shared?: string, version?: string, sourcemap?: boolean }} [options]
 * @returns {Promise<OutputFile[]>}
 */
export async function bundleForPages(input, { outdir, shared, version, sourcemap = false } = {}) {
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
    checks: { pluginTimings: false },
  });
  const { output } = await bundle.generate({
    format: 'es',
    minify: { compress: true, mangle: true, codegen: { removeWhitespace: true } },
    comments: { annotation: true, legal: false, jsdoc: false },
    sourcemap: sourcemap && 'hidden',
    entryFileNames: '[name].js',
    chunkFileNames: shared,
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
    return made.map((file) => ({ ...file, contents: new TextEncoder().encode(file.text), modules }));
  });
  for (const { path, contents } of outdir ? files : []) {
    mkdirSync(dirname(join(/** @type {string} */ (outdir), path)), { recursive: true });
    writeFileSync(join(/** @type {string} */ (outdir), path), contents);
  }
  return files;
}

const PLAYER = { 'melody-player': 'src/web/index.ts', 'melody-worklet': 'src/web/worklet.ts', 'melody-cpu': 'src/cpu/runner.ts' };
const WORKER = { 'melody-worker': 'src/web/worker.ts' };

/** @param {Record<string, string>} input @param {string} folder */
const within = (input, folder) => Object.fromEntries(Object.entries(input).map(([name, source]) => [`${folder}/${name}`, source]));

/**
 * The folder that a page with one script tag needs; every file of it stands alone.
 * @param {string} [outdir] left out: nothing is written
 */
export async function buildWeb(outdir) {
  const alone = Object.entries({ ...PLAYER, ...WORKER }).map((entry) => bundleForPages(Object.fromEntries([entry]), { outdir }));
  return (await Promise.all(alone)).flat();
}

/**
 * The package's files for pages: that folder, `web`, and `index.web.js`, which shares the engine with the worker.
 * @param {string | undefined} outdir left out: nothing is written
 * @param {{ version?: string, sourcemap?: boolean }} [options]
 */
export async function buildPackageWeb(outdir, options = {}) {
  const all = { outdir, ...options };
  const alone = Object.entries(within(PLAYER, 'web')).map((entry) => bundleForPages(Object.fromEntries([entry]), all));
  const input = { 'index.web': 'src/index.ts', ...within(WORKER, 'web') };
  return (await Promise.all([...alone, bundleForPages(input, { ...all, shared: 'web/melody-engine.js' })])).flat();
}
