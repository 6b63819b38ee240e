// Weights of a model whose parts are folders of their own: each under its part's name.
import { MelodyError } from '../errors.ts';
import type { Scope, Weights } from '../weights/weights.ts';

export class PartWeights<Part extends string> {
  readonly #parts: Readonly<Record<Part, Weights>>;

  constructor(parts: Readonly<Record<Part, Weights>>) {
    this.#parts = parts;
  }

  at(part: Part): Scope {
    return this.#parts[part];
  }

  /** Every missing, misshapen or unusable tensor asked for so far, a line each. */
  misfits(): string[] {
    return this.#each((part, weights) => weights.misfits().map((line) => `${part}: ${line}`));
  }

  /** Throws one `weights` error that lists all misfits, where there are any. */
  check(): void {
    const misfits = this.misfits();
    if (misfits.length === 0) return;
    const message = `${misfits.length} tensors do not fit the model:\n  ${misfits.join('\n  ')}`;
    throw new MelodyError('weights', message, 'The weights belong to another config or version: fetch both together.');
  }

  /** Tensors that nobody asked for. */
  unused(): string[] {
    return this.#each((part, weights) => weights.unused().map((name) => `${part}.${name}`));
  }

  #each(of: (part: string, weights: Weights) => string[]): string[] {
    return Object.entries<Weights>(this.#parts).flatMap(([part, weights]) => of(part, weights));
  }
}
