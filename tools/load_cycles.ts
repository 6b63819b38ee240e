// Loads a model, makes half a second, and disposes of it, again and again: threads, open files and memory must not grow.
//
//   node tools/run.mjs tools/load_cycles.ts [cycles] [model] [gpu|cpu]
import { readdirSync, readFileSync } from 'node:fs';
import { MeLoDy } from '../src/pipeline/melody.ts';

const [cycles = '50', model = 'melody-tiny', device = 'gpu'] = process.argv.slice(2);

/** What this process holds (Linux). */
function held() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { threads: field('Threads'), files: readdirSync('/proc/self/fd').length, megabytes: Math.round(field('VmRSS') / 1000) };
}

for (let cycle = 1; cycle <= Number(cycles); cycle++) {
  const melody = await MeLoDy.load(model, { device: device as 'gpu' | 'cpu' });
  await melody.generate({ prompt: 'calm piano', durationSeconds: 0.4, steps: 1, seed: 1 });
  melody.dispose();
  if (cycle === 1 || cycle % 5 === 0) console.log(`${cycle}: ${JSON.stringify(held())}`);
}
