// melody bench: how fast are the kernels on this adapter, and are they right? Also for kernels from outside.
import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { paperCases } from '../cases/all.ts';
import { openCpu } from '../engine/open_cpu.ts';
import { MelodyError } from '../errors.ts';
import type { Caps } from '../gpu/caps.ts';
import { Gpu } from '../gpu/device.ts';
import { type Ceilings, measureCeilings } from './bench/ceilings.ts';
import { cpuCeilings } from './bench/cpu_ceilings.ts';
import { customKernels } from './bench/custom.ts';
import { type MeasureOptions, measure } from './bench/measure.ts';
import { benchPipeline, pipelineTable } from './bench/pipeline.ts';
import { deviceOf, type Measurable, measurable, type Where } from './bench/prepare_case.ts';
import {
  compareLines,
  compareRows,
  compareTable,
  kernelTable,
  type MachineFacts,
  type Row,
  readJsonLines,
  rowKey,
  toJsonLines,
} from './bench/report.ts';
import { benchSystems, systemsTable } from './bench/systems.ts';
import { type Command, type Io, numberValue, textValue, type Values } from './command.ts';
import { deviceOptions } from './device.ts';
import { askQuietly, openGpuQuietly } from './quiet.ts';
import { version } from './version.ts';

/** Adapters to choose kernels for, whatever this one is: so that two ways of computing can be compared on one machine. */
const PRETENCES: Readonly<Record<string, Partial<Caps>>> = {
  gpu: { executor: 'gpu' },
  software: { executor: 'software' },
  'no-f16': { f16: false },
  'no-subgroups': { subgroups: false, subgroupMin: 0, subgroupMax: 0 },
};

/** Dawn rounds timestamps to 65 µs, for the sake of browsers; many kernels take less. */
const EXACT_CLOCK = ['disable-dawn-features=timestamp_quantization'];

/** Options that mean nothing elsewhere: given there, they are refused, not passed over. */
const OF_KERNELS = ['filter', 'shapes', 'samples', 'seconds', 'compare', 'list', 'as'];
const OF_PIPELINE = ['model', 'config', 'random', 'duration', 'steps', 'guidance'];

export const bench: Command = {
  name: 'bench',
  summary:
    'Times kernels (checked against a reference first) or a whole generation on this adapter, or counts passes of published designs.',
  arguments: 'kernels | pipeline | systems | <file.wgsl> --shapes <file.json>',
  options: {
    filter: { help: 'only cases or systems whose name contains it, such as matmul or matmul_512.f16', value: 'text' },
    shapes: { help: 'shapes for a kernel of your own', value: 'file.json' },
    samples: { help: 'timed samples a case, at least', value: 'n', default: '15' },
    seconds: { help: 'timed seconds a case, at least', value: 's', default: '0.5' },
    json: { help: 'print JSON lines instead of tables' },
    out: { help: 'also write the JSON lines into this file', value: 'file.jsonl' },
    compare: { help: 'compare with an earlier result', value: 'old.jsonl' },
    list: { help: 'list the cases and stop' },
    device: { help: 'gpu, or cpu: the threads that play where no GPU is', value: 'what', default: 'gpu' },
    threads: { help: 'threads of --device cpu (default: all cores, at most 8)', value: 'n' },
    as: { help: `choose kernels as on another adapter: ${Object.keys(PRETENCES).join(', ')}; several with commas`, value: 'what' },
    model: { help: 'pipeline: model folder (default weights/melody-small)', value: 'folder' },
    config: { help: 'pipeline: paper, small, tiny or a config.json, with --random weights', value: 'name' },
    random: { help: 'pipeline: random weights for --config' },
    duration: { help: 'pipeline: seconds of audio', value: 's', default: '10' },
    steps: { help: "pipeline: diffusion steps (default: the model's)", value: 'n' },
    guidance: { help: "pipeline: guidance scale (default: the model's)", value: 'x' },
  },
  examples: [
    'melody bench kernels --filter conv',
    'melody bench kernels --out before.jsonl',
    'melody bench kernels --compare before.jsonl',
    'melody bench kernels --filter matmul --as gpu,no-f16 --out words.jsonl',
    'melody bench my.wgsl --shapes my.json',
    'melody bench pipeline --duration 10',
    'melody bench pipeline --device cpu',
    'melody bench pipeline --config paper --random --steps 5',
    'melody bench systems --device cpu',
  ],
  async run(words, values, io) {
    const [what, ...rest] = words;
    if (what === undefined || rest.length > 0)
      throw new MelodyError('invalid_argument', `bench: got ${words.length} words, expected one: ${SUBJECTS}`, 'see `melody bench --help`');
    refuseOptions(what, values);
    const file = textValue(values, 'out');
    if (file !== undefined) checkWritable(file); // before minutes of measuring
    if (what === 'pipeline') return runPipeline(values, io);
    if (what === 'systems') return runSystems(values, io);
    const old = textValue(values, 'compare');
    const before = old === undefined ? undefined : readJsonLines(old);
    const pretend = pretended(textValue(values, 'as'));
    const options = {
      minSamples: numberValue(values, 'samples', { min: 1, whole: true }) as number,
      minMs: 1000 * (numberValue(values, 'seconds', { min: 0 }) as number),
    };
    const cases = (await casesOf(what, values)).filter(matching(textValue(values, 'filter')));
    if (cases.length === 0)
      throw new MelodyError('invalid_argument', 'bench: no case has that name', `\`melody bench ${what} --list\` shows all`);
    if (values.list) {
      io.out(`${cases.map((c) => `${c.name}.${c.storage}`).join('\n')}\n`);
      return 0;
    }
    const { where, ceilings, close } = await openWhere(values, io, pretend);
    try {
      io.err('measuring the ceilings of this adapter\n');
      const { machine, rows } = await measureAll(where, await ceilings(), cases, options, io);
      const lines = toJsonLines(machine, rows) + (before ? compareLines(before.machine, compareRows(before.rows, rows)) : '');
      if (file !== undefined) writeFileSync(file, lines);
      io.out(values.json ? lines : tables(machine, rows, before));
      return rows.some((row) => row.error !== undefined || row.ok === false) ? 1 : 0;
    } finally {
      close();
    }
  },
};

