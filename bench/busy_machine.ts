// What clips cost on the CPU executor while other programs take cores: two builds by turns under the same load, wall time and time of the processor.
//
//   npm run build && node tools/run.mjs bench/busy_machine.ts [--old FOLDER] [--threads 1,2] [--burners 0,1,2] [--seconds 4] [--rounds 3] [--clips 3]
//
// A burner is a process that counts as fast as it can. FOLDER is a built checkout of another commit. Each figure is the median over rounds of
// a process's median over clips; what else the machine does meanwhile counts for both builds alike, since they take turns.
import { spawn, spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    old: { type: 'string' },
    model: { type: 'string', default: 'weights/melody-small' },
    threads: { type: 'string', default: '1,2' },
    burners: { type: 'string', default: '0,1,2' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    clips: { type: 'string', default: '3' },
  },
});
const numbers = (list: string) => list.split(',').map(Number);
const median = (found: readonly number[]) => [...found].sort((a, b) => a - b)[found.length >> 1] ?? Number.NaN;

/** One process of a build: each clip's seconds by the clock and of the processor, the first left out. */
const MEASURED = `
const [folder, model, threads, seconds, clips] = process.argv.slice(1);
const { Melody } = await import(folder);
const melody = await Melody.load(model, { device: 'cpu', threads: Number(threads) });
const rows = [];
for (let seed = 0; seed <= Number(clips); seed++) {
  const [began, used] = [performance.now(), process.cpuUsage()];
  const { timings } = await melody.generate({ prompt: 'calm piano, 80 bpm', durationSeconds: Number(seconds), seed, steps: 2 });
  const { user, system } = process.cpuUsage(used);
  if (seed > 0) rows.push({ wall: (performance.now() - began) / 1000, cpu: (user + system) / 1e6, tokens: timings.tokens });
}
console.log(JSON.stringify(rows));
process.exit(0);
`;

type Clip = { wall: number; cpu: number; tokens: number };

function measure(folder: string, threads: number): Clip {
  const module = pathToFileURL(resolve(folder, 'dist/index.js')).href;
  const words = [module, resolve(values.model), String(threads), values.seconds, values.clips];
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', MEASURED, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${folder}: the measured process ended with ${status}: ${stderr}`);
  const clips = JSON.parse(stdout) as Clip[];
  const over = (of: (clip: Clip) => number) => median(clips.map(of));
  return { wall: over((c) => c.wall), cpu: over((c) => c.cpu), tokens: over((c) => c.tokens) };
}

const builds = [...(values.old ? [{ name: 'old', folder: values.old }] : []), { name: 'new', folder: '.' }];
console.log(`${values.seconds} s a clip; load before: ${loadavg()[0].toFixed(2)}`);
console.log('burners threads build   wall s   cpu s   tokens s');
for (const count of numbers(values.burners)) {
  const burners = Array.from({ length: count }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  try {
    for (const threads of numbers(values.threads)) {
      const rows = builds.map(() => [] as Clip[]);
      for (let round = 0; round < Number(values.rounds); round++)
        for (const [i, { folder }] of builds.entries()) rows[i].push(measure(folder, threads));
      for (const [i, { name }] of builds.entries()) {
        const figures = (['wall', 'cpu', 'tokens'] as const).map((what) => median(rows[i].map((row) => row[what])).toFixed(3));
        console.log(
          [String(count).padStart(7), String(threads).padStart(7), name.padEnd(5), ...figures.map((f) => f.padStart(8))].join(' '),
        );
      }
    }
  } finally {
    for (const burner of burners) burner.kill();
  }
}
