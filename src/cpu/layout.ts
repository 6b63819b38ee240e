// What host and threads agree on in shared memory; kernels/cpu/replay.ts has the same numbers.

const CONTROL = 1024;

/** Byte offsets of the words that both sides read and write. */
export const WORD = {
  posted: CONTROL,
  done: CONTROL + 64,
  stop: CONTROL + 128,
  ticket: CONTROL + 192,
  pages: CONTROL + 576,
  resting: CONTROL + 768,
} as const;

export const RING = CONTROL + 1024;
export const RING_JOBS = 256;
export const JOB_BYTES = 64;
/** The word of a job that ends it at its next command. */
export const CANCELLED = 36;
/** The word that lets its products be relaxed. */
export const RELAXED = 40;
/** Threads at most. */
export const MOST_THREADS = 64;
/** Memory from here on is given out: behind the ring every thread has a line. */
export const HEAP = RING + RING_JOBS * JOB_BYTES + MOST_THREADS * 64;

/**
 * `run`: commands, count, patches, patch count. `copy`: to, from, bytes. `fill`: to, word, words. `mark`: nothing. `pack`: a description as in
 * kernels/cpu/lib/pack.ts, and in how many parts the thread that calls does it.
 */
export const JOB = { run: 1, copy: 2, fill: 3, mark: 4, pack: 5 } as const;
