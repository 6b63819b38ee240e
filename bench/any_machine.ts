// What music costs where no GPU is: one run, every figure of it on one machine at one time, against earlier builds and other engines beside it.
//
//   npm run build && node tools/run.mjs bench/any_machine.ts [--model melody-small] [--seconds 10] [--rounds 5]
//       [--old FOLDER]        a built checkout of an earlier commit: its generation and its cold start, by turns with this one's
//       [--peer "COMMAND"]    another program that makes the same clip and prints the seconds it took as its last line
//
// Each figure is the median of --rounds, taken by turns; the load of the machine is printed, and a busy one makes the run worth nothing: wait.
// Rows go to bench/results/<date>-any-machine.jsonl too.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { MeLoDy } from '../src/pipeline/melody.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'weights/melody-small' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string' },
    old: { type: 'string' },
    peer: { type: 'string' },
    inside: { type: 'boolean' }, // this process is the one that is measured
  },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const PROMPT = 'calm piano, 80 bpm';
const BUSY = 0.5; // load from which on figures are not to be trusted

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const resident = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1000; // MB

/** What a process of its own finds of itself, as JSON. */
async function inside(): Promise<object> {
  // as it is installed: the thread that levels and measures is a file of the built package
  const { Melody } = (await import(pathToFileURL(resolve('dist/index.js')).href)) as { Melody: typeof MeLoDy };
  const melody = await Melody.load(values.model, { device: 'cpu', ...(values.threads && { threads: Number(values.threads) }) });
  const piece = (seed: number) => ({ prompt: PROMPT, durationSeconds: seconds, seed });
  const cold = (await melody.generate(piece(0))).timings.total;
  const clips: { wall: number; cpu: number; stages: Record<string, number>; p99: number; longest: number }[] = [];
  const sounds: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const [before, used] = [performance.now(), process.cpuUsage()];
    delay.enable();
    const { timings } = await melody.generate(piece(round));
    const wall = (performance.now() - before) / 1000;
    await new Promise((go) => setTimeout(go, 20)); // a halt at the end is seen by the next look
    delay.disable();
    const { user, system } = process.cpuUsage(used);
    const { style, tokens, diffusion, decoding } = timings;
    clips.push({
      wall,
      cpu: (user + system) / 1e6,
      stages: { style, tokens, diffusion, decoding, rest: wall - style - tokens - diffusion - decoding },
      p99: delay.percentile(99) / 1e6,
      longest: delay.max / 1e6,
    });
    const asked = performance.now();
    for await (const _ of melody.stream({ prompt: PROMPT, seed: round })) {
      sounds.push((performance.now() - asked) / 1000);
      break;
    }
  }
  const { threads, rss } = { threads: melody.engine.device.caps.name, rss: resident() };
  melody.dispose();
  const over = (of: (clip: (typeof clips)[number]) => number) => median(clips.map(of));
  return {
    executor: threads,
    coldSeconds: cold,
    seconds: over((c) => c.wall),
    cpuSeconds: over((c) => c.cpu),
    stages: Object.fromEntries(Object.keys(clips[0].stages).map((name) => [name, over((c) => c.stages[name])])),
    firstSoundSeconds: median(sounds),
    loopP99Ms: over((c) => c.p99),
    loopLongestMs: over((c) => c.longest),
    residentMb: rss,
    peakResidentMb: process.resourceUsage().maxRSS / 1000,
  };
}

