// Loads a model, makes half a second, and disposes of it, again and again: threads, open files and memory must not grow.
// Exits with 1 where they did between the first fifth of the cycles (at least two) and the last one.
//
//   node tools/run.mjs tools/load_cycles.ts [cycles] [model] [gpu|cpu]
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MeLoDy } from '../src/pipeline/melody.ts';

const [cycles = '50', model = 'melody-tiny', device = 'gpu'] = process.argv.slice(2);
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** What this process holds (Linux), megabytes of memory: resident, and what JavaScript has of them in its heap and in buffers outside it. */
function held() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;
  return {
    threads: field('Threads'),
    files: readdirSync('/proc/self/fd').length,
    resident: Math.round(field('VmRSS') / 1000),
    heap: megabytes(heapUsed),
    external: megabytes(external),
    buffers: megabytes(arrayBuffers),
  };
}

/** What is held once nothing ends any more: threads end some time after they are told to. */
async function settled() {
  let now = held();
  for (let same = 0; same < 5; ) {
    await sleep(50);
    collect();
    const next = held();
    same = next.threads === now.threads && next.files === now.files ? same + 1 : 0;
    now = next;
  }
  return now;
}

const early = Math.max(2, Math.floor(Number(cycles) / 5)); // compiled code and caches are complete by then
let first: ReturnType<typeof held> | undefined;
let last: ReturnType<typeof held> | undefined;
for (let cycle = 1; cycle <= Number(cycles); cycle++) {
  const melody = await MeLoDy.load(model, { device: device as 'gpu' | 'cpu' });
  await melody.generate({ prompt: 'calm piano', durationSeconds: 0.4, steps: 1, seed: 1 });
  melody.dispose();
  last = await settled();
  if (cycle === early) first = last;
  if (cycle === 1 || cycle === early || cycle % 5 === 0) console.log(`${cycle}: ${JSON.stringify(last)}`);
}
const grew = (['threads', 'files', 'heap', 'buffers'] as const).filter((name) => {
  const spare = name === 'heap' || name === 'buffers' ? 1 : 0;
  return first && last && last[name] > first[name] + spare;
});
console.log(grew.length > 0 ? `grew after cycle ${early}: ${grew.join(', ')}` : `nothing grew after cycle ${early}`);
process.exitCode = grew.length > 0 ? 1 : 0;
