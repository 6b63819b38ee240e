// @ts-check
// Runs a TypeScript tool in Node: bundles it into node_modules/.cache and starts it.
//
//   node tools/run.mjs tools/fuzz_safetensors.ts [words...]
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [file, ...words] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node tools/run.mjs FILE.ts [words...]\n');
  process.exit(2);
}
const outfile = join(root, 'node_modules', '.cache', 'melody', `${basename(file, '.ts')}.mjs`);
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
process.argv.splice(1, process.argv.length, outfile, ...words);
await import(pathToFileURL(outfile).href);
