// How fast weights are read: parsing a header of 10,000 tensors beside JSON.parse of the same text, streaming each dtype from memory,
// many small tensors and one large one from a file, and random weights. Tinybench drives the loops.
//
//   node tools/run.mjs bench/safetensors.ts [--json]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bench } from 'tinybench';
import type { WeightRef } from '../src/graph/tensor.ts';
import { type ByteSource, memorySource } from '../src/platform/bytes.ts';
import { openFile } from '../src/platform/node_files.ts';
import { blockCached } from '../src/weights/block_cache.ts';
import { randomWeights } from '../src/weights/random_weights.ts';
import { type Dtype, readHeader } from '../src/weights/safetensors.ts';
import { readTensor } from '../src/weights/tensor_stream.ts';
import { type TensorData, writeSafetensors } from '../tools/safetensors_write.ts';

const MEGABYTES = 64;
const COUNT = 10_000;

/** Reads all of a file's tensors; returns a value so that nothing can be left out. */
async function readAll(source: ByteSource): Promise<number> {
  let last = 0;
  for (const tensor of (await readHeader(source)).tensors.values()) {
    for await (const { data } of readTensor(source, tensor)) last += data[data.length - 1];
  }
  return last;
}

async function drain(ref: WeightRef): Promise<number> {
  let last = 0;
  for await (const { data } of ref.read()) last += data[data.length - 1];
  return last;
}

const zeros = (name: string, dtype: Dtype, count: number, width: number): TensorData => ({
  name,
  dtype,
  shape: [count],
  bytes: new Uint8Array(count * width),
});
const many = writeSafetensors(Array.from({ length: COUNT }, (_, i) => zeros(`model.layers.${i}.self_attn.q_proj.weight`, 'F16', 2048, 2)));
const header = memorySource('header', many);
const text = new TextDecoder().decode(many.subarray(8, 8 + Number(new DataView(many.buffer).getBigUint64(0, true))));
const folder = mkdtempSync(join(tmpdir(), 'melody-bench-'));

const bench = new Bench({ time: 1000, iterations: 5, warmupTime: 100, warmupIterations: 1 });
/** Megabytes that one run of each task goes through. */
const megabytes = new Map<string, number>();
function add(name: string, mb: number, task: () => unknown): void {
  megabytes.set(name, mb);
  bench.add(name, task);
}

add(`header of ${COUNT} tensors`, text.length / 1e6, () => readHeader(header));
add('  JSON.parse of the same text', text.length / 1e6, () => JSON.parse(text));
for (const [dtype, width] of [
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['I64', 8],
  ['U8', 1],
] as const) {
  const source = memorySource('memory', writeSafetensors([zeros('w', dtype, (MEGABYTES * 1e6) / width, width)]));
  add(`stream ${MEGABYTES} MB of ${dtype} from memory`, MEGABYTES, () => readAll(source));
}
for (const [name, bytes] of [
  ['large', writeSafetensors([zeros('w', 'F16', (MEGABYTES * 1e6) / 2, 2)])],
  ['many', many],
] as const) {
  const path = join(folder, `${name}.safetensors`);
  writeFileSync(path, bytes);
  const source = blockCached(await openFile(path)); // as a checkpoint opens it
  const what = name === 'many' ? `${COUNT} tensors of 4 KiB` : `one tensor of ${MEGABYTES} MB`;
  add(`stream a file: ${what}, F16`, bytes.length / 1e6, () => readAll(source));
}
const random = randomWeights(1).get('w', [1024, (MEGABYTES * 1e6) / 2 / 1024]);
add(`make ${MEGABYTES} MB of random F16`, MEGABYTES, () => drain(random));

await bench.run();
rmSync(folder, { recursive: true });
for (const { name, result } of bench.tasks) {
  if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
  const { p50, p75 } = result.latency;
  const row = { name: name.trim(), ms: p50, p75, megabytesPerSecond: ((megabytes.get(name) ?? 0) / p50) * 1000 };
  if (process.argv.includes('--json')) console.log(JSON.stringify(row));
  else
    console.log(
      `${name.padEnd(48)} ${p50.toFixed(1).padStart(8)} ms (p75 ${p75.toFixed(1)})  ${row.megabytesPerSecond.toFixed(0).padStart(6)} MB/s`,
    );
}
