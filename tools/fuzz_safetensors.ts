// Fuzzes the readers of safetensors files and indexes: no bytes, generated or mutated, may hang them, exhaust memory or draw anything but
// a typed error. Half of the cases come from a fixed seed, half from a fresh one that is printed. What breaks a rule is shrunk and saved
// in test/weights/crashes/, where the tests find it.
//
//   node tools/run.mjs tools/fuzz_safetensors.ts [CASES] [SEED] [--save FOLDER]
//
// CASES in all, 300,000 by default: a sixth each of good files (which must be accepted), broken structure, broken bytes, tokens, noise
// and indexes, and some large files. --save keeps every 20th file for tools/differential.py.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { GENERATORS } from './fuzz_files.ts';
import { judge, judgeIndex } from './fuzz_judge.ts';

const FIXED_SEED = 20230524;
const CRASHES = 'test/weights/crashes';

const words = process.argv.slice(2);
const saveAt = words.indexOf('--save');
const saveTo = saveAt < 0 ? undefined : words.splice(saveAt, 2)[1];
const [cases, freshSeed] = [Number(words[0] ?? 300_000), Number(words[1] ?? Math.floor(Math.random() * 2 ** 31))];
if (!(Number.isInteger(cases) && cases > 0 && Number.isInteger(freshSeed) && words.length <= 2)) {
  console.error(`fuzz_safetensors: got "${words.join(' ')}", expected [CASES] [SEED] [--save FOLDER], whole numbers`);
  process.exit(2);
}
if (saveTo) mkdirSync(saveTo, { recursive: true });

let failures = 0;
let slowest = 0;
let heaviest = 0;
const start = performance.now();
for (const seed of [FIXED_SEED, freshSeed]) {
  for (const { name, makes, good, oneIn, files } of GENERATORS) {
    const numRuns = Math.ceil(cases / 2 / (GENERATORS.length - 1) / oneIn);
    let accepted = 0;
    let done = 0;
    const property = fc.asyncProperty(files, async (bytes) => {
      const { accepted: verdict, ms, memory } = await (makes === 'index' ? judgeIndex : judge)(bytes);
      slowest = Math.max(slowest, ms);
      heaviest = Math.max(heaviest, memory);
      if (saveTo && makes === 'weights' && done % 20 === 0)
        writeFileSync(join(saveTo, `${name}-${seed}-${done}.${verdict ? 'accept' : 'reject'}`), bytes);
      done++;
      if (verdict) accepted++;
      else if (good) throw new Error('a good file was refused');
    });
    const result = await fc.check(property, { seed, numRuns });
    console.log(`seed ${seed}  ${name.padEnd(9)}  ${result.numRuns} cases, ${accepted} accepted, ${done - accepted} refused`);
    if (!result.failed) continue;
    failures++;
    const [bytes] = result.counterexample ?? [];
    const file = bytes && join(CRASHES, `${name}-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.${makes}`);
    if (bytes && file) {
      mkdirSync(CRASHES, { recursive: true });
      writeFileSync(file, bytes);
    }
    console.log(`  FAILED: ${result.errorInstance}\n  saved as ${file}`);
  }
}
console.log(
  `${failures} failures in ${((performance.now() - start) / 1000).toFixed(0)} s; slowest case ${slowest.toFixed(1)} ms, heaviest header ${heaviest.toFixed(2)} × its file`,
);
process.exitCode = failures > 0 ? 1 : 0;
