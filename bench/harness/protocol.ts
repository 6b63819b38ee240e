// What the parent and a measuring process say to each other. Every engine, ours and the others, stands behind `Engine`.

import type { SampleOptions, Samples } from '../../src/cli/bench/timing.ts';
import type { PeerCase } from '../peer_cases.ts';

/** One case, ready to run. */
export interface Runner {
  /** Storage of the weights: decides how close the output must be. */
  storage: 'f32' | 'f16';
  /**
   * Run `times` times in a row; settles when the device has finished. Inputs and weights are resident already. An engine that can queue
   * runs waits once at the end, one whose API waits for every run does that.
   */
  run(times: number): Promise<void>;
  /** One run read back, in the layout of the case's reference. */
  read(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** One way of computing a case on an engine (eager or jitted, fused or decomposed); building it may throw, which is shown, not hidden. */
export interface Attempt {
  variant: string;
  build(): Promise<Runner>;
}

export interface Engine {
  /** Versions, adapter: whatever names what was measured. */
  info: Record<string, string>;
  /** Ways to compute this case; empty when the engine lacks the op. */
  attempts(c: PeerCase): Attempt[];
}

/** A variant after its first run: its output, to be checked by the parent, or why there is none. */
export interface Prepared {
  variant: string;
  storage: 'f32' | 'f16';
  output?: Float32Array | undefined;
  error?: string | undefined;
  /** Building plus first run, ms: mostly shader compilation when the driver's cache is empty. */
  coldMs: number;
}

export type Request =
  | { type: 'open' }
  | { type: 'prepare'; case: PeerCase }
  | { type: 'sample'; variant: string; options: SampleOptions }
  | { type: 'release' };

export interface Replies {
  open: Engine['info'];
  prepare: Prepared[];
  sample: Samples;
  release: null;
}

export type Answer = { ok: true; value: Replies[Request['type']] } | { ok: false; error: string };
