// esbuild bundles the player but passes over `new Worker(new URL(…))`: worker, its engine and the worklet are copied beside the bundle.
import { copyFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await build({ entryPoints: ['main.js'], bundle: true, minify: true, format: 'esm', outdir: 'build' });
for (const name of ['melody-worker.js', 'melody-engine.js', 'melody-worklet.js', 'melody-cpu.js'])
  copyFileSync(fileURLToPath(import.meta.resolve(`melody/web/${name}`)), `build/${name}`);
writeFileSync('build/index.html', '<!doctype html><title>melody</title><body><script type="module" src="main.js"></script>');