/** Seconds from the start of the command to its end, with empty caches, and of its second clip alone, which is warm. */
function command(folder: string, device: readonly string[]): { start: number; warm: number } {
  const empty = mkdtempSync(join(tmpdir(), 'melody-bench-'));
  const env = { ...process.env, XDG_CACHE_HOME: empty, HOME: empty, MESA_SHADER_CACHE_DIR: empty };
  const run = (more: readonly string[]) => {
    const words = [
      'dist/cli.js',
      'generate',
      PROMPT,
      '--duration',
      values.seconds,
      '--seed',
      '1',
      '--model',
      resolve(folder, values.model), // an earlier build opens the weights of its own time
      ...device,
    ];
    const began = performance.now();
    const out = execFileSync(process.execPath, [...words, '--out-dir', empty, '--force', ...more], {
      cwd: folder,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { took: (performance.now() - began) / 1000, out };
  };
  try {
    const { took } = run(['--quiet']);
    const { clips } = JSON.parse(run(['--variations', '2', '--json']).out) as { clips: { timings: { total: number } }[] };
    return { start: took, warm: clips[1].timings.total };
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

/** The last line that a program prints, a number. */
function peerSeconds(words: string): number {
  const { stdout, status } = spawnSync('sh', ['-c', words], { encoding: 'utf8' });
  const found = Number(stdout.trim().split('\n').at(-1));
  if (status !== 0 || !Number.isFinite(found))
    throw new Error(`--peer "${words}": exit ${status}, last line ${stdout.trim().split('\n').at(-1)}`);
  return found;
}

function outside(): void {
  if (!existsSync('dist/cli.js')) throw new Error('dist/cli.js is not there: run npm run build first');
  const load = loadavg()[0];
  const machine = {
    type: 'machine',
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    load,
    date: new Date().toISOString(),
  };
  const rows: object[] = [machine];
  console.log(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; load ${load.toFixed(2)}${load > BUSY ? ': BUSY, these figures are worth nothing' : ''}`,
  );
  const us: { start: number; warm: number }[] = [];
  const them: { start: number; warm: number }[] = [];
  const peer: number[] = [];
  for (let round = 0; round < Math.min(3, rounds); round++) {
    us.push(command('.', ['--device', 'cpu', ...(values.threads ? ['--threads', values.threads] : [])]));
    if (values.old) them.push(command(values.old, []));
    if (values.peer) peer.push(peerSeconds(values.peer));
  }
  const child = spawnSync(process.execPath, [...process.execArgv, process.argv[1], ...process.argv.slice(2), '--inside'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`the measured process ended with ${child.status}`);
  const found = JSON.parse(child.stdout) as Awaited<ReturnType<typeof inside>> &
    Record<string, number> & { stages: Record<string, number> };
  const row = (name: string, value: number, unit: string, goal?: string) => {
    rows.push({ type: 'figure', name, value, unit, ...(goal && { goal }) });
    console.log(`${name.padEnd(52)} ${value.toFixed(unit === 'MB' ? 0 : 3).padStart(9)} ${unit}${goal ? `   (goal ${goal})` : ''}`);
  };
  row(`${seconds} s of music, warm`, found.seconds, 's');
  for (const [stage, value] of Object.entries(found.stages)) row(`  ${stage}`, value, 's');
  row('  time of the processor', found.cpuSeconds, 's');
  row('  first clip of a process', found.coldSeconds, 's');
  row('first sound of a stream, warm', found.firstSoundSeconds, 's', '≤ 0.2');
  row('melody generate, process start to end, empty caches', median(us.map(({ start }) => start)), 's', '≤ 2.5');
  row('resident memory after it', found.residentMb, 'MB', '≤ 250');
  row('  at most', found.peakResidentMb, 'MB');
  row('event loop while generating, p99 of delays', found.loopP99Ms, 'ms', '≤ 20');
  row('  longest delay', found.loopLongestMs, 'ms');
  if (values.old) {
    row('the earlier build, warm', median(them.map(({ warm }) => warm)), 's');
    row('  this one is so many times as fast', median(them.map(({ warm }, i) => warm / us[i].warm)), 'x', '≥ 4');
    row('  its process start to end', median(them.map(({ start }) => start)), 's');
  }
  if (values.peer) {
    row('the other program', median(peer), 's');
    row('  this one is so many times as fast', median(peer) / found.seconds, 'x', '≥ 3');
  }
  const end = loadavg()[0];
  rows.push({ type: 'end', load: end });
  const file = `bench/results/${machine.date.slice(0, 19).replaceAll(':', '-')}-any-machine.jsonl`;
  appendFileSync(file, rows.map((each) => `${JSON.stringify(each)}\n`).join(''));
  console.log(`load at the end ${end.toFixed(2)}; rows in ${file}`);
}

if (values.inside) {
  process.stdout.write(JSON.stringify(await inside()));
  process.exit(0);
} else outside();
