// @ts-check
// What a page with one script tag needs, in one folder: the player, the worker that it starts, the AudioWorklet that it plays through.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} outdir @param {import('esbuild').BuildOptions} [options] */
export async function buildWeb(outdir, options = {}) {
  return build({
    absWorkingDir: root,
    entryPoints: { 'melody-player': 'src/web/index.ts', 'melody-worker': 'src/web/worker.ts', 'melody-worklet': 'src/web/worklet.ts' },
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
