// How models ask for weights: by dotted name and expected shape, through scopes. Look-ups never throw for a missing or misshapen
// tensor; they note it, and `check()` lists all such misfits at once after recording.
import { MelodyError } from '../errors.ts';
import type { DType, WeightRef } from '../graph/tensor.ts';
import type { ByteFolder, ByteSource } from '../platform/bytes.ts';
import { Checkpoint } from './checkpoint.ts';
import { READ_AS } from './convert.ts';
import { printable } from './printable.ts';
import type { TensorInfo } from './safetensors.ts';
import { readTensor } from './tensor_stream.ts';

/** A place in the tree of names. Models see nothing else of the weights. */
export interface Scope {
  /** Dotted path, '' at the root. */
  readonly path: string;
  /** The scope below: `at('layers').at('0')` is `at('layers.0')`. */
  at(prefix: string): Scope;
  /** The tensor of that name under this path. One object per tensor; nothing is read until its `read()`. */
  get(name: string, shape: readonly number[]): WeightRef;
  /** For tensors that a checkpoint may leave out. */
  has(name: string): boolean;
}

/** Weights of a whole model, wherever they come from. The root of its scopes: names are full names. */
export interface WeightSource extends Scope {
  /** Makes these parts (all without `parts`) ready for look-ups; of files, reads headers only. */
  prepare(parts?: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Every missing, misshapen or unusable tensor asked for so far, a line each. */
  misfits(): string[];
  /** Throws one `weights` error that lists all misfits, where there are any. */
  check(): void;
  /** Tensors made ready, under `prefix` if given, that nobody asked for. */
  unused(prefix?: string): string[];
}

/** The scope at `path` below a root. */
export function scopeAt(root: Scope, path: string): Scope {
  return {
    path,
    at: (prefix) => scopeAt(root, `${path}.${prefix}`),
    get: (name, shape) => root.get(`${path}.${name}`, shape),
    has: (name) => root.has(`${path}.${name}`),
  };
}

/** How weights are opened. */
export interface WeightOptions {
  /** Accept NaN and infinity in the values. */
  readonly allowNonFinite?: boolean | undefined;
  /** What a folder's files are called, without their ending. Default "model". */
  readonly stem?: string | undefined;
  /** Every tensor holds floats: another that is asked for does not fit. */
  readonly floats?: boolean | undefined;
  /** Matrices of halves stay halves on the CPU, which else widens them as it loads them: half the memory. */
  readonly compact?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The weights of one model: a safetensors file, or a folder with one or with shards and an index. */
export class Weights implements WeightSource {
  readonly #checkpoint: Checkpoint;
  readonly #allowNonFinite: boolean;
  readonly #floats: boolean;
  readonly #compact: boolean;
  readonly path = '';
  readonly #asked = new Set<string>();
  readonly #refs = new Map<string, WeightRef>();
  readonly #misfits = new Map<string, string>();

  private constructor(checkpoint: Checkpoint, { allowNonFinite = false, floats = false, compact = false }: WeightOptions) {
    this.#checkpoint = checkpoint;
    this.#allowNonFinite = allowNonFinite;
    this.#floats = floats;
    this.#compact = compact;
  }

  /** Opens a file or folder; of a sharded one only the index is read. Throws `weights` or `io`. */
  static async open(place: ByteSource | ByteFolder, options: WeightOptions = {}): Promise<Weights> {
    const { signal, stem } = options;
    const checkpoint = 'size' in place ? await Checkpoint.ofFile(place, signal) : await Checkpoint.ofFolder(place, signal, stem);
    return new Weights(checkpoint, options);
  }

  async prepare(parts?: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.#checkpoint.open((name) => !parts || parts.some((part) => name === part || name.startsWith(`${part}.`)), signal);
  }

  at(prefix: string): Scope {
    return scopeAt(this, prefix);
  }

  get(name: string, shape: readonly number[]): WeightRef {
    this.#asked.add(name);
    const found = this.#checkpoint.find(name);
    const fault = found ? misfitOf(found.tensor, shape, this.#floats) : 'missing';
    if (!found || fault) {
      const misfit = `${printable(name)}: ${fault}; expected [${shape.join(', ')}]`;
      this.#misfits.set(`${name} [${shape}]`, misfit);
      return brokenRef(name, shape, misfit);
    }
    let ref = this.#refs.get(name);
    if (!ref) {
      ref = refOf(found.shard.source, found.tensor, this.#allowNonFinite, this.#compact);
      this.#refs.set(name, ref);
    }
    return ref;
  }

  has(name: string): boolean {
    return this.#checkpoint.has(name);
  }

  misfits(): string[] {
    return [...this.#misfits.values()];
  }

  check(): void {
    const misfits = this.misfits();
    if (misfits.length === 0) return;
    const message = `${this.#checkpoint.name}: ${misfits.length} tensors do not fit the model:\n  ${misfits.join('\n  ')}`;
    throw new MelodyError('weights', message, 'The weights belong to another config or version: fetch or export both together.');
  }

  unused(prefix = ''): string[] {
    const names: string[] = [];
    for (const { name } of this.#checkpoint.openTensors()) {
      if (!this.#asked.has(name) && (prefix === '' || name.startsWith(`${prefix}.`))) names.push(name);
    }
    return names;
  }
}

/** What is wrong with a tensor that is asked for with `shape`; undefined when nothing is. */
function misfitOf(found: TensorInfo, shape: readonly number[], floats: boolean): string | undefined {
  if (String(found.shape) !== String(shape)) return `got [${found.shape.join(', ')}]`;
  if (floats && !/^B?F/.test(found.dtype)) return `got dtype ${found.dtype}, a float is needed`;
  if (!READ_AS[found.dtype]) return `got dtype ${found.dtype}, one of ${Object.keys(READ_AS).join(', ')} is needed`;
  return undefined;
}

function refOf(source: ByteSource, tensor: TensorInfo, allowNonFinite: boolean, compact: boolean): WeightRef {
  const { name, shape } = tensor;
  const dtype = READ_AS[tensor.dtype] as DType; // misfitOf has looked
  const kept = compact && dtype === 'f16' ? ({ compact: 'f16' } as const) : {};
  return { name, shape, dtype, ...kept, read: (signal) => readTensor(source, tensor, { allowNonFinite, signal }) };
}

/** Stands in for a misfit while the rest is recorded. */
function brokenRef(name: string, shape: readonly number[], misfit: string): WeightRef {
  return {
    name,
    shape,
    dtype: 'f32',
    read() {
      throw new MelodyError('weights', misfit, 'Call weights.check() after recording to see all misfits.');
    },
  };
}