/** The GPU, or the CPU's threads where --device says so. Throws `invalid_argument`, `no_adapter`. */
async function openWhere(
  values: Values,
  io: Io,
  pretend: Partial<Caps> = {},
): Promise<{ where: Where; device: 'gpu' | 'cpu'; threads?: number | undefined; ceilings: () => Promise<Ceilings>; close: () => void }> {
  const { device, threads } = deviceOptions(values);
  if (device !== 'cpu') {
    const gpu = await Gpu.open(await openGpuQuietly(io, { dawn: EXACT_CLOCK }), { pretend });
    return { where: gpu, device: 'gpu', ceilings: () => measureCeilings(gpu), close: () => gpu.dispose() };
  }
  if (Object.keys(pretend).length)
    throw new MelodyError('invalid_argument', '--as chooses kernels of a GPU; got it with --device cpu', 'leave one of them out');
  const { where, close } = await openCpu(threads);
  return { where, device, threads, ceilings: () => cpuCeilings(where), close };
}

/** Lengths that the paper compares, seconds. */
const LENGTHS = [10, 30];

async function runSystems(values: Values, io: Io): Promise<number> {
  const options = deviceOptions(values);
  await askQuietly(options.device, io);
  const counts = await benchSystems({ ...options, untested: true }, LENGTHS, (line) => io.err(`${line}\n`), {
    signal: io.signal,
    filter: textValue(values, 'filter') ?? '',
  });
  const lines = counts.map((count) => `${JSON.stringify({ type: 'system', ...count })}\n`).join('');
  const file = textValue(values, 'out');
  if (file !== undefined) writeFileSync(file, lines);
  io.out(values.json ? lines : systemsTable(counts));
  return 0;
}

async function runPipeline(values: Values, io: Io): Promise<number> {
  const config = textValue(values, 'config');
  if ((config === undefined) !== !values.random)
    throw new MelodyError('invalid_argument', 'bench pipeline: --config and --random belong together', 'a config alone has no weights');
  const { device, threads, ceilings: measureThem, close } = await openWhere(values, io);
  const ceilings = await measureThem().finally(close);
  await askQuietly(device, io);
  const result = await benchPipeline({
    config,
    model: textValue(values, 'model'),
    seconds: numberValue(values, 'duration', { min: 0.1 }) as number,
    steps: numberValue(values, 'steps', { min: 1, whole: true }),
    guidance: numberValue(values, 'guidance', { min: 0 }),
    signal: io.signal,
    device,
    threads,
    say: (line) => io.err(`${line}\n`),
  });
  const lines = `${JSON.stringify({ ...result, ceilings, date: new Date().toISOString(), version, cpu: cpus()[0]?.model.trim() })}\n`;
  const file = textValue(values, 'out');
  if (file !== undefined) writeFileSync(file, lines);
  io.out(values.json ? lines : pipelineTable(result, ceilings));
  return 0;
}

