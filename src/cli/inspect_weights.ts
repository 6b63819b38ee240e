// What `melody inspect` says of weights: one safetensors file, or a model folder.
import { MelodyError } from '../errors.ts';
import { isObject } from '../pipeline/checks.ts';
import { type ModelConfig, openModel } from '../pipeline/model.ts';
import type { ByteFolder, ByteSource } from '../platform/bytes.ts';
import { hashOf } from '../platform/node_hash.ts';
import { systemMisfits } from '../systems/inspect.ts';
import { systemOf } from '../systems/kind.ts';
import type { SystemPlace } from '../systems/place.ts';
import { Checkpoint, type OpenShard } from '../weights/checkpoint.ts';
import { readSmall } from '../weights/config.ts';
import { READ_AS } from '../weights/convert.ts';
import { type JsonObject, parseJsonObject } from '../weights/json.ts';
import { licenceOf } from '../weights/model_card.ts';
import { printable } from '../weights/printable.ts';
import { readHeader } from '../weights/safetensors.ts';
import { checkValues, readTensor } from '../weights/tensor_stream.ts';
import { modelMisfits } from './inspect_model.ts';

export interface InspectOptions {
  readonly allowNonFinite: boolean;
  readonly signal: AbortSignal;
}

/** One safetensors file. Names are as in the file, not escaped. */
export interface FileReport {
  readonly kind: 'safetensors';
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly { name: string; dtype: string; shape: readonly number[]; elements: number; bytes: number; offset: number }[];
  /** What a stranger could mislead with; the file is read all the same. */
  readonly warnings: readonly string[];
  /** What makes the file unfit for use. */
  readonly faults: readonly string[];
}

/** A model folder. */
export interface FolderReport {
  readonly kind: 'model';
  readonly name: string;
  /** What it is, in a line: of published systems. */
  readonly title?: string;
  readonly config: ModelConfig | JsonObject;
  /** Of the model card, where there is one that says so. */
  readonly licence: string | undefined;
  readonly files: readonly FileReport[];
  readonly warnings: readonly string[];
  readonly faults: readonly string[];
}

const MAX_SMALL_FILE = 4 * 1024 * 1024;

/** Reads a whole safetensors file: header, every value, hash. Throws `weights` or `io` where it cannot be read at all. */
export async function inspectFile(source: ByteSource, options: InspectOptions): Promise<FileReport> {
  return inspectShard({ ...(await readHeader(source, options.signal)), source }, options);
}

/** Reads a model folder: every shard against the index, hashes against the manifest, the weights against what the networks ask for. */
export async function inspectFolder(folder: SystemPlace, options: InspectOptions): Promise<FolderReport> {
  const { kind, config } = await systemOf(folder, options.signal);
  if (kind !== 'melody') return inspectPublished(folder, kind, config, options);
  const model = await openModel(folder, options);
  const { faults, unused } = await modelMisfits(model);
  const files = await inspectShards(folder, options);
  faults.push(...(await manifestFaults(folder, options.signal)));
  const licence = await licenceOf(folder, options.signal);
  const warnings = unused.map((name) => `tensor ${printable(name)} is not used by any model`);
  if (!licence) warnings.push('no licence is stated: README.md has no front matter with "license"');
  return { kind: 'model', name: folder.name, config: model.config, licence, files, warnings, faults };
}

/** The same of a published system. */
async function inspectPublished(
  folder: SystemPlace,
  kind: 'musicgen' | 'encodec' | 'stable_audio',
  config: JsonObject,
  options: InspectOptions,
): Promise<FolderReport> {
  const {
    title,
    licence,
    faults,
    unused,
    folders = [{ folder, stem: 'model' }],
  } = await systemMisfits(folder, kind, config, options.signal);
  const files: FileReport[] = [];
  for (const part of folders) files.push(...(await inspectShards(part.folder, options, part.stem)));
  const warnings = unused.map((name) => `tensor ${printable(name)} is not used by any network`);
  return { kind: 'model', name: folder.name, title, config, licence, files, warnings, faults };
}

