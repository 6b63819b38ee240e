// kernels/sound/sound.ts as functions of JavaScript's arrays. Samples go into the module's memory piece by piece, so that it stays small
// however long a clip is.
import { lengthOf } from './channels.ts';
import { type Bands, type Phases, type Points, type Simd, type Transform, useSimd } from './simd.ts';

interface Exports {
  memory: WebAssembly.Memory;
  room(bytes: number): number;
  windowed(x: number, n: number, window: number, size: number, to: number): number;
  fourier(half: number, x: number, re: number, im: number, places: number, turns: number, cos: number, sin: number, power: number): void;
  turned(to: number, n: number, size: number, ahead: number): void;
  every(from: number, n: number, stride: number, to: number): void;
  bands(power: number, n: number, starts: number, counts: number, weights: number, sums: number): void;
  flatness(power: number, n: number, least: number, all: number, products: number): number;
  multiply(x: number, n: number, by: number): void;
  addShares(sums: number, x: number, n: number, by: number): void;
  total(x: number, n: number, sum: number): number;
  totals(x: number, n: number, found: number): void;
  steps(x: number, n: number, length: number, to: number, mean: number): number;
  periods(x: number, up: number, down: number, taps: number, starts: number, h: number, turned: number, rows: number, y: number): void;
  weighted(x: number, n: number, state: number, k: number, energy: number): number;
  peaks(x: number, n: number, taps: number, most: number, wide: number, peak: number, gain: number): number;
  limit(
    x: number,
    channels: number,
    apart: number,
    n: number,
    ceiling: number,
    dip: number,
    taps: number,
    most: number,
    wide: number,
    gain: number,
    low: number,
    queue: number,
    reach: number,
  ): number;
  correlate(v: number, count: number, lag: number, sums: number): number;
}

let tried = false;

/** Long loops over samples are WebAssembly (`code`) in this thread from now on, where it has WebAssembly SIMD and may compile it. */
export function quicken(code: Uint8Array<ArrayBuffer>): void {
  if (tried) return;
  tried = true;
  try {
    useSimd(new SoundModule(new WebAssembly.Instance(new WebAssembly.Module(code)).exports as unknown as Exports));
  } catch {
    useSimd(undefined); // no SIMD here, or a page whose rules forbid WebAssembly
  }
}

const PIECE = 65_536; // samples that go in at once
const REACH = 16; // neighbours of a sample that points beside it are made of

class SoundModule implements Simd {
  readonly #exports: Exports;
  readonly #rooms = new Map<string, { at: number; bytes: number }>();
  readonly #transforms = new Map<number, Transform>();

  constructor(exports: Exports) {
    this.#exports = exports;
  }