const SUBJECTS = '"kernels", "pipeline", "systems" or a .wgsl file';

function refuseOptions(what: string, values: Values): void {
  const foreign =
    { pipeline: OF_KERNELS, systems: [...OF_KERNELS, ...OF_PIPELINE].filter((name) => name !== 'filter') }[what] ?? OF_PIPELINE;
  const strange = foreign.find((name) => values[name] !== undefined && values[name] !== bench.options[name]?.default);
  if (strange)
    throw new MelodyError(
      'invalid_argument',
      `--${strange} belongs to ${OF_KERNELS.includes(strange) ? 'kernels' : '`melody bench pipeline`'}, not to "${what}"`,
    );
}

/** Throws `io` unless a file can be written there. */
function checkWritable(file: string): void {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a folder');
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new MelodyError('io', `--out ${file}: cannot be written: ${(cause as Error).message}`, 'name a file in a folder that exists', {
      cause,
    });
  }
}

function pretended(text: string | undefined): Partial<Caps> {
  const words = text?.split(',') ?? [];
  for (const word of words)
    if (!Object.hasOwn(PRETENCES, word))
      throw new MelodyError('invalid_argument', `--as: got "${word}", expected some of ${Object.keys(PRETENCES).join(', ')}`);
  return Object.assign({}, ...words.map((word) => PRETENCES[word]));
}

async function casesOf(what: string, values: Values): Promise<Measurable[]> {
  const shapes = textValue(values, 'shapes');
  if (what === 'kernels') {
    if (shapes !== undefined)
      throw new MelodyError('invalid_argument', '--shapes belongs to a kernel of your own: melody bench my.wgsl --shapes my.json');
    return paperCases().map(measurable);
  }
  if (!what.endsWith('.wgsl')) throw new MelodyError('invalid_argument', `bench: got "${what}", expected ${SUBJECTS}`);
  if (shapes === undefined)
    throw new MelodyError('invalid_argument', `bench: ${what} needs --shapes <file.json>`, 'see bench/examples/README.md');
  return customKernels(what, shapes);
}

const matching = (filter: string | undefined) => (c: Measurable) => filter === undefined || `${c.name}.${c.storage}`.includes(filter);

async function measureAll(
  where: Where,
  ceilings: Ceilings,
  cases: readonly Measurable[],
  options: MeasureOptions,
  io: Io,
): Promise<{ machine: MachineFacts; rows: Row[] }> {
  const machine: MachineFacts = {
    type: 'machine',
    date: new Date().toISOString(),
    version,
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    adapter: deviceOf(where).caps.name,
    ceilings,
  };
  const rows: Row[] = [];
  for (const c of cases) {
    if (io.signal.aborted) throw new MelodyError('aborted', 'bench was interrupted');
    io.err(`${c.name}.${c.storage}\n`);
    rows.push(await measure(where, c, options));
  }
  return { machine, rows };
}

function tables(machine: MachineFacts, rows: readonly Row[], before: { machine: MachineFacts; rows: Row[] } | undefined): string {
  const { adapter, ceilings, cpu, cores } = machine;
  const busy = Math.max(0, ...rows.map((row) => row.otherCores ?? 0));
  const parts = [
    `${adapter}, ${cores} × ${cpu}`,
    `ceilings: ${ceilings.fmaGflops.toFixed(1)} GFLOP/s of multiply-adds, ${ceilings.copyGBs.toFixed(1)} GB/s of copying (read + write)`,
    ...(busy > 0.2 ? [`other programs kept up to ${busy.toFixed(1)} cores busy meanwhile: trust CPU ms more than wall times`] : []),
    '',
    kernelTable(rows, ceilings),
    ...rows.filter((row) => row.error).map((row) => `${rowKey(row)}: ${row.error}`),
  ];
  if (before) {
    parts.push('', `against ${before.machine.date} on ${before.machine.adapter}`, compareTable(compareRows(before.rows, rows)));
  }
  return `${parts.join('\n')}\n`;
}
