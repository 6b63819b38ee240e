// Fields of a stranger's config: read by name, with the defaults of the library that wrote it, and reports all faults at once.
import { MelodyError } from '../errors.ts';
import type { JsonObject, JsonValue } from '../weights/json.ts';
import { printable } from '../weights/printable.ts';

/** Sizes beyond this are no model's: a plan for them would not be made. */
const LARGEST = 2 ** 24;

export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #faults: string[];

  constructor(object: JsonObject, path = '', faults: string[] = []) {
    this.#object = object;
    this.#path = path;
    this.#faults = faults;
  }

  /** A whole number; a float that is whole (`1024.0`) counts. */
  whole(name: string, preset?: number, least = 1, most = LARGEST): number {
    const value = this.#value(name, preset);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    return this.#wrong(name, `a whole number from ${least} to ${most}`, value, preset ?? least);
  }

  number(name: string, preset: number, least = -Infinity, most = Infinity): number {
    const value = this.#value(name, preset);
    if (typeof value === 'number' && value >= least && value <= most) return value;
    return this.#wrong(name, `a number from ${least} to ${most}`, value, preset);
  }

  flag(name: string, preset: boolean): boolean {
    const value = this.#value(name, preset);
    return typeof value === 'boolean' ? value : this.#wrong(name, 'true or false', value, preset);
  }

  /** One of some words; any word without `choices`. */
  word<W extends string = string>(name: string, preset: W, choices?: readonly W[]): W {
    const value = this.#value(name, preset);
    if (typeof value === 'string' && (!choices || choices.includes(value as W))) return value as W;
    return this.#wrong(name, choices ? `one of ${choices.join(', ')}` : 'a word', value, preset);
  }

  numbers(name: string, preset: readonly number[], least: number, most: number): readonly number[] {
    const value = this.#value(name, preset as number[]);
    if (
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= 16 &&
      value.every((v) => typeof v === 'number' && v >= least && v <= most)
    )
      return value as number[];
    return this.#wrong(name, `a list of up to 16 numbers from ${least} to ${most}`, value, preset);
  }

  /** A config within this one. */
  part(name: string): Fields {
    const value = this.#object[name];
    const sound = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!sound) this.#wrong(name, 'an object', value, undefined);
    return new Fields(sound ? value : {}, `${this.#path}${name}.`, this.#faults);
  }

  /** Note what does not hold together. */
  expect(holds: boolean, fault: string): void {
    if (!holds) this.#faults.push(`${this.#path}${fault}`);
  }

  /** Throws `weights` with every fault of this config and its parts. */
  check(where: string, file = 'config.json'): void {
    if (this.#faults.length === 0) return;
    const message = `${where}: ${file} does not hold together:\n  ${this.#faults.join('\n  ')}`;
    throw new MelodyError('weights', message, 'fetch or export the model again');
  }

  /** What is absent or null has the library's default. */
  #value(name: string, preset: JsonValue | undefined): JsonValue | undefined {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
    return value === undefined || value === null ? preset : value;
  }

  #wrong<T>(name: string, expected: string, value: JsonValue | undefined, instead: T): T {
    const got = value === undefined ? 'nothing' : printable(JSON.stringify(value).slice(0, 60));
    this.#faults.push(`${this.#path}${name} must be ${expected}; got ${got}`);
    return instead;
  }
}
