// Brings music to one loudness: a finished clip by one gain, an endless one by a gain that moves slowly, both under the limiter's ceiling.

import { cutAudio, joinAudio, lengthOf, viewAudio } from './channels.ts';
import { limit, limiterReach } from './limiter.ts';
import { fromDb, kEnergy, level, loudness } from './loudness.ts';

/** LUFS of music that is made, unless another is asked for. */
export const LOUDNESS = -16;
/** dB that anything is raised at most: what needs more is noise, or nothing. */
const MOST_GAIN = 24;
const ROUNDS = 6; // of measuring again what the limiter took
const NEAR = 0.2; // LU that are near enough

const bounded = (dB: number): number => Math.min(MOST_GAIN, Math.max(-MOST_GAIN, dB));

/** Integrated loudness, LUFS; −Infinity for silence. */
export const loudnessOf = (x: Float32Array[], sampleRate: number): number => (lengthOf(x) ? loudness(x, sampleRate).integrated : -Infinity);

/**
 * The clip at `target` LUFS, in arrays of its own, its true peak under the ceiling; of a loop (`circular`) the seam stays what it was. Silence stays silence, and
 * nothing is raised by more than `most` dB (default 24): then `short` says by how many dB the clip stays too quiet.
 */
export function levelled(
  x: Float32Array[],
  sampleRate: number,
  { target = LOUDNESS, circular = false, most = MOST_GAIN }: { target?: number; circular?: boolean | undefined; most?: number },
): { readonly audio: Float32Array[]; readonly short: number } {
  const before = loudnessOf(x, sampleRate);
  if (!Number.isFinite(before)) return { audio: cutAudio(x, 0), short: 0 };
  let dB = Math.min(most, target - before);
  const audio = x.map(({ length }) => new Float32Array(length));
  for (let round = 1; ; round++) {
    amplified(x, sampleRate, circular, fromDb(dB), audio);
    const missing = target - loudnessOf(audio, sampleRate);
    if (round === ROUNDS || dB >= most || missing < NEAR) return { audio, short: Math.max(0, missing < NEAR ? 0 : missing) };
    dB = Math.min(most, dB + missing);
  }
}

const PIECE = 65_536; // samples: whole clips once more would be garbage of many megabytes

/** out = x times `gain`, limited, piece by piece; what stands before and after x is zeros, or of a circle its other end. */
function amplified(x: readonly Float32Array[], sampleRate: number, circular: boolean, gain: number, out: readonly Float32Array[]): void {
  const reach = limiterReach(sampleRate);
  const length = lengthOf(x);
  const room = x.map(() => new Float32Array(Math.min(PIECE, length) + 2 * reach));
  for (let at = 0; at < length; at += PIECE) {
    const end = Math.min(at + PIECE, length);
    const [first, last] = [at - reach, end + reach];
    const louder = viewAudio(room, 0, last - first);
    for (const [c, channel] of x.entries()) {
      for (let n = first; n < last; n++) {
        const outside = n < 0 || n >= length;
        louder[c][n - first] = !outside ? gain * channel[n] : circular ? gain * channel[((n % length) + length) % length] : 0;
      }
    }
    limit(louder, sampleRate, { out: viewAudio(out, at, end) });
  }
}

/** New music beside given music: as loud as that, raised or lowered by at most 12 dB, its peaks under the ceiling. */
export function matched(made: Float32Array[], beside: Float32Array[], sampleRate: number): Float32Array[] {
  const target = loudnessOf(beside, sampleRate);
  if (!Number.isFinite(target)) return cutAudio(made, 0);
  const nearest = Math.max(target, loudnessOf(made, sampleRate) - 12); // not lowered by more
  return levelled(made, sampleRate, { target: nearest, most: 12 }).audio;
}

const STEP_SECONDS = 0.1; // the gain moves from one step to the next
const FIRST_STEPS = 10; // that the first gain is taken from
const RATE = 0.1; // dB a step: 1 dB a second
const MEMORY = 100; // steps that the loudness is a mean of, at most

/**
 * A gain that follows the loudness of what was heard, moves by 1 dB a second at most, and starts at what the first second asks for. What comes
 * out depends on the samples alone, never on the pieces they come in; it waits for the first second, then for 0.1 s.
 */
export class Leveller {
  readonly #rate: number;
  readonly #target: number;
  readonly #filters: readonly Float64Array<ArrayBuffer>[]; // what they remember of the channels
  readonly #energies: ((x: Float32Array, from: number, to: number) => number)[];
  #held: Float32Array[]; // samples from #from on
  #from = 0; // place of the first sample held; a limiter's reach before what comes out next
  #out = 0; // samples that came out
  #heard = 0; // samples whose power is known
  #powers: number[] = []; // of the first steps
  #mean = 0; // power that counts as the loudness
  #steps = 0; // that went into it
  #gains: number[] = []; // dB at the edges of steps, from the first on that is still needed
  #firstGain = 0; // the step that #gains starts at

  /** For one or two channels: all count alike. */
  constructor(sampleRate: number, target = LOUDNESS, channels = 1) {
    this.#rate = sampleRate;
    this.#target = target;
    this.#filters = Array.from({ length: channels }, () => new Float64Array(4));
    this.#energies = this.#filters.map((state) => kEnergy(sampleRate, state));
    this.#held = this.#energies.map(() => new Float32Array(0));
  }

