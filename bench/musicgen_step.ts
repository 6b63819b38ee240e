// One decode step of MusicGen's decoder on the CPU, batch 2 (condition and none), from the same random weights: our three precisions beside ONNX Runtime for
// pages (WASM, f32 and int8, as many threads) and, for context, ONNX Runtime's native CPU kernels. All in one process, by turns: a slow second
// of the machine hits all alike.
//
//   node tools/run.mjs tools/full_size.ts musicgen-small FOLDER
//   python tools/musicgen_onnx.py FOLDER ONNX
//   node tools/run.mjs bench/musicgen_step.ts FOLDER ONNX [--peers bench/peers] [--threads 2] [--rounds 9] [--steps 5] [--past 50] [--only f32,int8,web] [--out FILE.jsonl]
import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { uniform } from '../src/cases/case.ts';
import { compareWithReference } from '../src/cases/compare.ts';
import { elementsOf } from '../src/graph/tensor.ts';
import { keysAndValues, musicgenStep, sinusoids } from '../src/models/musicgen_decoder.ts';
import { loadSystem } from '../src/systems/load.ts';
import type { MusicGen } from '../src/systems/musicgen/musicgen.ts';
import { inPrecision, PRECISIONS, type Precision } from '../src/systems/precision.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string', default: 'bench/peers' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '9' },
    steps: { type: 'string', default: '5' },
    past: { type: 'string', default: '50' },
    only: { type: 'string', default: '' },
    out: { type: 'string' },
  },
});
const [folder = '', models = ''] = positionals;
const [threads, rounds, steps, past] = [values.threads, values.rounds, values.steps, values.past].map(Number) as [
  number,
  number,
  number,
  number,
];
const WORDS = 14;
const CAPACITY = 512;
const IDS = [3, 1999, 77, 500];

/** Somebody who makes steps: `steps` of them a call; `logits` of the condition. */
interface Engine {
  readonly name: string;
  run(): Promise<void>;
  logits(): Promise<Float32Array>;
}

const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).decoder;
const { hidden_size: width, num_attention_heads: heads, num_hidden_layers: layers, num_codebooks: books, vocab_size: vocab } = config;
/** Keys or values of a layer, [rows, places, width], for all engines. */
const held = (what: string, layer: number, rows: number, places: number) =>
  uniform(rows * places * width, 7 * layer + (what === 'k' ? 1 : 2) + 1000 * places, 1);

async function ours(precision: Precision): Promise<Engine> {
  const music = (await loadSystem(folder, { device: 'cpu', threads, precision, untested: true })) as MusicGen;
  const { engine } = music;
  const { decoder } = engine.model.config;
  const cache = keysAndValues('self', decoder, 2, CAPACITY);
  const text = keysAndValues('text', decoder, 1, WORDS);
  const plan = await engine.plan('bench step', (g) => {
    const w = inPrecision(engine.model.weights.at('decoder'), precision);
    const ids = g.input('ids', [1, books], 'u32');
    g.output('logits', musicgenStep(g, w, ids, decoder, { cache, text, textLength: WORDS, column: g.scalar('column'), batch: 2 }));
  });
  for (const [layer, own] of cache.layers.entries())
    for (const what of ['k', 'v'] as const) {
      const all = new Float32Array(elementsOf(own[what].shape));
      const both = held(what, layer, 2, past);
      for (const row of [0, 1]) all.set(both.subarray(row * past * width, (row + 1) * past * width), row * CAPACITY * width);
      engine.residents.write(own[what], all);
      engine.residents.write((text.layers[layer] as typeof own)[what], held(what, layer, 1, WORDS));
    }
  const ids = Uint32Array.from(IDS);
  return {
    name: `melody, ${precision}`,
    async run() {
      for (let i = 0; i < steps; i++) plan.run({ column: past }, { ids });
      await engine.settle(undefined);
    },
    async logits() {
      plan.run({ column: past }, { ids });
      return (await plan.read('logits')).slice(0, books * vocab);
    },
  };
}

