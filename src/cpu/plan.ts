// A recorded graph as commands in the CPU's memory: functions, numbers and places, which the threads walk without JavaScript.
import { MelodyError } from '../errors.ts';
import { type Dispatch, type Graph, isScalar, type ParamValue } from '../graph/graph.ts';
import type { DispatchTime } from '../graph/inspect_plan.ts';
import { numberOf, type ParamType } from '../graph/params.ts';
import { checkScalars, type HostData, inputOf, outputOf, type Places, placesOf } from '../graph/places.ts';
import type { CompileOptions } from '../graph/plan.ts';
import type { TensorStorage } from '../graph/tensor.ts';
import { placeBytes } from './allocator.ts';
import type { Cpu, WorkspaceUser } from './cpu.ts';
import { JOB } from './layout.ts';
import { FUNCTIONS } from './module.gen.ts';
import { keptAs, matrixOf } from './panels.ts';
import type { CpuResidents } from './residents.ts';

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

export class CpuPlan implements WorkspaceUser {
  readonly cpu: Cpu;
  readonly graph: Graph;
  readonly #places: Places;
  readonly #at: Map<TensorStorage, number>; // of temporaries once the commands are written
  readonly #owned: number[];
  readonly #commands: number; // where the list of commands begins
  readonly #options: CompileOptions;
  #patches: readonly Patch[] = [];
  #temporaries: number | undefined; // where they begin
  #written: number | undefined; // where they began when the commands were written
  #disposed = false;

