// How long the next window of a stream will take, from how long the parts of the last one took.
import { contexts } from './stages/language.ts';
import type { WindowSizes } from './stages/schedule.ts';

/** How much longer a window takes for which plans are compiled and weights laid out (measured on two cores: 1.9 to 2.6 times). */
const COLD = 2;

/** What a window has to do. */
export interface Work {
  /** Frames that are new, */
  readonly from: number;
  readonly to: number;
  /** how many the diffusion sees, and how many are decoded. */
  readonly seen: number;
  readonly decoded: number;
}

export class Forecast {
  readonly #sizes: WindowSizes;
  #cold: boolean;
  #paces: readonly number[] = [0, 0, 0]; // seconds for each of parts(work)

  /** `cold`: plans are yet to be compiled for the first window. */
  constructor(sizes: WindowSizes, cold: boolean) {
    this.#sizes = sizes;
    this.#cold = cold;
  }

  /** `ends`: when it began, when its tokens were there, its latents, and its sound, milliseconds. */
  learn(work: Work, ends: readonly number[]): void {
    const share = this.#cold ? COLD : 1;
    this.#paces = this.#parts(work).map((part, i) => ((ends[i + 1] as number) - (ends[i] as number)) / 1000 / share / Math.max(1, part));
    this.#cold = false;
  }

  /** Seconds that it will take at the speed of the last one; 0 before the first. */
  seconds(work: Work): number {
    return this.#parts(work).reduce((sum, part, i) => sum + part * (this.#paces[i] as number), 0);
  }

  /** Frames of the three stages. A context that is read before tokens follow takes as long as to write a chunk, if it is full. */
  #parts({ from, to, seen, decoded }: Work): number[] {
    const { window, grid } = this.#sizes;
    let tokens = to - from;
    for (const read of contexts(from, to, window, grid)) tokens += (grid * (read.length - read.from)) / (window - grid);
    return [tokens, seen, decoded];
  }
}
