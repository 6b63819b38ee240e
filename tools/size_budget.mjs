// @ts-check
// What a page downloads to make music, weights aside, minified and gzipped: what its bundler takes of the built library for `Melody`, and
// the files of the ready-made player. Prints where the bytes are and fails over the budget.
//
//   node tools/size_budget.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildPackageWeb, bundleForPages } from './web.mjs';

/** Of these, 2 kB say by name what is wrong with options (src/pipeline/checks.ts), 2 kB place and hear stereo
 * sounds (src/ops/image.ts), and 1 kB lets jobs wait for their turns (src/pipeline/turns.ts). */
const BUDGET = 91_500;
/** Worker and engine: they also fetch, check and keep weights, answer a page, and write WAV files. */
const WORKER_BUDGET = 98_300;

/** @param {string} name @param {readonly Uint8Array[]} files @param {number} budget */
function report(name, files, budget) {
  const bytes = files.reduce((sum, contents) => sum + contents.length, 0);
  const zipped = files.reduce((sum, contents) => sum + gzipSync(contents, { level: 9 }).length, 0);
  const over = zipped > budget;
  console.log(`${String(bytes).padStart(8)}  ${name}: ${zipped} bytes gzipped, budget ${budget}${over ? ': OVER' : ''}`);
  if (over) process.exitCode = 1;
}

const folder = mkdtempSync(join(tmpdir(), 'melody-size-'));
try {
  const built = await buildPackageWeb(folder);
  const file = (/** @type {string} */ name) =>
    /** @type {Uint8Array} */ (built.find(({ path }) => path === `web/melody-${name}.js`)?.contents);
  writeFileSync(join(folder, 'page.js'), "export { Melody } from './index.web.js';");
  const [page] = await bundleForPages({ page: join(folder, 'page.js') });
  /** @type {Map<string, number>} */
  const parts = new Map();
  for (const { modules } of await bundleForPages({ engine: 'src/index.ts' }))
    for (const [path, bytes] of modules) {
      const part = /src\/([^/]+)/.exec(path)?.[0] ?? path;
      parts.set(part, (parts.get(part) ?? 0) + bytes);
    }
  for (const [part, bytes] of [...parts].sort((a, b) => b[1] - a[1]))
    if (bytes > 0) console.log(`${String(bytes).padStart(8)}  ${part}, before minification`);
  report('a page of its own making', [page.contents], BUDGET);
  report('worker and engine', [file('worker'), file('engine')], WORKER_BUDGET);
  for (const name of ['cpu', 'player', 'worklet']) report(`melody-${name}.js`, [file(name)], BUDGET);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
