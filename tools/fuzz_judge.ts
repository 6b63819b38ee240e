// The rules that hold for every file, however broken: only MelodyErrors, quickly, within four times the file's size.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MelodyError } from '../src/errors.ts';
import { type ByteSource, memorySource } from '../src/platform/bytes.ts';
import { READ_AS } from '../src/weights/convert.ts';
import { parseIndex } from '../src/weights/index_file.ts';
import { DTYPE_BITS, readHeader, type SafetensorsHeader } from '../src/weights/safetensors.ts';
import { checkValues, readTensor } from '../src/weights/tensor_stream.ts';

/** A file may take this long. */
export const MOST_MS = 1000;
/** Memory may grow by this multiple of the file's size, beside a fixed allowance for the machinery of any call. */
export const MOST_MEMORY = 4;
const ALLOWANCE = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** What became of a file. */
export interface Judgement {
  readonly accepted: boolean;
  readonly ms: number;
  /** Memory held for the header, over the size of the file; measured of large files only. */
  readonly memory: number;
}

/** Reads the file to its last value; throws where a rule is broken. */
export async function judge(bytes: Uint8Array): Promise<Judgement> {
  const memory = memorySource('file', bytes);
  let largest = 0;
  const source = {
    ...memory,
    read(offset: number, length: number) {
      largest = Math.max(largest, length);
      return memory.read(offset, length);
    },
  };
  // Of small files the garbage counts too: it stays under the allowance. Of large ones, what is held once the header has been read.
  const large = MOST_MEMORY * bytes.length > ALLOWANCE;
  const before = memoryInUse(large);
  const parsing = stopwatch();
  const header = await typed(() => readHeader(source));
  const parsed = parsing();
  const held = large ? memoryInUse(true) - before : 0;
  const reading = stopwatch();
  const accepted = header !== undefined && (await typed(() => readValues(source, header))) !== undefined;
  const took = parsed + reading();
  const grown = large ? held : memoryInUse(false) - before;
  if (took > MOST_MS) throw new Error(`took ${took} ms`);
  if (largest > bytes.length) throw new Error(`asked for ${largest} bytes of a file of ${bytes.length}`);
  if (grown > MOST_MEMORY * bytes.length + ALLOWANCE) throw new Error(`memory grew by ${grown} bytes for a file of ${bytes.length}`);
  return { accepted, ms: took, memory: large ? held / bytes.length : 0 };
}

/** Milliseconds since, on the clock or of this process's computing, whichever is less: a busy machine is not our hang. */
function stopwatch(): () => number {
  const start = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - start, (user + system) / 1000);
  };
}

/** The same rules for the text of an index. */
export async function judgeIndex(bytes: Uint8Array): Promise<Judgement> {
  const parsing = stopwatch();
  const index = await typed(async () => parseIndex(bytes, 'index'));
  const ms = parsing();
  if (ms > MOST_MS) throw new Error(`took ${ms} ms`);
  for (const shard of index?.shards ?? []) {
    if (/[^\w.-]/.test(shard) || shard.startsWith('.')) throw new Error(`accepted shard ${JSON.stringify(shard)}`);
  }
  return { accepted: index !== undefined, ms, memory: 0 };
}

/** The result, or undefined where the file was refused as it should be. */
async function typed<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MelodyError && (error.code === 'weights' || error.code === 'non_finite')) return undefined;
    throw new Error(`got ${error}, expected a MelodyError of code weights or non_finite`, { cause: error });
  }
}

/** Reads every value and holds what was read against the header. */
async function readValues(source: ByteSource, { tensors }: SafetensorsHeader): Promise<true> {
  let bytes = 0;
  for (const tensor of tensors.values()) {
    bytes += tensor.end - tensor.begin;
    if (READ_AS[tensor.dtype] === undefined) {
      await checkValues(source, tensor);
      continue;
    }
    let elements = 0;
    for await (const { data } of readTensor(source, tensor)) elements += data.length;
    const expected = tensor.shape.reduce((n, d) => n * d, 1);
    if (elements !== expected || (expected * DTYPE_BITS[tensor.dtype]) / 8 !== tensor.end - tensor.begin) {
      throw new Error(`read ${elements} elements of [${tensor.shape}]`);
    }
  }
  if (bytes > source.size - 10) throw new Error(`tensors of ${bytes} bytes in a file of ${source.size}`);
  return true;
}

function memoryInUse(collect: boolean): number {
  if (collect) collectGarbage();
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