async function onnx(name: string, module: string, kind: string): Promise<Engine> {
  const require = createRequire(join(resolve(values.peers), 'package.json'));
  require('onnxruntime-node'); // first: both call a backend "cpu", and the first one keeps the name
  const ort = require(module);
  const path = join(models, kind);
  const web = module === 'onnxruntime-web';
  if (web) ort.env.wasm.numThreads = threads;
  const file = join(path, 'model.onnx');
  const session = web
    ? await ort.InferenceSession.create(readFileSync(file), { executionProviders: ['wasm'] })
    : await ort.InferenceSession.create(file, { executionProviders: ['cpu'], intraOpNumThreads: threads });
  const feeds: Record<string, unknown> = {
    ids: new ort.Tensor('int64', BigInt64Array.from(IDS.flatMap((id) => [BigInt(id), BigInt(id)])), [books, 2, 1]),
    position: new ort.Tensor('float32', sinusoids(past + 1, width).slice(past * width), [1, 1, width]),
  };
  /** [rows, places, heads, head] as [rows, heads, places, head]. */
  const turned = (data: Float32Array, rows: number, places: number) => {
    const head = width / heads;
    const of = (i: number) => {
      const [row, h, place, at] = [
        Math.floor(i / (places * width)),
        Math.floor(i / (places * head)) % heads,
        Math.floor(i / head) % places,
        i % head,
      ];
      return data[(row * places + place) * width + h * head + at] as number;
    };
    return new ort.Tensor(
      'float32',
      Float32Array.from(data, (_, i) => of(i)),
      [rows, heads, places, head],
    );
  };
  for (let layer = 0; layer < layers; layer++)
    for (const what of ['k', 'v']) {
      feeds[`${what}${layer}`] = turned(held(what, layer, 2, past), 2, past);
      const words = held(what, layer, 1, WORDS);
      feeds[`text_${what}${layer}`] = turned(
        Float32Array.from({ length: 2 * words.length }, (_, i) => words[i % words.length] as number),
        2,
        WORDS,
      );
    }
  const once = async () => (await session.run(feeds, ['logits'])).logits.data as Float32Array; // keys and values that it makes stay behind
  return {
    name,
    async run() {
      for (let i = 0; i < steps; i++) await once();
    },
    logits: async () => (await once()).slice(0, books * vocab),
  };
}

// `--only f32,web`: ours in f32, and ONNX Runtime's in f32 for pages
const engines: Engine[] = [];
const only = values.only.split(',').filter(Boolean);
const wanted = (...words: string[]) => only.length === 0 || words.every((word) => only.includes(word));
for (const [name, module, kind] of [
  ['onnxruntime-web, f32', 'onnxruntime-web', 'f32'],
  ['onnxruntime-web, int8', 'onnxruntime-web', 'int8'],
  ['onnxruntime-node, f32', 'onnxruntime-node', 'f32'],
  ['onnxruntime-node, int8', 'onnxruntime-node', 'int8'],
] as const)
  if (wanted(kind, module.slice('onnxruntime-'.length))) engines.push(await onnx(name, module, kind)); // the largest first, while memory is whole
for (const precision of [...PRECISIONS].reverse()) if (wanted(precision)) engines.unshift(await ours(precision));

const reference = await (engines[0] as Engine).logits();
const ms = new Map<string, number[]>(engines.map(({ name }) => [name, []]));
const load = loadavg()[0];
for (let round = -1; round < rounds; round++)
  for (const engine of engines) {
    const began = performance.now();
    await engine.run();
    if (round >= 0) ms.get(engine.name)?.push((performance.now() - began) / steps); // the first round is warming
    await new Promise((done) => setTimeout(done, 50)); // threads of ONNX Runtime spin on for a while
  }
const lines: object[] = [
  {
    type: 'machine',
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    threads,
    rounds,
    steps,
    past,
    load: [load, loadavg()[0]],
  },
];
for (const { name, logits } of engines) {
  const sorted = (ms.get(name) as number[]).sort((a, b) => a - b);
  const { nmse } = compareWithReference(await logits(), reference, 1);
  const [best, median] = [sorted[0] as number, sorted[Math.floor(sorted.length / 2)] as number];
  lines.push({ type: 'step', engine: name, bestMs: best, medianMs: median, nmse });
  console.log(
    `${name.padEnd(24)} ${median.toFixed(1).padStart(7)} ms (best ${best.toFixed(1)}), NMSE against ours in f32 ${nmse.toExponential(1)}`,
  );
}
if (values.out) appendFileSync(values.out, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
process.exit(0);
