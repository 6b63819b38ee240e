// @ts-check
// Type-checks src once more with noUncheckedIndexedAccess: `list[i]` may be undefined. A folder of src that is not named below
// must pass; tsc itself can only turn the option on for a file with all that it imports.
//
//   node tools/check_strict.mjs
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of src that do not pass yet, each with its reason. @type {Record<string, string>} */
const LEFT = {
  audio: 'loops over samples, whose indices are bound by the length of the same array',
  ops: 'shapes of known rank are read by index, after expectShape has told its length',
  models: 'shapes of known rank are read by index, after expectShape has told its length',
  cases: 'references in f64: loops over elements, whose indices follow from the shapes',
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { stdout, error, status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.strict.json', '--pretty', 'false'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
if (error) throw error;
const faults = stdout.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line));
if (status !== 0 && faults.length === 0) throw new Error(`tsc ended with ${status} and named no fault: ${stdout}`);
const roomOf = (/** @type {string} */ line) => /^src\/(\w+)\//.exec(line)?.[1] ?? '';
const wrong = faults.filter((line) => !(roomOf(line) in LEFT));
const passed = Object.keys(LEFT).filter((room) => !faults.some((line) => roomOf(line) === room));
for (const line of wrong) console.error(line);
for (const room of passed) console.error(`src/${room} passes now: take it off the list in tools/check_strict.mjs`);
const left = Object.keys(LEFT).map((room) => `${room} ${faults.filter((line) => roomOf(line) === room).length}`);
console.log(`indexed access: ${wrong.length} faults; folders that are left: ${left.join(', ')}`);
process.exit(wrong.length + passed.length === 0 ? 0 : 1);
