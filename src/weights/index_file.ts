// model.safetensors.index.json: which shard of a folder holds which tensor. Shard names come from a stranger's file, so only
// plain file names are taken; no path, drive, address or escape can be spelled with the letters allowed.
import { MelodyError } from '../errors.ts';
import { AGAIN, JsonScanner } from './json.ts';
import { printable } from './printable.ts';

/** What files of weights are called, where nothing else is asked for. */
export const STEM = 'model';
export const singleFile = (stem: string): string => `${stem}.safetensors`;
export const indexFile = (stem: string): string => `${singleFile(stem)}.index.json`;
/** An index longer than this is refused unread. */
export const MAX_INDEX_BYTES = 32 * 1024 * 1024;

const MAX_SHARDS = 1024;
const SHARD_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.safetensors$/;
const METADATA_DEPTH = 4;

/** What an index says. */
export interface WeightIndex {
  /** Tensor name to shard file name. */
  readonly shardOf: ReadonlyMap<string, string>;
  readonly shards: ReadonlySet<string>;
  /** Bytes of all tensors together, where the index states it. */
  readonly totalSize: number | undefined;
}

/** Reads and checks an index. Throws `weights`. */
export function parseIndex(bytes: Uint8Array, where: string): WeightIndex {
  const scanner = new JsonScanner(bytes, where);
  const shardOf = new Map<string, string>();
  const shards = new Map<string, string>(); // lower case to the spelling in use
  let mapped = false;
  let totalSize: number | undefined;
  scanner.object('the index', (field) => {
    if (field === 'weight_map') {
      mapped = true;
      scanner.object('weight_map', (name) => {
        const shard = scanner.string('a shard name');
        checkShardName(scanner, shard);
        const spelling = shards.get(shard.toLowerCase()) ?? shard;
        if (spelling !== shard) scanner.fail(`shards "${spelling}" and "${shard}" are one file where case does not count`);
        shards.set(shard.toLowerCase(), shard);
        if (shards.size > MAX_SHARDS) scanner.fail(`more than ${MAX_SHARDS} shards`);
        shardOf.set(name, shard);
      });
    } else if (field === 'metadata') {
      scanner.object('metadata', (key) => {
        if (key === 'total_size') totalSize = scanner.integer('total_size', 2 ** 48);
        else scanner.value(`metadata "${printable(key)}"`, METADATA_DEPTH);
      });
    } else {
      scanner.fail(`unknown field "${printable(field)}" of the index; expected metadata and weight_map`);
    }
  });
  scanner.end();
  if (!mapped) throw new MelodyError('weights', `${where}: no weight_map; an index must map tensor names to shard files`, AGAIN);
  if (shardOf.size === 0) throw new MelodyError('weights', `${where}: weight_map is empty; expected at least one tensor`, AGAIN);
  return { shardOf, shards: new Set(shards.values()), totalSize };
}

function checkShardName(scanner: JsonScanner, shard: string): void {
  if (SHARD_NAME.test(shard)) return;
  scanner.fail(`shard name "${printable(shard)}" is not a plain file name of letters, digits, "-", "_" and ".", ending in .safetensors`);
}
