// How much memory of JavaScript's own a large model needs while it loads and plays: its weights go from the file to the executor in blocks.
//
//   node tools/run.mjs tools/full_size.ts musicgen-small FOLDER
//   node tools/run.mjs tools/load_heap.ts FOLDER [--precision f16] [--seconds 0.04] [--most 256]
//
// Starts itself again under --max-old-space-size, loads every network by making a clip, and looks at the heap and at arrays outside it every turn of
// the event loop. Exits with 1 where both together passed `--most` MB. The executor's own memory (WebAssembly), where the weights end, is beside it.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSystem } from '../src/systems/load.ts';
import { isPrecision } from '../src/systems/precision.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    precision: { type: 'string', default: 'f16' },
    seconds: { type: 'string', default: '0.04' },
    most: { type: 'string', default: '256' },
    here: { type: 'boolean', default: false },
  },
});
const [folder = ''] = positionals;
const most = Number(values.most);
if (!values.here) {
  const words = [`--max-old-space-size=${most}`, process.argv[1] as string, ...process.argv.slice(2), '--here'];
  process.exit(spawnSync(process.execPath, words, { stdio: 'inherit' }).status ?? 1);
}
if (!isPrecision(values.precision)) throw new Error(`--precision: got "${values.precision}"`);

const peak = { heapUsed: 0, arrayBuffers: 0, both: 0 };
let over = false;
(function look() {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  peak.heapUsed = Math.max(peak.heapUsed, heapUsed);
  peak.arrayBuffers = Math.max(peak.arrayBuffers, arrayBuffers);
  peak.both = Math.max(peak.both, heapUsed + arrayBuffers);
  if (!over) setImmediate(look);
})();
const began = performance.now();
const music = await loadSystem(folder, { device: 'cpu', precision: values.precision });
const { timings } = await music.generate({
  prompt: 'slow piano ballad',
  durationSeconds: Number(values.seconds),
  seed: 1,
  ...(music.system === 'stable_audio' && { steps: 2, windowSeconds: 0.2 }),
} as never);
over = true;
const mb = (bytes: number) => Math.round(bytes / 1e6);
const { maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    fileMB: mb(statSync(join(folder, 'model.safetensors')).size),
    precision: values.precision,
    heapMB: mb(peak.heapUsed),
    arraysMB: mb(peak.arrayBuffers),
    bothMB: mb(peak.both),
    buffersMB: mb(timings.peakBytes),
    residentMB: mb(maxRSS * 1024),
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
  }),
);
process.exit(peak.both <= most * 1e6 ? 0 : 1);
