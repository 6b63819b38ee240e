/**
 * What went wrong, as a word that a program can branch on.
 *
 * - `no_adapter`: no WebGPU adapter on this machine or tab
 * - `device_lost`: the GPU went away
 * - `wrong_results`: the GPU computes known answers wrong
 * - `gpu`: an uncaptured GPU validation or internal error
 * - `out_of_memory`: the GPU refused an allocation
 * - `limit`: a tensor or dispatch does not fit this adapter's limits
 * - `shape`: an op was given tensors it cannot combine
 * - `graph`: the graph or plan was used wrongly
 * - `kernel`: a .wgsl file is not of the kernel convention
 * - `weights`: a weights file, index or config is malformed or does not fit
 * - `non_finite`: NaN or Inf turned up at a named stage
 * - `invalid_argument`: a public option has a wrong type or value
 * - `io`: a file or address cannot be read or written
 * - `audio`: an audio file is malformed or unsupported
 * - `aborted`: the caller's AbortSignal fired
 * - `busy`: a second job while one is made, or a full queue (`queue` of `Melody.load`)
 * - `suspect_output`: --strict: the finished clip looks broken
 */
export type ErrorCode =
  | 'no_adapter'
  | 'device_lost'
  | 'wrong_results'
  | 'gpu'
  | 'out_of_memory'
  | 'limit'
  | 'shape'
  | 'graph'
  | 'kernel'
  | 'weights'
  | 'non_finite'
  | 'invalid_argument'
  | 'io'
  | 'audio'
  | 'aborted'
  | 'busy'
  | 'suspect_output';

/**
 * The one error type of the library. `message` says what is wrong, what was got and what was expected;
 * `hint` says what to do about it.
 */
export class MelodyError extends Error {
  /** Compares by name: a part that is loaded later (src/cpu) has this class from its own file. Classes that extend it are told apart as usual. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class asked about, which may be one that extends MelodyError
    if (this !== MelodyError) return super[Symbol.hasInstance](value);
    return value instanceof Error && value.name === 'MelodyError';
  }

  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** What to do about it, for people; undefined where there is nothing to say. */
  readonly hint: string | undefined;

  /** Made by the library itself. */
  constructor(code: ErrorCode, message: string, hint?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MelodyError';
    this.code = code;
    this.hint = hint;
  }
}
