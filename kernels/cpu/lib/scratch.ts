// This thread's own room for what a command makes on its way. Module globals are one a thread: every thread has an instance.

/** Where it begins: 1 kB for sums of tiles, then what src/cpu/plan.ts asks for. */
export let scratch: usize = 0;

export function setScratch(at: usize): void {
  scratch = at;
}
