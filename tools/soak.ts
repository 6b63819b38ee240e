// A long run of one Melody that many share: clients who make clips and streams, some of whom leave in the middle. Memory must stay flat, every
// error typed, and a queue of four as fast as the same clips one after another.
//
//   node tools/run.mjs tools/soak.ts [--minutes 30] [--model weights/melody-tiny] [--device cpu] [--clients 4]
//
// Prints memory as it goes and a verdict; exits with 1 on a fault. Memory is the median of the resident size in the second and in the last quarter of
// the time, after a garbage collection: the first quarter warms up. Throughput is measured at the end, in pairs, by the clock: nothing else should run.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MelodyError } from '../src/errors.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    model: { type: 'string', default: 'weights/melody-tiny' },
    device: { type: 'string', default: 'cpu' },
    clients: { type: 'string', default: '4' },
    pairs: { type: 'string', default: '8' },
  },
});
const MOST_GROWTH = 0.03;
const LEAST_SHARE = 0.95;
const [minutes, clients, pairs] = [values.minutes, values.clients, values.pairs].map(Number) as [number, number, number];
if (!(minutes > 0 && clients >= 1 && pairs >= 1)) {
  console.error('soak: --minutes, --clients and --pairs must be numbers over 0');
  process.exit(2);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const melody = await MeLoDy.load(values.model, { device: values.device as 'cpu' | 'gpu' | 'auto', queue: 2 * clients });
await melody.warmup();

const begun = performance.now();
const end = begun + minutes * 60_000;
const counts = { clips: 0, streams: 0, left: 0, busy: 0, audioSeconds: 0 };
const faults: string[] = [];

/** Makes clips and streams until the time is over; every third job is left in the middle. */
async function client(number: number): Promise<void> {
  for (let job = 0; performance.now() < end; job++) {
    const leaving = new AbortController();
    const timer = job % 3 === 2 ? setTimeout(() => leaving.abort(), 20 + ((job * 37 + number * 101) % 400)) : undefined;
    const options = {
      prompt: ['calm piano', 'fast samba', 'dark trance, 138 bpm'][job % 3],
      seed: job,
      durationSeconds: 1 + (job % 3),
      signal: leaving.signal,
    };
    try {
      if (job % 2) {
        let seconds = 0;
        for await (const { channels, sampleRate } of melody.stream(options)) {
          seconds += channels[0].length / sampleRate;
          if (job % 5 === 3) break; // hung up
        }
        counts.streams++;
        counts.audioSeconds += seconds;
      } else {
        counts.audioSeconds += (await melody.generate(options)).channels[0].length / melody.model.config.sample_rate;
        counts.clips++;
      }
    } catch (error) {
      if (!(error instanceof MelodyError)) faults.push(String((error as Error).stack));
      else if (error.code === 'aborted' && leaving.signal.aborted) counts.left++;
      else if (error.code === 'busy') counts.busy++;
      else faults.push(`${error.code}: ${error.message}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

const memory: { at: number; rss: number }[] = [];
const watch = setInterval(
  () => {
    collect();
    memory.push({ at: (performance.now() - begun) / (minutes * 60_000), rss: process.memoryUsage().rss });
  },
  Math.max(1000, minutes * 300),
);
const report = setInterval(
  () => {
    const { at, rss } = memory.at(-1) ?? { at: 0, rss: 0 };
    console.log(`${(at * minutes).toFixed(1)} min  ${(rss / 1e6).toFixed(0)} MB  ${JSON.stringify(counts)}  faults ${faults.length}`);
  },
  Math.max(5000, minutes * 3000),
);
await Promise.all(Array.from({ length: clients }, (_, i) => client(i)));
clearInterval(watch);
clearInterval(report);

const median = (list: readonly number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
const quarter = (n: number) => median(memory.filter(({ at }) => at >= n / 4 && at < (n + 1) / 4).map(({ rss }) => rss));
const growth = quarter(3) / quarter(1) - 1;

/** Seconds that four equal clips take, asked for at once or one after another. */
async function four(atOnce: boolean, seed: number): Promise<number> {
  const ask = (i: number) => melody.generate({ prompt: 'calm piano', seed: seed + i, durationSeconds: 4 });
  const start = performance.now();
  if (atOnce) await Promise.all([0, 1, 2, 3].map(ask));
  else for (const i of [0, 1, 2, 3]) await ask(i);
  return (performance.now() - start) / 1000;
}
const shares: number[] = [];
for (let pair = 0; pair < pairs; pair++) {
  const first = await four(pair % 2 === 0, 4 * pair);
  const second = await four(pair % 2 !== 0, 4 * pair);
  shares.push(pair % 2 === 0 ? second / first : first / second);
}
melody.dispose();

const share = median(shares);
console.log(
  `${minutes} min, ${clients} clients: ${JSON.stringify(counts)}; memory ${(quarter(1) / 1e6).toFixed(0)} -> ${(quarter(3) / 1e6).toFixed(0)} MB (${(100 * growth).toFixed(1)} %), ` +
    `untyped or unexpected errors ${faults.length}, throughput of a queue of four ${share.toFixed(3)} of one after another (median of ${pairs} pairs)`,
);
for (const fault of faults.slice(0, 5)) console.log(`FAULT ${fault}`);
const wrong = [
  faults.length > 0 && 'errors',
  !(growth <= MOST_GROWTH) && `memory grew by over ${100 * MOST_GROWTH} %`,
  !(share >= LEAST_SHARE) && `throughput under ${LEAST_SHARE}`,
].filter(Boolean);
console.log(wrong.length > 0 ? `FAILED: ${wrong.join(', ')}` : 'all of it holds');
process.exitCode = wrong.length > 0 ? 1 : 0;
