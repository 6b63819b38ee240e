// npm run bench: ours and, where bench/peers is installed, the other engines: same shapes, same inputs, outputs checked,
// sampled in turn (one engine measures, the others idle), one table of ratios, JSON lines in bench/results/.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { percentile } from '../src/audio/statistics.ts';
import { compareWithReference, NMSE_LIMIT } from '../src/cases/compare.ts';
import { watchLoad } from '../src/cli/bench/cpu_load.ts';
import { summarise } from '../src/cli/bench/stats.ts';
import { MeasuringProcess } from './harness/child.ts';
import { comparisonTable, type Measured } from './harness/table.ts';
import { PEER_CASES, type PeerCase, referenceOf, storedInputs } from './peer_cases.ts';

const GPU = { ours: ['melody', 'melody-f16'], rivals: ['ort-webgpu', 'tfjs-webgpu', 'jax-webgpu'] };
const WASM = { ours: ['melody-cpu'], rivals: ['ort-wasm'] };
/** Shown for context: native code, so not in the ratio. */
const CONTEXT = ['ort-cpu'];

const HELP = `npm run bench -- [options]
  --wasm             without a GPU: ${[...WASM.ours, ...WASM.rivals].join(' beside ')}, all cores
  --filter <text>    only cases whose name contains it
  --engines <a,b>    only these of: ${[...GPU.ours, ...GPU.rivals, ...CONTEXT].join(', ')}
  --rounds <n>       rounds of sampling, engines in turn (default 7)
  --json             print the JSON lines instead of the tables`;

interface Variant {
  process: MeasuringProcess;
  row: Measured;
  ms: number[];
  cpuMs: number[];
}

const message = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** First run of every variant on every engine, outputs checked against the reference. Wrong ones are kept in the table but not timed. */
async function prepare(c: PeerCase, processes: readonly MeasuringProcess[]): Promise<Variant[]> {
  const references = new Map<string, Float64Array>();
  const expected = (storage: 'f32' | 'f16') => {
    if (!references.has(storage)) references.set(storage, referenceOf(c, storedInputs(c, storage)));
    return references.get(storage) as Float64Array;
  };
  const variants: Variant[] = [];
  for (const process of processes) {
    const base = { case: c.name, engine: process.name, nmse: null, maxAbs: null, ok: false };
    try {
      if (!process.running) await process.start();
      for (const p of await process.ask({ type: 'prepare', case: c })) {
        const fit = p.output && compareWithReference(p.output, expected(p.storage), NMSE_LIMIT[p.storage]);
        const row: Measured = { ...base, ...fit, variant: p.variant, storage: p.storage, error: p.error, coldMs: p.coldMs };
        variants.push({ process, row, ms: [], cpuMs: [] });
      }
    } catch (error) {
      const row: Measured = { ...base, variant: '', storage: 'f32', error: message(error), coldMs: Number.NaN };
      variants.push({ process, row, ms: [], cpuMs: [] });
    }
  }
  return variants;
}

/** Sample the right variants round by round, so that a slow second of the machine hits all of them alike. */
async function measure(variants: readonly Variant[], rounds: number): Promise<number | undefined> {
  const loadOf = watchLoad();
  const cpuBefore = process.cpuUsage();
  let ownCpuMs = 0;
  for (let round = 0; round < rounds; round++) {
    for (const v of variants) {
      if (!v.row.ok || v.row.error) continue;
      try {
        const samples = await v.process.ask({ type: 'sample', variant: v.row.variant, options: { minSamples: 1, minMs: 60 } });
        v.ms.push(...samples.ms);
        v.cpuMs.push(samples.cpuMs);
        ownCpuMs += samples.totalCpuMs;
      } catch (error) {
        v.row.error = message(error);
      }
    }
  }
  const parent = process.cpuUsage(cpuBefore);
  for (const v of variants) {
    if (!v.ms.length || v.row.error) continue;
    v.row.wallMs = summarise(v.ms);
    v.row.cpuMs = percentile(
      v.cpuMs.toSorted((a, b) => a - b),
      0.5,
    );
  }
  return loadOf(ownCpuMs + (parent.user + parent.system) / 1000);
}