  /** Room of this name, at least so large; what was in it is lost when it grows. What it leaves behind then stays taken: it grows twofold. */
  #room(name: string, bytes: number): number {
    const known = this.#rooms.get(name);
    if (known && known.bytes >= bytes) return known.at;
    const taken = Math.max(bytes, 2 * (known?.bytes ?? 0));
    const at = this.#exports.room(taken + 32);
    this.#rooms.set(name, { at, bytes: taken });
    return at;
  }

  // Views end when the memory grows: they are made anew for each use.
  #f32 = (at: number, length: number) => new Float32Array(this.#exports.memory.buffer, at, length);
  #f64 = (at: number, length: number) => new Float64Array(this.#exports.memory.buffer, at, length);
  #u32 = (at: number, length: number) => new Uint32Array(this.#exports.memory.buffer, at, length);

  transform(size: number, tables: () => { cos: Float64Array; sin: Float64Array; reversed: Uint32Array }): Transform {
    const known = this.#transforms.get(size);
    if (known) return known;
    const half = size / 2;
    const { cos, sin, reversed } = tables();
    const { room, every } = this.#exports;
    const [cosAt, sinAt, turnsAt, placesAt] = [room(8 * half + 16), room(8 * half + 16), room(16 * half + 16), room(4 * half)];
    const [re, im, powerAt] = [room(8 * half + 16), room(8 * half + 16), room(8 * half + 24)];
    this.#f64(cosAt, half).set(cos);
    this.#f64(sinAt, half).set(sin);
    this.#u32(placesAt, half).set(reversed);
    let to = turnsAt;
    const add = (count: number, stride: number) => {
      for (const table of [cosAt, sinAt]) {
        every(table, count, stride, to);
        to += 8 * count;
      }
    };
    let span = 4;
    for (; 4 * span <= half; span *= 4) {
      const stride = size / (4 * span);
      add(span, 2 * stride);
      add(span, stride);
    }
    if (span < half) add(span, size / (2 * span));
    const made: Transform = {
      power: (x, window, power, times) => {
        const [values, samples] = [this.#room('values', 8 * size), this.#room('samples', 4 * size)];
        const weights = this.#windowAt(window);
        this.#f32(samples, x.length).set(x);
        const energy = this.#exports.windowed(samples, x.length, weights, size, values);
        this.#exports.fourier(half, values, re, im, placesAt, turnsAt, cosAt, sinAt, powerAt);
        if (times !== 1) this.#exports.multiply(powerAt, half + 1, times);
        power.set(this.#f64(powerAt, half + 1));
        return energy;
      },
    };
    this.#transforms.set(size, made);
    return made;
  }

  #window: Float64Array | undefined; // that lies in its room
  #windowAt(window: Float64Array): number {
    const at = this.#room('window', 8 * window.length);
    if (this.#window !== window) this.#f64(at, window.length).set(window);
    this.#window = window;
    return at;
  }

  turned(n: number, size: number, ahead: 0 | 1): Float64Array {
    const at = this.#room('numbers', 8 * n);
    this.#exports.turned(at, n, size, ahead);
    return this.#f64(at, n).slice();
  }

  #bank: { bank: Bands; at: readonly [starts: number, counts: number, weights: number] } | undefined; // that lies in its rooms
  #bankAt(bank: Bands): readonly [number, number, number] {
    if (this.#bank?.bank === bank) return this.#bank.at;
    const { filters } = bank;
    const all = filters.reduce((n, { weights }) => n + weights.length, 0);
    const at = [this.#room('starts', 4 * filters.length), this.#room('counts', 4 * filters.length), this.#room('taps', 8 * all)] as const;
    this.#u32(at[0], filters.length).set(filters.map(({ start }) => start));
    this.#u32(at[1], filters.length).set(filters.map(({ weights }) => weights.length));
    let to = at[2];
    for (const { weights } of filters) {
      this.#f64(to, weights.length).set(weights);
      to += weights.byteLength;
    }
    this.#bank = { bank, at };
    return at;
  }

  bands(bank: Bands, power: Float64Array, out: Float32Array, offset: number): void {
    const count = bank.filters.length;
    const [at, sums] = [this.#room('numbers', 8 * power.length), this.#room('outputs', 4 * count)];
    const [starts, counts, weights] = this.#bankAt(bank);
    this.#f64(at, power.length).set(power);
    this.#exports.bands(at, count, starts, counts, weights, sums);
    out.set(this.#f32(sums, count), offset);
  }

  flatness(power: Float64Array, least: number, all: Float64Array, products: Float64Array): number {
    const [at, to] = [this.#room('numbers', 8 * power.length), this.#room('shares', 8 * power.length)];
    const of = this.#room('products', 8 * products.length);
    this.#f64(at, power.length).set(power);
    this.#f64(to, power.length).set(all);
    const sum = this.#exports.flatness(at, power.length, least, to, of);
    all.set(this.#f64(to, power.length));
    products.set(this.#f64(of, products.length));
    return sum;
  }

  totals(x: Float32Array, energy: number): Float64Array {
    const [input, found] = [this.#room('samples', 4 * PIECE), this.#room('found', 32)];
    this.#f64(found, 4).set([0, energy, 0, 0]);
    for (let at = 0; at < x.length; at += PIECE) {
      const piece = x.subarray(at, at + PIECE);
      this.#f32(input, piece.length).set(piece);
      this.#exports.totals(input, piece.length, found);
    }
    return this.#f64(found, 4).slice();
  }

  meanStep(x: Float32Array): number {
    const [samples, to] = [this.#room('samples', 4 * PIECE), this.#room('numbers', 8 * PIECE)];
    let mean = 0;
    for (let from = 0; from < x.length - 1; from += PIECE - 1) {
      const piece = x.subarray(from, from + PIECE);
      this.#f32(samples, piece.length).set(piece);
      mean = this.#exports.steps(samples, piece.length - 1, x.length - 1, to, mean);
    }
    return mean;
  }

  total(x: Float64Array, sum: number): number {
    const room = this.#room('numbers', 8 * PIECE);
    let all = sum;
    for (let at = 0; at < x.length; at += PIECE) {
      const piece = x.subarray(at, at + PIECE);
      this.#f64(room, piece.length).set(piece);
      all = this.#exports.total(room, piece.length, all);
    }
    return all;
  }

  addShares(sums: Float64Array, x: Float64Array, by: number): void {
    const [to, at] = [this.#room('shares', 8 * sums.length), this.#room('numbers', 8 * x.length)];
    this.#f64(to, sums.length).set(sums);
    this.#f64(at, x.length).set(x);
    this.#exports.addShares(to, at, x.length, by);
    sums.set(this.#f64(to, sums.length));
  }

  resample(x: Float32Array, before: number, up: number, down: number, { starts, taps, count }: Phases, y: Float32Array): void {
    const rows = starts[up - 1] + count;
    const wanted = 7 * down + rows;
    const input = this.#room('samples', 4 * wanted);
    const [table, places] = [this.#room('taps', 8 * up * count), this.#room('starts', 4 * up)];
    const [turned, output] = [this.#room('turned', 64 * rows), this.#room('outputs', 32 * up)];
    this.#f64(table, up * count).set(taps);
    this.#u32(places, up).set(starts);
    this.#bank = undefined;
    for (let at = 0, from = -before; at < y.length; at += 8 * up, from += 8 * down) {
      const samples = x.subarray(Math.max(0, from), Math.max(0, from + wanted));
      this.#f32(input, wanted).fill(0);
      this.#f32(input, wanted).set(samples, Math.max(0, -from));
      this.#exports.periods(input, up, down, count, places, table, turned, rows, output);
      y.set(this.#f32(output, Math.min(8 * up, y.length - at)), at);
    }
  }

  weighted(x: Float32Array, state: Float64Array, filter: readonly number[]): number {
    const [input, held, coefficients] = [this.#room('samples', 4 * PIECE), this.#room('state', 32), this.#room('filter', 56)];
    this.#f64(held, 4).set(state);
    this.#f64(coefficients, 7).set(filter);
    let energy = 0;
    for (let at = 0; at < x.length; at += PIECE) {
      const piece = x.subarray(at, at + PIECE);
      this.#f32(input, piece.length).set(piece);
      energy = this.#exports.weighted(input, piece.length, held, coefficients, energy);
    }
    state.set(this.#f64(held, 4));
    return energy;
  }

  #taps({ taps }: Points): number {
    const at = this.#room('points', 8 * 96);
    for (const [i, of] of taps.entries()) this.#f64(at + 256 * i, 32).set(of);
    return at;
  }

  peak(x: Float32Array, points: Points, peak: number): number {
    const room = this.#room('pieces', 4 * (PIECE + 2 * REACH));
    const [taps, wide] = [this.#taps(points), this.#room('wide', 8 * 96)];
    let most = peak;
    for (let at = 0; at < x.length; at += PIECE) {
      const n = Math.min(PIECE, x.length - at);
      this.#surround(room, x, at, n);
      most = this.#exports.peaks(room + 4 * REACH, n, taps, points.most, wide, most, 0);
    }
    return most;
  }

  /** n samples from `at` on with their neighbours, zeros where there are none. */
  #surround(room: number, x: Float32Array, at: number, n: number): void {
    const from = Math.max(0, at - REACH);
    const view = this.#f32(room, n + 2 * REACH).fill(0);
    view.set(x.subarray(from, at + n + REACH), from - at + REACH);
  }

  limit(
    x: readonly Float32Array[],
    out: readonly Float32Array[],
    points: Points,
    how: { ceiling: number; dip: number; reach: number },
  ): void {
    const { ceiling, dip, reach } = how;
    const most = Math.min(PIECE + 2 * reach, lengthOf(x));
    const apart = 4 * (most + 2 * REACH);
    const room = this.#room('pieces', apart * x.length);
    const [taps, wide, queue] = [this.#taps(points), this.#room('wide', 8 * 96), this.#room('queue', 4 * most)];
    const [gain, low] = [this.#room('gain', 8 * (most + 2)), this.#room('low', 8 * (most + 2))];
    for (let at = 0; at < lengthOf(out); at += PIECE) {
      const n = Math.min(PIECE, lengthOf(out) - at) + 2 * reach;
      for (const [c, channel] of x.entries()) this.#surround(room + c * apart, channel, at, n);
      const first = room + 4 * REACH;
      if (!this.#exports.limit(first, x.length, apart, n, ceiling, dip, taps, points.most, wide, gain, low, queue, reach)) continue;
      for (const [c, channel] of out.entries()) channel.set(this.#f32(first + c * apart + 4 * reach, n - 2 * reach), at);
    }
  }

  correlate(x: Float32Array, mean: number, start: number, end: number, lag: number): Float64Array {
    const before = lag + 10;
    const [room, sums] = [this.#room('numbers', 8 * (before + end - start)), this.#room('sums', 160)];
    const samples = this.#room('samples', 4 * (before + end - start + 1));
    const from = Math.max(0, start - before);
    const missing = from - start + before; // zeros before the first number
    this.#f32(samples, end - from + 1).set(x.subarray(from, end + 1));
    this.#exports.steps(samples, end - from, 1, room + 8 * missing, 0);
    const view = this.#f64(room, before + end - start);
    view.fill(0, 0, missing);
    for (let n = missing; n < view.length; n++) view[n] -= mean;
    const own = this.#exports.correlate(room + 8 * before, end - start, lag, sums);
    return Float64Array.of(...this.#f64(sums, 20), own);
  }
}
