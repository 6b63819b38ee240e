// A long stream, watched: is memory flat, and does no join click?
//
//   node tools/run.mjs tools/long_stream.ts [--model weights/melody-small] [--seconds 600] [--prompt text] [--seed 1] [--steps n] [--json]
//
// After each minute of music: bytes of GPU buffers, what JavaScript holds after a collection, and the process. At the end the worst join of
// the chunks (the jump measure of src/audio/measures/joins.ts, judged within the music around the join; at most about 1 where nothing clicks)
// beside the same measure at places between the joins, and the growth from the first minute to the last. The music itself is not kept.

import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seams } from '../src/audio/measures/joins.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'weights/melody-small' },
    seconds: { type: 'string', default: '600' },
    prompt: { type: 'string', default: 'slow piano ballad with strings' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string' },
    json: { type: 'boolean' },
  },
});
const EVERY = 60; // seconds of music between rows
const AROUND = 2; // seconds of music before and after a join that it is judged against

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

interface Row {
  readonly musicSeconds: number;
  readonly computeSeconds: number;
  readonly gpuBytes: number;
  readonly gpuBuffers: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly rssBytes: number;
}

const melody = await MeLoDy.load(values.model);
const { sample_rate: rate } = melody.model.config;
const around = AROUND * rate;
const rows: Row[] = [];
const joins: { second: number; jump: number }[] = [];
const others: number[] = []; // the same measure halfway between a join and the end of what surrounds it
const waiting: number[] = []; // joins whose surroundings are not all made yet
let recent = new Float32Array(0); // the end of the music so far
let made = 0; // samples
const start = performance.now();

/** Judge the joins that have AROUND seconds behind them, or all at the end of the music. */
function judge(all: boolean): void {
  while (waiting.length > 0 && (all || made - waiting[0] >= around)) {
    const join = waiting.shift() as number;
    const from = Math.max(made - recent.length, join - around);
    const piece = recent.subarray(from - (made - recent.length), Math.min(recent.length, join + around - (made - recent.length)));
    const at = join - from;
    const [seam, before] = seams(piece, rate, [at, Math.floor(at / 2)]);
    joins.push({ second: join / rate, jump: seam.jump });
    others.push(before.jump);
  }
}

function note(): void {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const { bytes, buffers } = melody.engine.device.memory;
  const row = {
    musicSeconds: made / rate,
    computeSeconds: (performance.now() - start) / 1000,
    gpuBytes: bytes,
    gpuBuffers: buffers,
    heapBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
  };
  rows.push(row);
  if (values.json) return;
  if (rows.length === 1) process.stdout.write('  music s  compute s  GPU bytes  buffers  heap MB  external MB  RSS MB\n');
  const cells = [row.musicSeconds.toFixed(1), row.computeSeconds.toFixed(1), bytes, buffers, mb(heapUsed), mb(external), mb(rss)];
  process.stdout.write(`${cells.map((cell, i) => String(cell).padStart([9, 11, 11, 9, 9, 13, 8][i])).join('')}\n`);
}

const mb = (bytes: number) => (bytes / 1e6).toFixed(1);

const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error(`--seconds: got "${values.seconds}", expected a number over 0`);
const steps = values.steps === undefined ? undefined : Number(values.steps);
// Endless, and left when it is long enough: a last window of another length would need plans of its own.
for await (const { channels } of melody.stream({ prompt: values.prompt, seed: Number(values.seed), steps })) {
  const [chunk] = channels;
  const minute = Math.floor(made / rate / EVERY);
  if (made > 0) waiting.push(made);
  // What the oldest waiting join is judged against must stay.
  const keep = recent.subarray(Math.max(0, recent.length - ((waiting.length > 0 ? made - waiting[0] : 0) + around)));
  const next = new Float32Array(keep.length + chunk.length);
  next.set(keep);
  next.set(chunk, keep.length);
  recent = next;
  made += chunk.length;
  judge(false);
  if (Math.floor(made / rate / EVERY) > minute) note();
  if (made >= seconds * rate) break;
}
if (rows.length === 0) note();
judge(true);
melody.dispose();

const worst = joins.reduce((a, b) => (b.jump > a.jump ? b : a), { second: 0, jump: 0 });
const worstOther = Math.max(0, ...others);
const [first, last] = [rows[0], rows.at(-1) ?? rows[0]];
const growth = {
  gpuBytes: last.gpuBytes - first.gpuBytes,
  heapBytes: last.heapBytes - first.heapBytes,
  externalBytes: last.externalBytes - first.externalBytes,
  rssBytes: last.rssBytes - first.rssBytes,
};
if (values.json)
  process.stdout.write(`${JSON.stringify({ model: melody.model.name, rows, growth, joins: joins.length, worst, worstOther }, null, 2)}\n`);
else
  process.stdout.write(
    `${joins.length} joins, the worst at ${worst.second.toFixed(2)} s: jump ${worst.jump.toFixed(2)}; between joins ${worstOther.toFixed(2)} at most\n` +
      `from the first row to the last: GPU ${growth.gpuBytes} bytes, heap ${mb(growth.heapBytes)} MB, external ${mb(growth.externalBytes)} MB, RSS ${mb(growth.rssBytes)} MB\n`,
  );
