// A recorded graph as commands in the CPU's memory: functions, numbers and places, which the threads walk without JavaScript.
import { MelodyError } from '../errors.ts';
import { type Dispatch, type Graph, isScalar } from '../graph/graph.ts';
import type { DispatchTime } from '../graph/inspect_plan.ts';
import { numberOf, type ParamType } from '../graph/params.ts';
import { type Places, placesOf } from '../graph/places.ts';
import type { CompileOptions } from '../graph/plan.ts';
import type { TensorStorage } from '../graph/tensor.ts';
import type { Cpu } from './cpu.ts';
import { JOB } from './layout.ts';
import { FUNCTIONS } from './module.gen.ts';
import { keptAs, matrixOf } from './panels.ts';
import type { CpuResidents } from './residents.ts';

type HostData = Float32Array | Uint32Array | Int32Array;

const GUARD_BYTES = 64;
const GUARD_WORD = 0xa5a5a5a5;
const POISON_WORD = 0x7fc0dead; // a quiet NaN
const HEAD = 2; // words of a command before its fields

/** A word of a command that a number given at run time fills. */
interface Patch {
  readonly at: number;
  readonly type: ParamType;
  readonly value: Exclude<Dispatch['params'][string], number>;
  readonly name: string;
}

export class CpuPlan {
  readonly cpu: Cpu;
  readonly graph: Graph;
  readonly #places: Places;
  readonly #at: Map<TensorStorage, number>;
  readonly #owned: number[];
  readonly #commands: number; // where the list of commands begins
  readonly #patches: readonly Patch[];
  readonly #options: CompileOptions;
  #disposed = false;

  private constructor(parts: {
    cpu: Cpu;
    graph: Graph;
    places: Places;
    at: Map<TensorStorage, number>;
    owned: number[];
    commands: number;
    patches: Patch[];
    options: CompileOptions;
  }) {
    this.cpu = parts.cpu;
    this.graph = parts.graph;
    this.#places = parts.places;
    this.#at = parts.at;
    this.#owned = parts.owned;
    this.#commands = parts.commands;
    this.#patches = parts.patches;
    this.#options = parts.options;
  }

  /** Load missing weights, share temporaries' memory, write the commands. Throws `out_of_memory`, `kernel`, `weights`, `device_lost`, `aborted`. */
  static async compile(residents: CpuResidents, graph: Graph, options: CompileOptions = {}): Promise<CpuPlan> {
    const { cpu } = residents;
    cpu.check();
    const owned: number[] = [];
    const own = (bytes: number, label: string) => {
      const at = cpu.buffer(bytes, label);
      owned.push(at);
      return at;
    };
    try {
      const guard = options.guard ? GUARD_BYTES : 0;
      const places = placesOf(graph, guard);
      const slots = places.slotBytes.map((bytes, i) => own(bytes, `slot ${i}`));
      const at = new Map([...places.slotOf].map(([s, i]) => [s, slots[i]]));
      for (const s of places.named) at.set(s, own(s.bytes + guard, s.label));
      const commands = own(commandBytes(graph.dispatches), 'commands'); // all at once: while weights come, older plans are freed
      for (const [storage, place] of await residents.ensure(places.persistent, options)) at.set(storage, place);
      const { words, patches } = encode(graph.dispatches, at, commands);
      cpu.pool.needScratch(Math.max(0, ...graph.dispatches.map(scratchOf)));
      cpu.put(commands, words);
      return new CpuPlan({ cpu, graph, places, at, owned, commands, patches, options });
    } catch (error) {
      cpu.free(...owned);
      throw error;
    }
  }

  /** Replay once. Returns at once; the threads work on. Throws `device_lost`. */
  run(scalars: { readonly [name: string]: number } = {}, inputs: { readonly [name: string]: HostData } = {}): void {
    this.#post(scalars, inputs, 0);
  }

