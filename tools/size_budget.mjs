// @ts-check
// What a page downloads to make music, weights aside: the library bundled with what `generate` needs, minified and gzipped.
// Prints where the bytes are and fails over the budget.
//
//   node tools/size_budget.mjs
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { buildWeb, cpuApart, WEB_CPU } from './web.mjs';

/** Of these, 2 kB say by name what is wrong with options (src/pipeline/checks.ts), and 2 kB place and hear stereo sounds (src/ops/image.ts). */
const BUDGET = 93_000;
/** The worker also fetches, checks and keeps weights, answers a page, and writes WAV files. */
const WORKER_BUDGET = 97_600;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  stdin: { contents: "export { Melody } from './src/index.ts';", resolveDir: root },
  bundle: true,
  write: false,
  minify: true,
  metafile: true,
  plugins: [cpuApart(WEB_CPU)],
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  logLevel: 'warning',
});
const zipped = gzipSync(outputFiles[0].contents, { level: 9 }).length;

/** @type {Map<string, number>} */
const parts = new Map();
for (const [file, { bytesInOutput }] of Object.entries(Object.values(metafile.outputs)[0].inputs)) {
  const part = /^src\/[^/]+/.exec(file)?.[0] ?? file;
  parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
}
for (const [part, bytes] of [...parts].sort((a, b) => b[1] - a[1])) console.log(`${String(bytes).padStart(8)}  ${part}`);
const over = zipped > BUDGET;
console.log(
  `${String(outputFiles[0].contents.length).padStart(8)}  minified; ${zipped} bytes gzipped, budget ${BUDGET}${over ? ': OVER' : ''}`,
);

// The same engine as pages get it with melody-player: a worker that also fetches, checks and keeps the weights.
const web = await buildWeb('unused', { write: false });
let overWeb = false;
for (const { path, contents } of web.outputFiles ?? []) {
  const bytes = gzipSync(contents, { level: 9 }).length;
  const budget = basename(path) === 'melody-worker.js' ? WORKER_BUDGET : BUDGET;
  overWeb ||= bytes > budget;
  console.log(`${String(contents.length).padStart(8)}  ${basename(path)}; ${bytes} bytes gzipped, budget ${budget}`);
}
process.exit(over || overWeb ? 1 : 0);