function machineLine() {
  const { model } = cpus()[0];
  return {
    type: 'machine',
    date: new Date().toISOString(),
    node: process.version,
    cpu: model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
  };
}

/** A new file of JSON lines, written line by line: a run that is stopped keeps what it measured. */
function openResult(folder: string): { file: string; write(line: object): void } {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().replaceAll(':', '-').slice(0, 19)}.jsonl`);
  return { file, write: (line) => appendFileSync(file, `${JSON.stringify(line)}\n`) };
}

interface Options {
  ours: readonly string[];
  rivals: readonly string[];
  cases: readonly PeerCase[];
  engines: readonly string[];
  rounds: number;
  json: boolean;
}

/** What is asked for; undefined for the help. Throws an Error that says what is wrong. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string', default: '' },
      engines: { type: 'string' },
      rounds: { type: 'string', default: '7' },
      json: { type: 'boolean', default: false },
      wasm: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { ours, rivals } = values.wasm ? WASM : GPU;
  const known = [...ours, ...rivals, ...CONTEXT];
  const engines = values.engines?.split(',') ?? known;
  const unknown = engines.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--engines: got "${unknown}", expected some of ${known.join(', ')}`);
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds: got "${values.rounds}", expected a whole number from 1`);
  const cases = PEER_CASES.filter((c) => c.name.includes(values.filter));
  if (cases.length === 0)
    throw new Error(`--filter: no case has "${values.filter}" in its name; there are ${PEER_CASES.map((c) => c.name).join(', ')}`);
  return { ours, rivals, cases, engines, rounds, json: values.json };
}

async function main(options: Options): Promise<void> {
  const { ours, rivals } = options;
  const folder = import.meta.dirname;
  const available = [
    ...(existsSync(join(folder, 'ours.mjs')) ? ours.map((name) => new MeasuringProcess(name, join(folder, 'ours.mjs'), [name])) : []),
    ...(existsSync(join(folder, 'peers.mjs'))
      ? [...rivals, ...CONTEXT].map((name) => new MeasuringProcess(name, join(folder, 'peers.mjs'), [name]))
      : []),
  ];
  if (available.length <= ours.length) console.error('the other engines are not installed: npm install --prefix bench/peers');
  const processes = available.filter((p) => options.engines.includes(p.name));
  const engines = processes.map((p) => p.name);
  const log = (line: string) => (options.json ? console.error(line) : console.log(line));
  const info: Record<string, unknown> = {};
  for (const p of processes) {
    try {
      info[p.name] = await p.start();
    } catch (error) {
      info[p.name] = { error: message(error) };
    }
    log(`${p.name}: ${JSON.stringify(info[p.name])}`);
  }
  const { file, write } = openResult(join(folder, '..', '..', 'results')); // the bundle runs in bench/peers/dist
  write({ ...machineLine(), engines: info });
  const rows: Measured[] = [];
  for (const c of options.cases) {
    const variants = await prepare(c, processes);
    const otherCores = await measure(variants, options.rounds);
    for (const { row } of variants) {
      rows.push({ ...row, otherCores });
      write({ ...row, otherCores });
    }
    for (const p of processes) if (p.running) await p.ask({ type: 'release' }).catch(() => {});
    log(`${c.name}: measured, other processes kept ${otherCores?.toFixed(2) ?? '?'} cores busy`);
  }
  for (const p of processes) p.stop();
  if (options.json) return console.log(readFileSync(file, 'utf8'));
  for (const [measureName, title] of [
    ['best', 'wall ms, best'],
    ['median', 'wall ms, median'],
    ['cpu', 'CPU ms per run, median of rounds'],
  ] as const) {
    console.log(`\n${title}\n${comparisonTable(rows, engines, ours, rivals, measureName)}`);
  }
  for (const r of rows.filter((r) => r.error || !r.ok)) {
    console.log(`${r.case}, ${r.engine}, ${r.variant || 'start'}: ${r.error ?? `wrong, NMSE ${r.nmse?.toExponential(1)}`}`);
  }
}

let options: Options | undefined;
try {
  options = readOptions();
} catch (error) {
  console.error(`npm run bench: ${message(error)}\n\n${HELP}`);
  process.exit(2);
}
if (options) await main(options);
else console.log(HELP);
