// melody doctor: can this machine make music? Says what it is, what its GPU can do, and whether the GPU computes right.
import { stat, statfs } from 'node:fs/promises';
import { cpus, freemem, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { platform } from '#platform';
import { openCpu } from '../engine/open_cpu.ts';
import { MelodyError } from '../errors.ts';
import { DEFAULT_CAPS } from '../gpu/caps.ts';
import { Gpu } from '../gpu/device.ts';
import type { Where } from './bench/prepare_case.ts';
import type { Command, Io } from './command.ts';
import { deviceOptions } from './device.ts';
import { checkKernels } from './kernel_check.ts';
import { openGpuQuietly } from './quiet.ts';
import { version } from './version.ts';

/** Kept downloads and a song need about this much. */
const DISK_WANTED = 1e9;
/** The longest topic is "workgroup memory". */
const TOPIC_WIDTH = 16;

/** A terminal and a pipe do not get those lines (quiet.ts). */
const SOFTWARE: Finding = {
  topic: 'kind',
  text: 'software: right, but slow; a GPU is many times faster',
  hint: 'lines "Warning: maxDynamic… artificially reduced" in a log file are WebGPU\'s native code; they mean nothing here',
};

/** One line of the report and what to do about it: `ok` undefined is a plain fact, false makes the exit code 1. */
interface Finding {
  topic: string;
  text: string;
  ok?: boolean | undefined;
  hint?: string | undefined;
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Checks this machine: versions, GPU and its limits, every kind of kernel, disk.',
  arguments: '[--json]',
  options: {
    json: { help: 'print the findings as JSON' },
    device: { help: 'look at gpu or cpu alone; auto: at both, and a missing GPU is no fault', value: 'what', default: 'auto' },
  },
  examples: ['melody doctor', 'melody doctor --device cpu'],
  async run(words, values, io) {
    if (words.length > 0)
      throw new MelodyError('invalid_argument', `doctor: got "${words.join(' ')}", expected no words`, 'see `melody doctor --help`');
    const findings: Finding[] = [];
    // Told one by one: compiling every kernel takes its time on a software adapter.
    for await (const finding of examine(deviceOptions(values).device, io)) {
      findings.push(finding);
      if (!values.json) print(finding, io);
    }
    const failed = findings.filter(({ ok }) => ok === false).length;
    if (values.json) io.out(`${JSON.stringify(findings, null, 2)}\n`);
    else io.out(failed === 0 ? '\nThis machine can run melody.\n' : `\n${failed} thing${failed > 1 ? 's' : ''} to mend first.\n`);
    return failed === 0 ? 0 : 1;
  },
};

async function* examine(device: 'auto' | 'gpu' | 'cpu', io: Io): AsyncGenerator<Finding> {
  yield* versions();
  yield await diskFinding();
  if (device !== 'cpu') yield* gpuFindings(device === 'gpu', io);
  if (device !== 'gpu') yield* cpuFindings();
}

/** The threads that compute where no GPU does, and whether they compute right. */
async function* cpuFindings(): AsyncGenerator<Finding> {
  let opened: Awaited<ReturnType<typeof openCpu>>;
  try {
    opened = await openCpu();
  } catch (error) {
    if (!(error instanceof MelodyError)) throw error;
    yield { topic: 'CPU', text: error.message, ok: false, hint: error.hint };
    return;
  }
  try {
    yield { topic: 'CPU', text: `WebAssembly SIMD on ${opened.threads} ${opened.threads === 1 ? 'thread' : 'threads'}`, ok: true };
    yield* await kernelFindings(
      opened.where,
      'CPU self-test',
      'this JavaScript engine computes wrongly: use another version, and please report this',
    );
  } finally {
    opened.close();
  }
}

function versions(): Finding[] {
  const processor = cpus();
  return [
    { topic: 'melody', text: version },
    { topic: 'Node', text: `${process.version} on ${process.platform} ${process.arch} (${release()})` },
    { topic: 'WebGPU', text: platform.runtime },
    { topic: 'processor', text: `${processor.length} × ${processor[0]?.model.trim() ?? 'unknown'}` },
    { topic: 'memory', text: `${gigabytes(totalmem())}, ${gigabytes(freemem())} free` },
  ];
}

/** The adapter, its features and limits, and whether it computes right. A missing adapter is a finding, not an exception. */
async function* gpuFindings(needed: boolean, io: Io): AsyncGenerator<Finding> {
  let gpu: Gpu;
  try {
    gpu = await Gpu.open(await openGpuQuietly(io));
  } catch (error) {
    if (!(error instanceof MelodyError)) throw error;
    if (needed) yield { topic: 'adapter', text: error.message, ok: false, hint: error.hint };
    else yield { topic: 'adapter', text: `none, so music is made on the CPU: ${error.message}`, hint: `to use a GPU, ${error.hint}` };
    return;
  }
  try {
    const { caps } = gpu;
    const limit = (name: string, value: number, least: number, unit: (n: number) => string) => {
      return { topic: name, text: `${unit(value)} (WebGPU's minimum: ${unit(least)})`, ok: value >= least };
    };
    const subgroups = caps.subgroups ? `yes, ${caps.subgroupMin} to ${caps.subgroupMax} wide` : 'no';
    yield* [
      { topic: 'adapter', text: caps.name, ok: true },
      caps.executor === 'gpu' ? { topic: 'kind', text: 'hardware' } : SOFTWARE,
      {
        topic: 'features',
        text: `shader-f16 ${yesNo(caps.f16)}; subgroups ${subgroups}; timestamp-query ${yesNo(caps.timestamps)} (none is needed)`,
      },
      limit('storage binding', caps.storageBinding, DEFAULT_CAPS.storageBinding, mebibytes),
      limit('buffer', caps.bufferSize, DEFAULT_CAPS.bufferSize, mebibytes),
      limit('workgroup memory', caps.workgroupMemory, DEFAULT_CAPS.workgroupMemory, (n) => `${n} bytes`),
      limit('workgroup size', caps.invocations, DEFAULT_CAPS.invocations, String),
      limit('groups per axis', caps.groupsPerAxis, DEFAULT_CAPS.groupsPerAxis, String),
    ];
    io.err('testing every kind of kernel; the first time compiles them, which may take a minute on a software adapter\n');
    yield* await kernelFindings(gpu, 'self-test', 'this GPU or its driver computes wrongly: update the driver, and please report this');
  } finally {
    gpu.dispose();
  }
}

/** One line when all kernels compute right there, else one for each that does not. */
async function kernelFindings(where: Where, topic: string, hint: string): Promise<Finding[]> {
  const results = await checkKernels(where);
  const wrong = results.filter(({ ok }) => !ok);
  const worst = Math.max(...results.map(({ nmse }) => nmse));
  if (wrong.length === 0)
    return [{ topic, text: `${results.length} kernels compute right here (worst error ${worst.toExponential(0)})`, ok: true }];
  return wrong.map(({ name, storage, nmse, error }) => ({
    topic,
    text: `${name} (${storage}): ${error ?? `wrong, normalised error ${nmse.toExponential(1)}`}`,
    ok: false,
    hint,
  }));
}

/** Room where downloads are kept. */
async function diskFinding(): Promise<Finding> {
  const { place } = platform.cache;
  const kept = await platform.cache.list();
  const bytes = kept.reduce((sum, { received }) => sum + received, 0);
  const { bavail, bsize } = await statfs(await nearestFolder(place));
  const free = bavail * bsize;
  const enough = free >= DISK_WANTED;
  return {
    topic: 'disk',
    text: `${gigabytes(free)} free for downloads in ${place} (${kept.length} kept, ${gigabytes(bytes)})`,
    ok: enough,
    hint: enough ? undefined : `free some space: ${gigabytes(DISK_WANTED)} are wanted`,
  };
}

/** The folder itself, or the nearest one above it that exists. */
async function nearestFolder(path: string): Promise<string> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  return exists || dirname(path) === path ? path : nearestFolder(dirname(path));
}

function print({ topic, text, ok, hint }: Finding, io: Io): void {
  const mark = ok === undefined ? '    ' : ok ? 'ok  ' : 'FAIL';
  io.out(`${mark} ${topic.padEnd(TOPIC_WIDTH)}  ${text}\n`);
  if (hint) io.out(`${' '.repeat(TOPIC_WIDTH + 7)}${hint}\n`);
}

const yesNo = (value: boolean) => (value ? 'yes' : 'no');
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
