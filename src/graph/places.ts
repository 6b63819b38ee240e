// Which buffer every storage of a graph goes to: temporaries share slots by lifetime, inputs and outputs have one each.
import type { Graph } from './graph.ts';
import { assignSlots, type Lifetime } from './slots.ts';
import type { TensorStorage } from './tensor.ts';

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

/** Bytes that a graph takes once compiled, without compiling it: its own buffers and its commands, each rounded up as the device does it. */
export function memoryOf(graph: Graph, commands: number, rounded: (bytes: number) => number): number {
  const { slotBytes, named } = placesOf(graph);
  return [...slotBytes, ...named.map((s) => s.bytes), commands].reduce((n, bytes) => n + rounded(bytes), 0);
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