  /** Takes samples and gives those that are done; `last`: nothing comes any more, all that is left is given. */
  push(samples: readonly Float32Array[], last = false): Float32Array[] {
    const held = joinAudio(this.#held, samples);
    this.#held = held;
    const reach = limiterReach(this.#rate);
    const end = this.#from + lengthOf(held); // of the stream so far
    this.#listen(end, last);
    const known = this.#gains.length === 0 ? 0 : Math.min(end, this.#edge(this.#firstGain + this.#gains.length - 1));
    const to = last ? end : Math.max(this.#out, known - reach);
    if (to <= this.#out) return held.map(() => new Float32Array(0));
    const start = this.#out - reach;
    const x = held.map(() => new Float32Array(to + reach - start)); // zeros before the first sample and after the last
    const stop = Math.min(to + reach, end);
    for (let at = Math.max(start, this.#from); at < stop; ) at = this.#amplify(at, stop, x, start);
    this.#out = to;
    this.#forget(to - reach);
    return limit(x, this.#rate);
  }

  /** Where it stands: calling what this gives, as often as wanted, brings it back. */
  mark(): () => void {
    const filters = this.#filters.map((state) => state.slice());
    const [held, from, out, heard, mean, steps, firstGain] = [
      this.#held,
      this.#from,
      this.#out,
      this.#heard,
      this.#mean,
      this.#steps,
      this.#firstGain,
    ];
    const [powers, gains] = [[...this.#powers], [...this.#gains]];
    return () => {
      for (const [c, state] of filters.entries()) this.#filters[c].set(state);
      [this.#held, this.#from, this.#out, this.#heard, this.#mean, this.#steps, this.#firstGain] = [
        held,
        from,
        out,
        heard,
        mean,
        steps,
        firstGain,
      ];
      [this.#powers, this.#gains] = [[...powers], [...gains]];
    };
  }

  /** How many samples have come out once so many went in, unless they were the last. */
  outOf(samples: number): number {
    let step = Math.ceil(samples / (STEP_SECONDS * this.#rate)) + 1;
    while (this.#edge(step) > samples) step -= 1;
    return step < FIRST_STEPS ? 0 : Math.max(0, this.#edge(step) - limiterReach(this.#rate));
  }

  #edge(step: number): number {
    return Math.round(step * STEP_SECONDS * this.#rate);
  }

  /** Gains as far as whole steps are known: those at the end of a step follow from what was heard before it. */
  #listen(end: number, last: boolean): void {
    for (let step = this.#steps; this.#edge(step + 1) <= end; step++) {
      const [from, to] = [this.#edge(step), this.#edge(step + 1)];
      const energy = this.#energies.reduce((sum, of, c) => sum + of(this.#held[c], from - this.#from, to - this.#from), 0);
      const power = energy / (to - from);
      this.#heard = to;
      this.#steps = step + 1;
      if (this.#gains.length === 0) {
        this.#powers.push(power);
        if (this.#powers.length === FIRST_STEPS) this.#begin();
      } else this.#move(power);
    }
    if (!last) return;
    if (this.#gains.length === 0) this.#begin();
    while (this.#edge(this.#firstGain + this.#gains.length - 1) < end) this.#move(0);
  }

  /** The first gain, and those of the first second. */
  #begin(): void {
    const powers = this.#powers;
    const loud = gatedMean(powers);
    this.#mean = loud;
    const first = loud > 0 ? bounded(this.#target - level(loud)) : 0;
    this.#gains = new Array<number>(Math.max(2, powers.length + 1)).fill(first);
    this.#powers = [];
  }

  /** One step on: a power that is heard enters the mean, and the gain goes towards what that asks for. */
  #move(power: number): void {
    if (level(power) > -70 && (this.#mean === 0 || level(power) > level(this.#mean) - 10)) {
      const share = 1 / Math.min(MEMORY, Math.max(FIRST_STEPS, this.#steps));
      this.#mean = this.#mean === 0 ? power : this.#mean + share * (power - this.#mean);
    }
    const gain = this.#gains[this.#gains.length - 1];
    const wanted = this.#mean > 0 ? bounded(this.#target - level(this.#mean)) : gain;
    this.#gains.push(gain + Math.min(RATE, Math.max(-RATE, wanted - gain)));
  }

  /** Samples from `at` to the end of its step, or to `end`, times the gain between those at the edges of that step; x begins at `start`. Returns where it stopped. */
  #amplify(at: number, end: number, x: readonly Float32Array[], start: number): number {
    let step = Math.floor(at / (STEP_SECONDS * this.#rate));
    if (this.#edge(step) > at) step -= 1;
    else if (this.#edge(step + 1) <= at) step += 1;
    const [first, next] = [this.#edge(step), this.#edge(step + 1)];
    const place = step - this.#firstGain;
    const before = fromDb(this.#gains[place]);
    const rise = fromDb(this.#gains[Math.min(place + 1, this.#gains.length - 1)]) - before;
    const to = Math.min(next, end);
    for (const [c, channel] of x.entries()) {
      const held = this.#held[c];
      for (let n = at; n < to; n++) channel[n - start] = held[n - this.#from] * (before + ((n - first) / (next - first)) * rise);
    }
    return to;
  }

  #forget(before: number): void {
    const drop = Math.min(Math.max(0, before - this.#from), this.#heard - this.#from);
    if (drop > 0) {
      this.#held = cutAudio(this.#held, drop);
      this.#from += drop;
    }
    while (this.#gains.length > 2 && this.#edge(this.#firstGain + 1) <= this.#from) {
      this.#gains.shift();
      this.#firstGain += 1;
    }
  }
}

/** Mean power of those that are heard beside the rest; 0 for silence. */
function gatedMean(powers: readonly number[]): number {
  const heard = powers.filter((power) => level(power) > -70);
  if (heard.length === 0) return 0;
  const mean = (of: readonly number[]) => of.reduce((sum, power) => sum + power, 0) / of.length;
  const floor = level(mean(heard)) - 10;
  return mean(heard.filter((power) => level(power) > floor));
}
