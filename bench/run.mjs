// node bench/run.mjs: bundle the bench (Node 20 runs no TypeScript) into bench/dist and start it.
import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'peers', 'dist'); // beside the peers' node_modules, so that their packages resolve
const has = (path) => existsSync(join(here, path));
rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: {
    bench: join(here, 'main.ts'),
    ...(has('ours.ts') && { ours: join(here, 'ours.ts') }),
    ...(has('peers/node_modules') && { peers: join(here, 'peers', 'main.ts') }),
  },
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
await import(join(out, 'bench.mjs'));
