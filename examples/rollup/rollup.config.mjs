// Rollup bundles the player but leaves `new Worker(new URL(…))` as it is: the worker and what it loads are copied beside the bundle.
import { cpSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeResolve } from '@rollup/plugin-node-resolve';

export default {
  input: 'main.js',
  output: { dir: 'build', format: 'es' },
  plugins: [
    nodeResolve({ browser: true }),
    {
      name: 'worker and page',
      writeBundle() {
        cpSync(dirname(fileURLToPath(import.meta.resolve('melody/web/melody-worker.js'))), 'build', { recursive: true });
        writeFileSync('build/index.html', '<!doctype html><title>melody</title><body><script type="module" src="main.js"></script>');
      },
    },
  ],
};