async function inspectShards(folder: ByteFolder, options: InspectOptions, stem?: string): Promise<FileReport[]> {
  const checkpoint = await Checkpoint.ofFolder(folder, options.signal, stem);
  await checkpoint.open(() => true, options.signal);
  const files: FileReport[] = [];
  for (const shard of checkpoint.shards) files.push(await inspectShard(shard, options));
  return files;
}

async function inspectShard({ source, tensors, metadata }: OpenShard, options: InspectOptions): Promise<FileReport> {
  const faults: string[] = [];
  const warnings = nameWarnings([...tensors.keys()]);
  for (const tensor of tensors.values()) {
    if (!READ_AS[tensor.dtype])
      warnings.push(
        `melody cannot load tensor ${printable(tensor.name)}: it is ${tensor.dtype}; read are ${Object.keys(READ_AS).join(', ')}`,
      );
    const narrowed = tensor.dtype === 'I64'; // sound values, but perhaps too large for the GPU
    await (narrowed ? readAll(source, tensor, options) : checkValues(source, tensor, options)).catch((error: unknown) => {
      if (!(error instanceof MelodyError) || (error.code !== 'weights' && error.code !== 'non_finite')) throw error;
      if (narrowed) warnings.push(`melody cannot load tensor ${printable(tensor.name)}: ${error.message}`);
      else faults.push(error.message);
    });
  }
  return {
    kind: 'safetensors',
    name: source.name,
    bytes: source.size,
    sha256: await hashOf(source, options.signal),
    metadata: Object.fromEntries(metadata),
    tensors: [...tensors.values()].map(({ name, dtype, shape, begin, end }) => ({
      name,
      dtype,
      shape,
      elements: shape.reduce((n, d) => n * d, 1),
      bytes: end - begin,
      offset: begin,
    })),
    warnings,
    faults,
  };
}

async function readAll(...tensor: Parameters<typeof readTensor>): Promise<void> {
  for await (const _ of readTensor(...tensor));
}

/** Names that look alike, or that would not print as they are. */
function nameWarnings(names: readonly string[]): string[] {
  const warnings: string[] = [];
  const byForm = new Map<string, string>();
  for (const name of names) {
    const form = name.normalize('NFC');
    const twin = byForm.get(form);
    if (twin !== undefined) warnings.push(`tensor names ${codePoints(twin)} and ${codePoints(name)} look the same: "${printable(form)}"`);
    byForm.set(form, name);
    if (printable(name) !== name)
      warnings.push(`tensor name ${printable(name)} is ${name.length > 200 ? 'very long' : 'printed with escapes'}`);
  }
  return warnings;
}

/** Non-ASCII characters by number, so that twins can be told apart. */
function codePoints(name: string): string {
  return `"${printable(name).replace(/[^\x20-\x7e]/gu, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`)}"`;
}

/** Holds the folder's files against manifest.json, `{ files: { name: { sha256, bytes } } }`, where there is one. */
async function manifestFaults(folder: ByteFolder, signal: AbortSignal): Promise<string[]> {
  const source = await folder.open('manifest.json', signal);
  if (!source) return [];
  const { files } = parseJsonObject(await readSmall(source, MAX_SMALL_FILE, signal), source.name, 4);
  if (!isObject(files)) return [`${source.name}: no "files"`];
  const faults: string[] = [];
  for (const [name, stated] of Object.entries(files)) {
    const file = await folder.open(name, signal);
    if (!isObject(stated) || typeof stated.sha256 !== 'string') faults.push(`${source.name}: no sha256 of ${printable(name)}`);
    else if (!file) faults.push(`${printable(name)}: missing; manifest.json lists it`);
    else if ((await hashOf(file, signal)) !== stated.sha256) faults.push(`${printable(name)}: SHA-256 is not the one in manifest.json`);
  }
  return faults;
}
