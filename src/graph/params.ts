// The Params of every dispatch in one uniform buffer, packed once; numbers given at run time renew its first bytes with one write.
import { MelodyError } from '../errors.ts';
import { type Dispatch, isScalar, type ParamValue, type Scalar } from './graph.ts';

const ALIGN = 256; // WebGPU's minUniformBufferOffsetAlignment at default limits

/** Where a run-time number goes: byte `at` of the block. */
interface Patch {
  readonly at: number;
  readonly type: ParamType;
  readonly value: Scalar;
  readonly name: string; // for people: which parameter of which dispatch
}

export type ParamType = 'u32' | 'i32' | 'f32';

const RANGES = { u32: [0, 2 ** 32 - 1], i32: [-(2 ** 31), 2 ** 31 - 1], f32: [-Infinity, Infinity] } as const;

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
    const first = [...dispatches.filter(varies), ...dispatches.filter((d) => !varies(d))];
    const sizeOf = (d: Dispatch) => Math.ceil(Object.keys(d.kernel.params).length / 4) * 16;
    const offsets = new Map<Dispatch, number>();
    let end = 0;
    let variable = 0;
    for (const d of first) {
      offsets.set(d, end);
      end = Math.ceil((end + sizeOf(d)) / ALIGN) * ALIGN;
      if (varies(d)) variable = end;
    }
    this.offsets = dispatches.map((d) => offsets.get(d) as number);
    this.sizes = dispatches.map(sizeOf);
    this.variableBytes = variable;
    this.#words = new DataView(new ArrayBuffer(Math.max(end, ALIGN)));
    for (const d of dispatches)
      Object.entries(d.kernel.params).forEach(([field, type], f) => {
        const at = (offsets.get(d) as number) + 4 * f;
        const value = d.params[field] as ParamValue; // `dispatch` takes all of them
        if (isScalar(value)) this.#patches.push({ at, type, value, name: `${d.label}: parameter "${field}"` });
        else setWord(this.#words, at, type, value);
      });
  }

  /** All bytes, as they go to the GPU. */
  get bytes(): ArrayBuffer {
    return this.#words.buffer;
  }

  /** Put in the numbers of one run. Throws `graph` when one is missing, is no whole number where one is wanted, or is out of its range. */
  fill(scalars: { readonly [name: string]: number }): void {
    for (const { at, type, value, name } of this.#patches) {
      setWord(this.#words, at, type, numberOf(value, type, name, scalars));
    }
  }
}

/** The number that a parameter given at run time has in this run; `name` is for people. Throws as fill does. */
export function numberOf(value: Scalar, type: ParamType, name: string, scalars: { readonly [name: string]: number }): number {
  const given = scalars[value.scalar];
  if (given === undefined) throw new MelodyError('graph', `scalar "${value.scalar}" was not given to run()`);
  const number = given * value.scale + value.offset;
  const [least, most] = value.range ?? RANGES[type];
  // A kernel that is to pass 2^32 - 1 keys would take minutes, and a 32-bit word takes any number without an error.
  if (type !== 'f32' && !(Number.isInteger(number) && number >= least && number <= most))
    throw new MelodyError(
      'graph',
      `${name} is ${type}; got ${number} of scalar "${value.scalar}" = ${given}, expected a whole number from ${least} to ${most}`,
    );
  return number;
}

function setWord(words: DataView, at: number, type: ParamType, value: number): void {
  if (type === 'f32') words.setFloat32(at, value, true);
  else if (type === 'i32') words.setInt32(at, value, true);
  else words.setUint32(at, value, true);
}
