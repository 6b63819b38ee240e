// The Params of every dispatch in one uniform buffer, packed once; numbers given at run time renew its first bytes with one write.
import { MelodyError } from '../errors.ts';
import { type Dispatch, isScalar, type ParamValue } from './graph.ts';

const ALIGN = 256; // WebGPU's minUniformBufferOffsetAlignment at default limits

/** Where a run-time number goes: byte `at` of the block. */
interface Patch {
  readonly at: number;
  readonly type: 'u32' | 'i32' | 'f32';
  readonly value: Exclude<ParamValue, number>;
}

export class ParamBlock {
  readonly #words: DataView<ArrayBuffer>;
  readonly #patches: Patch[] = [];
  /** Where each dispatch's Params begin and how long they are, in bytes. */
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
  /** The leading bytes that hold every number given at run time; 0 when there is none. */
  readonly variableBytes: number;

  /** Dispatches with run-time numbers come first, so that one short write renews them. */
  constructor(dispatches: readonly Dispatch[]) {
    const varies = (d: Dispatch) => Object.values(d.params).some(isScalar);
    const order = dispatches.map((_, i) => i).sort((a, b) => Number(varies(dispatches[b])) - Number(varies(dispatches[a])) || a - b);
    const offsets = new Array<number>(dispatches.length);
    const sizes = dispatches.map((d) => Math.ceil(Object.keys(d.kernel.params).length / 4) * 16);
    let end = 0;
    let variable = 0;
    for (const i of order) {
      offsets[i] = end;
      end = Math.ceil((end + sizes[i]) / ALIGN) * ALIGN;
      if (varies(dispatches[i])) variable = end;
    }
    this.offsets = offsets;
    this.sizes = sizes;
    this.variableBytes = variable;
    this.#words = new DataView(new ArrayBuffer(Math.max(end, ALIGN)));
    dispatches.forEach((d, i) => {
      Object.entries(d.kernel.params).forEach(([field, type], f) => {
        const at = offsets[i] + 4 * f;
        const value = d.params[field];
        if (isScalar(value)) this.#patches.push({ at, type, value });
        else setWord(this.#words, at, type, value);
      });
    });
  }

  /** All bytes, as they go to the GPU. */
  get bytes(): ArrayBuffer {
    return this.#words.buffer;
  }

  /** Put in the numbers of one run. Throws `graph` when one is missing. */
  fill(scalars: { readonly [name: string]: number }): void {
    for (const { at, type, value } of this.#patches) {
      const given = scalars[value.scalar];
      if (given === undefined) throw new MelodyError('graph', `scalar "${value.scalar}" was not given to run()`);
      setWord(this.#words, at, type, given * value.scale + value.offset);
    }
  }
}

function setWord(words: DataView, at: number, type: 'u32' | 'i32' | 'f32', value: number): void {
  if (type === 'f32') words.setFloat32(at, value, true);
  else if (type === 'i32') words.setInt32(at, value, true);
  else words.setUint32(at, value, true);
}
