// Which buffer every storage of a graph goes to: temporaries share slots by lifetime, inputs and outputs have one each.
import { MelodyError } from '../errors.ts';
import type { Graph } from './graph.ts';
import { assignSlots, type Lifetime } from './slots.ts';
import type { TensorStorage } from './tensor.ts';

export type HostData = Float32Array | Uint32Array | Int32Array;

export interface Places {
  readonly slotOf: ReadonlyMap<TensorStorage, number>; // temporaries
  readonly slotBytes: readonly number[];
  readonly named: readonly TensorStorage[]; // inputs and outputs, a buffer each
  readonly persistent: readonly TensorStorage[]; // weights and states, which outlive the plan
}

/** With `guard` bytes after them, temporaries share nothing: each guard belongs to one tensor. */
export function placesOf(graph: Graph, guard = 0): Places {
  const lives = lifetimesOf(graph);
  const temps = [...lives.keys()].filter((s) => s.kind === 'temp');
  const slots = guard
    ? { slotOf: temps.map((_, i) => i), bytes: temps.map((s) => s.bytes + guard) }
    : assignSlots(temps.map((s) => lives.get(s) as Lifetime));
  const ends = [...graph.inputs.values(), ...graph.outputs.values()].map((t) => t.storage);
  const all = new Set([...lives.keys(), ...ends]);
  return {
    slotOf: new Map(temps.map((s, i) => [s, slots.slotOf[i] as number])),
    slotBytes: slots.bytes,
    named: [...new Set(ends)].filter((s) => s.kind !== 'state' && s.kind !== 'weight' && s.kind !== 'temp'),
    persistent: [...all].filter((s) => s.kind === 'weight' || s.kind === 'state'),
  };
}

/** Bytes that a compiled graph takes beside weights and states. */
export interface PlanBytes {
  /** As long as it is there. */
  readonly own: number;
  /** Of a workspace that all plans share, which is as large as the largest wants it. */
  readonly shared: number;
}

/** What a graph takes once compiled, without compiling it: temporaries, inputs and outputs, commands, each rounded up as the device does it. */
export function memoryOf(graph: Graph, commands: number, rounded: (bytes: number) => number, sharing = false): PlanBytes {
  const { slotBytes, named } = placesOf(graph);
  const sum = (sizes: readonly number[]) => sizes.reduce((n, bytes) => n + rounded(bytes), 0);
  const [own, temporaries] = [sum([...named.map((s) => s.bytes), commands]), sum(slotBytes)];
  return sharing ? { own, shared: temporaries } : { own: own + temporaries, shared: 0 };
}

/** First write and last use of every storage, as dispatch numbers. */
function lifetimesOf(graph: Graph): Map<TensorStorage, Lifetime> {
  const lives = new Map<TensorStorage, { bytes: number; first: number; last: number }>();
  graph.dispatches.forEach((d, i) => {
    for (const { storage } of [...d.inputs, ...d.outputs]) {
      const life = lives.get(storage);
      if (life) life.last = i;
      else lives.set(storage, { bytes: storage.bytes, first: i, last: i });
    }
  });
  return lives;
}

/** The storage of an input that is given `data`. Throws `graph` where there is none of that name, `shape` when the sizes differ. */
export function inputOf({ inputs }: Graph, name: string, data: HostData): TensorStorage {
  const tensor = inputs.get(name);
  if (!tensor) throw unknown('input', name, inputs.keys());
  const { shape, storage } = tensor;
  if (data.length !== storage.elements)
    throw new MelodyError('shape', `input "${name}": got ${data.length} elements, expected ${storage.elements} for [${shape}]`);
  return storage;
}

/** The storage of an output. Throws `graph` where there is none of that name. */
export function outputOf({ outputs }: Graph, name: string): TensorStorage {
  const tensor = outputs.get(name);
  if (!tensor) throw unknown('output', name, outputs.keys());
  return tensor.storage;
}

/** Throws `graph` for a scalar that the graph has not. */
export function checkScalars({ scalars }: Graph, given: { readonly [name: string]: number }): void {
  for (const name of Object.keys(given)) if (!scalars.has(name)) throw unknown('scalar', name, scalars);
}

const unknown = (kind: string, name: string, names: Iterable<string>) =>
  new MelodyError('graph', `no ${kind} "${name}"; this plan has [${[...names].join(', ')}]`);
