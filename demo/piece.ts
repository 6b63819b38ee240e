// The form's numbers: how long the piece is to be, and its seed.
import { byId, make } from './dom.ts';
import type { Settings } from './history.ts';
import { t } from './language.ts';

export class PieceForm {
  readonly #length = byId<HTMLSelectElement>('length');
  readonly #seed = byId<HTMLInputElement>('seed');
  readonly #keep = byId<HTMLInputElement>('seed-lock');
  readonly #loop = byId<HTMLInputElement>('seamless');
  readonly #own = make('option'); // a length that the list does not offer

  /** A seed is drawn unless one is to be kept. */
  wanted(): Pick<Settings, 'durationSeconds' | 'seed' | 'loop'> {
    const kept = this.#keep.checked && this.#seed.value !== '';
    const seed = kept ? Number(this.#seed.value) : crypto.getRandomValues(new Uint32Array(1))[0];
    return { ...(this.#length.value && { durationSeconds: Number(this.#length.value) }), ...(this.#loop.checked && { loop: true }), seed };
  }

  /** The seed that plays. */
  set seed(value: number) {
    this.#seed.value = String(value);
  }

  set keepSeed(value: boolean) {
    this.#keep.checked = value;
  }

  fill({ durationSeconds, seed, loop }: Settings): void {
    this.#loop.checked = loop === true;
    const value = String(durationSeconds ?? '');
    if (![...this.#length.options].some((option) => option.value === value)) {
      Object.assign(this.#own, { value, text: t('{0} seconds', value) });
      this.#length.append(this.#own);
    }
    this.#length.value = value;
    this.seed = seed;
  }
}
