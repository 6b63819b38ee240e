// @ts-check
// What a page with one script tag needs, in one folder: the player, the worker that it starts, the AudioWorklet that it plays through.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The CPU executor in a file of its own, loaded where no GPU computes: what imports it names that file, which `cpuPart` builds beside it.
 * It has its own copies of the few small things that both use.
 * @param {string} file
 * @returns {import('esbuild').Plugin}
 */
export const cpuApart = (file) => ({
  name: 'cpu apart',
  setup(build) {
    build.onResolve({ filter: /\/cpu\/runner\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: `./${file}`, external: true } : undefined,
    );
  },
});

/** Entry points of that part, for a build of its own. @param {string} file */
export const cpuPart = (file) => ({ [file.replace(/\.js$/, '')]: 'src/cpu/runner.ts' });

export const WEB_CPU = 'melody-cpu.js';

/** @param {string} outdir @param {import('esbuild').BuildOptions} [options] */
export async function buildWeb(outdir, options = {}) {
  return build({
    absWorkingDir: root,
    plugins: [cpuApart(WEB_CPU)],
    entryPoints: {
      ...cpuPart(WEB_CPU),
      'melody-player': 'src/web/index.ts',
      'melody-worker': 'src/web/worker.ts',
      'melody-worklet': 'src/web/worklet.ts',
    },
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
    ...options,
  });
}
