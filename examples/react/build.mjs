// esbuild bundles the player but passes over `new Worker(new URL(…))`: the worker and what it loads are copied beside the bundle.
import { cpSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await build({ entryPoints: ['main.jsx'], bundle: true, minify: true, jsx: 'automatic', format: 'esm', outdir: 'build' });
cpSync(dirname(fileURLToPath(import.meta.resolve('melody/web/melody-worker.js'))), 'build', { recursive: true });
writeFileSync('build/index.html', '<!doctype html><title>melody</title><body><script type="module" src="main.js"></script>');