  private constructor(parts: {
    cpu: Cpu;
    graph: Graph;
    places: Places;
    at: Map<TensorStorage, number>;
    owned: number[];
    commands: number;
    options: CompileOptions;
  }) {
    this.cpu = parts.cpu;
    this.graph = parts.graph;
    this.#places = parts.places;
    this.#at = parts.at;
    this.#owned = parts.owned;
    this.#commands = parts.commands;
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
      const at = new Map<TensorStorage, number>();
      for (const s of places.named) at.set(s, own(s.bytes + guard, s.label));
      const commands = own(commandBytes(graph.dispatches), 'commands'); // all at once: while weights come, older plans are freed
      const plan = new CpuPlan({ cpu, graph, places, at, owned, commands, options });
      const bytes = temporaryBytes(places);
      // Guards are looked at after the run, when another plan may have the workspace.
      if (guard) plan.moveTo(own(bytes, 'temporaries'));
      else cpu.shareWorkspace(plan, bytes);
      try {
        for (const [storage, place] of await residents.ensure(places.persistent, options)) at.set(storage, place);
        cpu.pool.needScratch(Math.max(0, ...graph.dispatches.map(scratchOf)));
        plan.#encode();
        return plan;
      } catch (error) {
        cpu.leaveWorkspace(plan);
        throw error;
      }
    } catch (error) {
      cpu.free(...owned);
      throw error;
    }
  }

  /** Temporaries begin at this place from the next run on. */
  moveTo(at: number): void {
    this.#temporaries = at;
  }

  /** The commands for the place where the temporaries are. */
  #encode(): void {
    let place = this.#temporaries as number;
    const slots = this.#places.slotBytes.map((bytes) => {
      place += placeBytes(bytes);
      return place - placeBytes(bytes);
    });
    for (const [storage, i] of this.#places.slotOf) this.#at.set(storage, slots[i] as number);
    const { words, patches } = encode(this.graph.dispatches, this.#at, this.#commands);
    this.cpu.write(this.#commands, words);
    this.#patches = patches;
    this.#written = this.#temporaries;
  }

  /** Replay once. Returns at once; the threads work on. Throws `device_lost`. */
  run(scalars: { readonly [name: string]: number } = {}, inputs: { readonly [name: string]: HostData } = {}): void {
    this.#post(scalars, inputs, 0);
  }

  /** Fill an input from its first element. Throws `shape` when the sizes differ. */
  write(name: string, data: HostData): void {
    this.cpu.write(this.#at.get(inputOf(this.graph, name, data)) as number, data);
  }

  /** Copy of an f32 output of the last run. */
  async read(name: string): Promise<Float32Array> {
    return new Float32Array(await this.readBytes(name));
  }

  /** Copy of an output's bytes, for u32 and i32 results. */
  async readBytes(name: string): Promise<ArrayBuffer> {
    this.#ready();
    const storage = outputOf(this.graph, name);
    return this.cpu.read(this.#at.get(storage) as number, storage.bytes);
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
      const [first = 0] = ends;
      let last = Math.min(began, first);
      return this.graph.dispatches.map(({ label, kernel, flops, bytes }, i) => {
        const end = ends[i] ?? last;
        const ms = end - last;
        last = end;
        return { label, kernel: kernel.name, ms, flops, bytes };
      });
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
      for (const [i, word] of tail.entries())
        if (word !== GUARD_WORD)
          throw new MelodyError('kernel', `${storage.label}: guard word ${i} was overwritten with 0x${word.toString(16)}`);
    }
  }

  /** Free all memory that this plan took. Weights and states stay with their residents. */
  dispose(): void {
    this.#disposed = true;
    this.cpu.free(...this.#owned);
    this.cpu.leaveWorkspace(this);
  }

  #ready(): void {
    if (this.#disposed) throw new MelodyError('graph', 'this plan was disposed');
    this.cpu.check();
  }

  #post(scalars: { readonly [name: string]: number }, inputs: { readonly [name: string]: HostData }, times: number): void {
    this.#ready();
    for (const [name, data] of Object.entries(inputs)) this.write(name, data);
    checkScalars(this.graph, scalars);
    if (this.#written !== this.#temporaries) this.#encode();
    if (this.#options.poison || this.#options.guard) this.#fillMarks();
    const { pool } = this.cpu;
    const words = new DataView(new ArrayBuffer(8 * this.#patches.length));
    this.#patches.forEach(({ at, type, value, name }, i) => {
      words.setUint32(8 * i, at, true);
      setWord(words, 8 * i + 4, type, numberOf(value, type, name, scalars));
    });
    const holds: number[] = [];
    if (words.byteLength) {
      const numbers = pool.take(words.byteLength, 'numbers of a run');
      holds.push(numbers);
      this.cpu.put(numbers, new Uint8Array(words.buffer));
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

/** Bytes of a graph's temporaries, one after another. */
const temporaryBytes = ({ slotBytes }: Places): number => slotBytes.reduce((n, bytes) => n + placeBytes(bytes), 0);

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
  const view = new DataView(new ArrayBuffer(commandBytes(dispatches)));
  const patches: Patch[] = [];
  let word = 4 * dispatches.length; // of the command that is written
  for (const [i, d] of dispatches.entries()) {
    const { code, fields } = functionOf(d);
    const storages = [...d.inputs, ...d.outputs].map((tensor) => tensor.storage);
    const tensors = new Map(Object.keys(d.kernel.bindings).map((id, j) => [id, storages[j]]));
    view.setUint32(4 * i, at + word, true);
    view.setUint32(word, code, true);
    view.setUint32(word + 4, Math.min(2 ** 31, Math.round(Math.max(d.flops, d.bytes / 2) / 1000)), true);
    word += 4 * HEAD;
    for (const field of fields) {
      if (field.startsWith('@')) {
        const storage = tensors.get(field.slice(1));
        view.setUint32(word, storage ? (places.get(storage) as number) : 0, true);
      } else if (field in d.kernel.params) {
        const [value, type] = [d.params[field] as ParamValue, d.kernel.params[field] as ParamType];
        if (isScalar(value)) patches.push({ at: at + word, type, value, name: `${d.label}: parameter "${field}"` });
        else setWord(view, word, type, value);
      } else if (field === 'PANELS') view.setUint32(word, panelsOf(d, tensors), true);
      else view.setUint32(word, d.meaning[field] ?? 0, true);
      word += 4;
    }
  }
  return { words: new Uint8Array(view.buffer), patches };
}

const PANELS = { f32: 1, f16: 2, int8: 3 } as const;

/** Are the factors of a product in panels (1), of halves (2), of bytes (3)? A weight laid out so must go nowhere else. */
function panelsOf(d: Dispatch, tensors: ReadonlyMap<string, TensorStorage | undefined>): number {
  const formOf = (s: TensorStorage | undefined) => (s && matrixOf(s) ? PANELS[keptAs(s)] : 0);
  const w = formOf(tensors.get('w'));
  if (d.meaning.GATED && w !== formOf(tensors.get('gate')))
    throw new MelodyError('kernel', `${d.label}: the gate does not lie as its factor does`);
  return w;
}

/** Bytes of scratch that a thread wants for a command; the kernels of products and attention have the same sums. */
function scratchOf(dispatch: Dispatch): number {
  const { params } = dispatch;
  const { code } = functionOf(dispatch);
  const runs = (kernel: string) => FUNCTIONS[kernel]?.code === code;
  const number = (field: string) => (typeof params[field] === 'number' ? (params[field] as number) : 0);
  if (runs('matmul_register')) {
    const k = number('taps') * number('inner');
    const rows = number('rows') <= 8 ? 8 : k <= 512 ? 64 : k <= 2048 ? 32 : k <= 8192 ? 8 : 4;
    return 4096 + 4 * k * (rows + 16);
  }
  if (runs('matvec_norm')) return 4096 + 4 * (number('rows') + 16) * number('inner');
  if (runs('attention_row')) return 49_152 + 2064 * Math.max(number('dh'), 4 * number('dh4')) + 4 * 512 * 8;
  if (runs('rvq_encode')) return 4096 + 4 * number('dim');
  if (runs('lstm_scan')) return 4096 + 24 * number('hidden');
  if (runs('fft')) return 4096 + 16 * number('points');
  if (runs('phase_advance')) return 4096 + 4 * number('pitches');
  if (runs('rope') || runs('qkv_append')) return 4096 + 12 * number('half_dh');
  return 32_768;
}

function setWord(view: DataView, at: number, type: ParamType, value: number): void {
  if (type === 'f32') view.setFloat32(at, value, true);
  else if (type === 'i32') view.setInt32(at, value, true);
  else view.setUint32(at, value, true);
}
