// Lifetimes to buffers. Pure: a plan's temporaries that never live at the same time share one slot.

export interface Lifetime {
  readonly bytes: number;
  readonly first: number; // index of the dispatch that first writes it
  readonly last: number; // index of the dispatch that last reads (or writes) it
}

export interface Slots {
  readonly slotOf: readonly number[]; // per lifetime
  readonly bytes: readonly number[]; // per slot
}

/**
 * Greedy best fit in order of first use. Both ends are inclusive: a dispatch's input and output never share a slot, because
 * WebGPU forbids one buffer as read and read_write in a dispatch.
 */
export function assignSlots(lifetimes: readonly Lifetime[]): Slots {
  const order = [...lifetimes.entries()].sort(([, a], [, b]) => a.first - b.first || b.bytes - a.bytes);
  const slotOf = new Array<number>(lifetimes.length);
  const slots: { index: number; bytes: number; busyUntil: number }[] = [];
  for (const [i, { bytes: need, first, last }] of order) {
    let best: (typeof slots)[number] | undefined;
    for (const slot of slots) if (slot.busyUntil < first && (!best || betterFit(slot.bytes, best.bytes, need))) best = slot;
    if (!best) {
      best = { index: slots.length, bytes: 0, busyUntil: last };
      slots.push(best);
    }
    best.bytes = Math.max(best.bytes, need);
    best.busyUntil = last;
    slotOf[i] = best.index;
  }
  return { slotOf, bytes: slots.map((slot) => slot.bytes) };
}

/** The smallest slot that is large enough; among those too small, the largest (it grows the least). */
function betterFit(candidate: number, current: number, need: number): boolean {
  if (candidate >= need) return current < need || candidate < current;
  return current < need && candidate > current;
}
