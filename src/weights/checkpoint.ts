// The files behind a model's weights: one safetensors file, or shards that an index names. Shards are opened when asked for;
// opening one reads its header only and holds it against the index.
import { MelodyError } from '../errors.ts';
import type { ByteFolder, ByteSource } from '../platform/bytes.ts';
import { blockCached } from './block_cache.ts';
import { readSmall } from './config.ts';
import { indexFile, MAX_INDEX_BYTES, parseIndex, STEM, singleFile, type WeightIndex } from './index_file.ts';
import { printable } from './printable.ts';
import { readHeader, type SafetensorsHeader, type TensorInfo } from './safetensors.ts';

/** A file whose header has been read and checked. */
export interface OpenShard extends SafetensorsHeader {
  readonly source: ByteSource;
}

/** All tensors of a model by name, over one file or many. */
export class Checkpoint {
  readonly name: string;
  readonly #folder: ByteFolder | undefined;
  readonly #index: WeightIndex | undefined;
  /** The files opened so far. */
  readonly shards: OpenShard[] = [];
  readonly #opening = new Map<string, Promise<OpenShard>>();
  readonly #tensors = new Map<string, { shard: OpenShard; tensor: TensorInfo }>();

  private constructor(name: string, folder?: ByteFolder, index?: WeightIndex) {
    this.name = name;
    this.#folder = folder;
    this.#index = index;
  }

  /** One safetensors file. */
  static async ofFile(source: ByteSource, signal?: AbortSignal): Promise<Checkpoint> {
    const checkpoint = new Checkpoint(source.name);
    checkpoint.#add(await openShard(source, signal));
    return checkpoint;
  }

  /** A model folder: its index if it has one (no shard is opened yet), else its one file; `stem` is what they are called. */
  static async ofFolder(folder: ByteFolder, signal?: AbortSignal, stem = STEM): Promise<Checkpoint> {
    const [named, single] = [indexFile(stem), singleFile(stem)];
    const indexSource = await folder.open(named, signal);
    if (indexSource) {
      const index = parseIndex(await readSmall(indexSource, MAX_INDEX_BYTES, signal), indexSource.name);
      return new Checkpoint(folder.name, folder, index);
    }
    const source = await folder.open(single, signal);
    if (source) return Checkpoint.ofFile(source, signal);
    throw new MelodyError('weights', `${folder.name}: neither ${named} nor ${single} is there`, 'Name a model folder.');
  }

  /** Opens the shards of all tensors whose name `wanted` accepts. */
  async open(wanted: (name: string) => boolean, signal?: AbortSignal): Promise<void> {
    if (!this.#index) return;
    const shards = new Set<string>();
    for (const [name, shard] of this.#index.shardOf) if (wanted(name)) shards.add(shard);
    const opened = await Promise.all([...shards].map((shard) => this.#openShard(shard, signal)));
    for (const shard of opened) if (!this.shards.includes(shard)) this.#add(shard); // in the index's order, however fast each came
    this.#checkTotal(this.#index);
  }

  /** A tensor of an open shard; undefined where no file has that name. Throws `weights` when its shard has not been opened. */
  find(name: string): { shard: OpenShard; tensor: TensorInfo } | undefined {
    const found = this.#tensors.get(name);
    const shard = found ? undefined : this.#index?.shardOf.get(name);
    if (shard) {
      const hint = `Call weights.prepare(['${printable(name.replace(/\..*/s, ''))}']) before models are recorded.`;
      throw new MelodyError('weights', `${this.name}: tensor "${printable(name)}" is in shard ${shard}, which is not open`, hint);
    }
    return found;
  }

  /** Is there such a tensor, in an open shard or not? */
  has(name: string): boolean {
    return this.#index ? this.#index.shardOf.has(name) : this.#tensors.has(name);
  }

  /** All tensors of the open shards. */
  *openTensors(): Iterable<TensorInfo> {
    for (const { tensor } of this.#tensors.values()) yield tensor;
  }

  #openShard(file: string, signal?: AbortSignal): Promise<OpenShard> {
    let opening = this.#opening.get(file);
    if (!opening) {
      opening = this.#readShard(file, signal);
      this.#opening.set(file, opening);
      opening.catch(() => this.#opening.delete(file)); // may be tried again
    }
    return opening;
  }

  async #readShard(file: string, signal?: AbortSignal): Promise<OpenShard> {
    const source = await this.#folder?.open(file, signal);
    if (!source) {
      throw new MelodyError('weights', `${this.name}: shard ${file} is missing; the index names it`, 'Fetch the whole model again.');
    }
    const shard = await openShard(source, signal);
    this.#checkAgainstIndex(file, shard);
    return shard;
  }

  /** The shard must hold exactly the tensors that the index places in it, so no tensor can have two homes. */
  #checkAgainstIndex(file: string, shard: OpenShard): void {
    const faults: string[] = [];
    for (const name of shard.tensors.keys()) {
      const home = this.#index?.shardOf.get(name);
      if (home === undefined) faults.push(`"${printable(name)}" is in the file but not in the index`);
      else if (home !== file) faults.push(`"${printable(name)}" is in the file, but the index places it in ${home}`);
    }
    for (const [name, home] of this.#index?.shardOf ?? []) {
      if (home === file && !shard.tensors.has(name)) faults.push(`"${printable(name)}" is in the index but not in the file`);
    }
    if (faults.length === 0) return;
    const message = `${shard.source.name}: index and shard disagree:\n  ${faults.join('\n  ')}`;
    throw new MelodyError('weights', message, 'The folder mixes files of different exports: fetch or export it again.');
  }

  /** total_size cannot be less than what is open, and equals it once all shards are. */
  #checkTotal({ totalSize, shards }: WeightIndex): void {
    if (totalSize === undefined) return;
    let bytes = 0;
    for (const tensor of this.openTensors()) bytes += tensor.end - tensor.begin;
    const complete = this.shards.length === shards.size;
    if (bytes > totalSize || (complete && bytes !== totalSize)) {
      throw new MelodyError('weights', `${this.name}: metadata.total_size is wrong; got ${totalSize}, the shards hold ${bytes} bytes`);
    }
  }

  #add(shard: OpenShard): void {
    this.shards.push(shard);
    for (const tensor of shard.tensors.values()) this.#tensors.set(tensor.name, { shard, tensor });
  }
}

async function openShard(source: ByteSource, signal?: AbortSignal): Promise<OpenShard> {
  return { ...(await readHeader(source, signal)), source: blockCached(source) };
}
