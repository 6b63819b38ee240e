// What was made of a clip so far, so that an abort or a fault costs one stage and not the piece.
import { MelodyError } from '../errors.ts';

interface Sound {
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number;
}

/** The next `count` results of a job; `make` brings those from number `from` on. */
export type Steps = <T>(count: number, make: (from: number) => Promise<T[]>) => Promise<T[]>;

/**
 * Hand one to `generate`: when the clip is aborted or fails, the same options and the same draft go on where it stopped, on this Melody or
 * another of the same model, and make the same bytes as if nothing had happened. It grows to what the clip's tokens and latents take
 * (some 8 kB a second with melody-small) and can be dropped at any time.
 */
export class Draft {
  #of: string | undefined;
  #seed = 0;
  readonly #done: unknown[] = [];

  /** Of the clip that it belongs to; undefined before the first use. */
  get seed(): number | undefined {
    return this.#of === undefined ? undefined : this.#seed;
  }

  /** Ties the draft to a clip. Throws `invalid_argument` when it is another's. @internal */
  open(recipe: { readonly seed: number }, audio: readonly (Sound | undefined)[]): void {
    const of = JSON.stringify([recipe, ...audio.map((a) => a && [a.sampleRate, ...a.channels.map(fingerprint)])]);
    if (this.#of !== undefined && this.#of !== of)
      throw new MelodyError(
        'invalid_argument',
        'draft: it was begun for a clip of other options',
        'give the options it was begun with, or a new Draft',
      );
    this.#of = of;
    this.#seed = recipe.seed;
  }

  /** Runs a job's steps in their order: takes the results that are there, lets `make` bring the others of the next `count`. @internal */
  replay(): Steps {
    let step = 0;
    return async <T>(count: number, make: (from: number) => Promise<T[]>) => {
      const there = Math.min(count, this.#done.length - step);
      if (there < count) this.#done.push(...(await make(there)));
      step += count;
      return this.#done.slice(step - count, step) as T[];
    };
  }
}

/** Tells audio from other audio: FNV-1a of the samples' bits. */
function fingerprint(samples: Float32Array): number {
  let hash = 0x811c9dc5;
  for (const bits of new Uint32Array(samples.buffer, samples.byteOffset, samples.length)) hash = Math.imul(hash ^ bits, 0x01000193);
  return hash;
}