  /** Fill an input from its first element. Throws `shape` when the sizes differ. */
  write(name: string, data: HostData): void {
    const tensor = this.graph.inputs.get(name);
    if (!tensor) throw new MelodyError('graph', `no input "${name}"; this plan has [${[...this.graph.inputs.keys()].join(', ')}]`);
    if (data.length !== tensor.storage.elements)
      throw new MelodyError(
        'shape',
        `input "${name}": got ${data.length} elements, expected ${tensor.storage.elements} for [${tensor.shape}]`,
      );
    this.cpu.write(this.#at.get(tensor.storage) as number, data);
  }

  /** Copy of an f32 output of the last run. */
  async read(name: string): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(name));
  }

  /** Copy of an output's bytes, for u32 and i32 results. */
  async readBytes(name: string): Promise<ArrayBuffer> {
    this.#ready();
    const tensor = this.graph.outputs.get(name);
    if (!tensor) throw new MelodyError('graph', `no output "${name}"; this plan has [${[...this.graph.outputs.keys()].join(', ')}]`);
    return this.cpu.read(this.#at.get(tensor.storage) as number, tensor.storage.bytes);
  }

  /** Run once and time every command. */
  async profile(
    scalars: { readonly [name: string]: number } = {},
    inputs: { readonly [name: string]: HostData } = {},
  ): Promise<DispatchTime[]> {
    const count = this.graph.dispatches.length;
    const times = this.cpu.buffer(8 * (count + 1), 'times');
    try {
      await this.cpu.settle();
      const began = performance.now();
      this.#post(scalars, inputs, times);
      const ends = new Float64Array(await this.cpu.read(times, 8 * count));
      return this.graph.dispatches.map((d, i) => ({
        label: d.label,
        kernel: d.kernel.name,
        ms: i === 0 ? Math.max(0, Math.min(ends[0] - began, ends[0])) : ends[i] - ends[i - 1],
        flops: d.flops,
        bytes: d.bytes,
      }));
    } finally {
      this.cpu.free(times);
    }
  }

  /** Bytes of this plan alone: slots, inputs and outputs, without weights and states. */
  get bytes(): number {
    return this.#places.slotBytes.reduce((a, b) => a + b, 0) + this.#places.named.reduce((n, s) => n + s.bytes, 0);
  }

  /** Commands of one run. */
  get dispatches(): number {
    return this.graph.dispatches.length;
  }

  /** Multiply-adds counted twice, over one run. */
  get flops(): number {
    return this.graph.dispatches.reduce((n, d) => n + d.flops, 0);
  }

  /** After a run compiled with `guard`: throws `kernel` when a command wrote past the end of a temporary, input or output. */
  async checkGuards(): Promise<void> {
    if (!this.#options.guard) throw new MelodyError('graph', 'checkGuards needs a plan compiled with { guard: true }');
    for (const storage of this.#marked()) {
      const end = (this.#at.get(storage) as number) + storage.bytes;
      const tail = new Uint32Array(await this.cpu.read(end, GUARD_BYTES));
      const bad = tail.findIndex((w) => w !== GUARD_WORD);
      if (bad >= 0) throw new MelodyError('kernel', `${storage.label}: guard word ${bad} was overwritten with 0x${tail[bad].toString(16)}`);
    }
  }

  /** Free all memory that this plan took. Weights and states stay with their residents. */
  dispose(): void {
    this.#disposed = true;
    this.cpu.free(...this.#owned);
  }

  #ready(): void {
    if (this.#disposed) throw new MelodyError('graph', 'this plan was disposed');
    this.cpu.check();
  }

  #post(scalars: { readonly [name: string]: number }, inputs: { readonly [name: string]: HostData }, times: number): void {
    this.#ready();
    for (const [name, data] of Object.entries(inputs)) this.write(name, data);
    for (const name of Object.keys(scalars))
      if (!this.graph.scalars.has(name))
        throw new MelodyError('graph', `no scalar "${name}"; this plan has [${[...this.graph.scalars].join(', ')}]`);
    if (this.#options.poison || this.#options.guard) this.#fillMarks();
    const { pool } = this.cpu;
    const words = new DataView(new ArrayBuffer(8 * this.#patches.length));
    this.#patches.forEach(({ at, type, value, name }, i) => {
      words.setUint32(8 * i, at, true);
      setWord(words, 8 * i + 4, type, numberOf(value, type, name, scalars));
    });
    const holds: number[] = [];
    if (words.byteLength) {
      holds.push(pool.take(words.byteLength, 'numbers of a run'));
      this.cpu.put(holds[0], new Uint8Array(words.buffer));
    }
    pool.post(JOB.run, [this.#commands, this.graph.dispatches.length, holds[0] ?? 0, this.#patches.length], {
      holds,
      times,
      owner: this.cpu,
      relaxed: this.#options.relaxed === true,
    });
  }

  #marked(): TensorStorage[] {
    return [...this.#at.keys()].filter(({ kind }) => kind !== 'weight' && kind !== 'state');
  }

  #fillMarks(): void {
    const { poison, guard } = this.#options;
    for (const storage of this.#marked()) {
      const at = this.#at.get(storage) as number;
      if (poison && storage.kind !== 'input') this.cpu.fill(at, storage.bytes, POISON_WORD);
      if (guard) this.cpu.fill(at + storage.bytes, GUARD_BYTES, GUARD_WORD);
    }
  }
}

const functionOf = (d: Dispatch) => {
  const found = FUNCTIONS[d.kernel.name];
  if (found) return found;
  throw new MelodyError('kernel', `${d.label}: the CPU has no kernel ${d.kernel.name}`, 'use a GPU for this model');
};

/** Bytes of the list of commands and of the commands after it. */
export const commandBytes = (dispatches: readonly Dispatch[]): number =>
  4 * dispatches.reduce((n, d) => n + 1 + HEAD + functionOf(d).fields.length, 0);

/** The list of commands and the commands after it, and which words run-time numbers go to. */
function encode(dispatches: readonly Dispatch[], places: ReadonlyMap<TensorStorage, number>, at: number) {
  const functions = dispatches.map(functionOf);
  const begins: number[] = [];
  let length = dispatches.length;
  for (const { fields } of functions) {
    begins.push(length);
    length += HEAD + fields.length;
  }
  const view = new DataView(new ArrayBuffer(4 * length));
  const patches: Patch[] = [];
  dispatches.forEach((d, i) => {
    const { code, fields } = functions[i];
    const tensors = new Map([...d.inputs, ...d.outputs].map((tensor, j) => [Object.keys(d.kernel.bindings)[j], tensor.storage]));
    view.setUint32(4 * i, at + 4 * begins[i], true);
    view.setUint32(4 * begins[i], code, true);
    view.setUint32(4 * begins[i] + 4, Math.min(2 ** 31, Math.round(Math.max(d.flops, d.bytes / 2) / 1000)), true);
    for (const [f, field] of fields.entries()) {
      const word = 4 * (begins[i] + HEAD + f);
      if (field.startsWith('@')) {
        const storage = tensors.get(field.slice(1));
        view.setUint32(word, storage ? (places.get(storage) as number) : 0, true);
      } else if (field in d.kernel.params) {
        const [value, type] = [d.params[field], d.kernel.params[field]];
        if (isScalar(value)) patches.push({ at: at + word, type, value, name: `${d.label}: parameter "${field}"` });
        else setWord(view, word, type, value);
      } else if (field in d.meaning) view.setUint32(word, d.meaning[field], true);
      else if (field === 'PANELS') view.setUint32(word, panelsOf(d, tensors), true);
    }
  });
  return { words: new Uint8Array(view.buffer), patches };
}

const PANELS = { f32: 1, f16: 2, int8: 3 } as const;

/** Are the factors of a product in panels (1), of halves (2), of bytes (3)? A weight laid out so must go nowhere else. */
function panelsOf(d: Dispatch, tensors: ReadonlyMap<string, TensorStorage>): number {
  const [w, gate] = ['w', 'gate'].map((id) => tensors.get(id)).map((s) => (s && matrixOf(s) ? PANELS[keptAs(s)] : 0));
  if (d.meaning.GATED && w !== gate) throw new MelodyError('kernel', `${d.label}: the gate does not lie as its factor does`);
  return w;
}

/** Bytes of scratch that a thread wants for a command; the kernels of products and attention have the same sums. */
function scratchOf({ kernel, params }: Dispatch): number {
  const number = (field: string) => (typeof params[field] === 'number' ? (params[field] as number) : 0);
  const code = FUNCTIONS[kernel.name]?.code;
  if (code === FUNCTIONS.matmul_register.code) {
    const k = number('taps') * number('inner');
    const rows = number('rows') <= 8 ? 8 : k <= 2048 ? 32 : k <= 8192 ? 8 : 4;
    return 4096 + 4 * k * (rows + 16);
  }
  if (code === FUNCTIONS.matvec_norm.code) return 4096 + 4 * (number('rows') + 16) * number('inner');
  if (code === FUNCTIONS.attention_row.code) return 49_152 + 2064 * Math.max(number('dh'), 4 * number('dh4')) + 4 * 512 * 8;
  if (code === FUNCTIONS.rvq_encode.code) return 4096 + 4 * number('dim');
  if (code === FUNCTIONS.lstm_scan.code) return 4096 + 24 * number('hidden');
  if (code === FUNCTIONS.fft.code) return 4096 + 16 * number('points');
  if (code === FUNCTIONS.phase_advance.code) return 4096 + 4 * number('pitches');
  if (code === FUNCTIONS.rope.code || code === FUNCTIONS.qkv_append.code) return 4096 + 8 * number('half_dh');
  return 32_768;
}

function setWord(view: DataView, at: number, type: ParamType, value: number): void {
  if (type === 'f32') view.setFloat32(at, value, true);
  else if (type === 'i32') view.setInt32(at, value, true);
  else view.setUint32(at, value, true);
}
