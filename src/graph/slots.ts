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
  const order = lifetimes
    .map((_, i) => i)
    .sort((a, b) => lifetimes[a].first - lifetimes[b].first || lifetimes[b].bytes - lifetimes[a].bytes);
  const slotOf = new Array<number>(lifetimes.length);
  const bytes: number[] = [];
  const busyUntil: number[] = [];
  for (const i of order) {
    const { bytes: need, first, last } = lifetimes[i];
    let best = -1;
    for (let s = 0; s < bytes.length; s++) {
      if (busyUntil[s] >= first) continue;
      if (best < 0 || betterFit(bytes[s], bytes[best], need)) best = s;
    }
    if (best < 0) best = bytes.push(0) - 1;
    bytes[best] = Math.max(bytes[best], need);
    busyUntil[best] = last;
    slotOf[i] = best;
  }
  return { slotOf, bytes };
}

/** The smallest slot that is large enough; among those too small, the largest (it grows the least). */
function betterFit(candidate: number, current: number, need: number): boolean {
  if (candidate >= need) return current < need || candidate < current;
  return current < need && candidate > current;
}
