// What takes long when a finished clip is levelled and measured, in float64 and two lanes: Fourier transforms, resampling, K-weighted energy,
// peaks between samples, the limiter, autocorrelations. src/audio/simd.ts calls it.
//
// Every sum is made of the same numbers in the same order as by the JavaScript beside each caller, which stays what pages without WebAssembly
// use: two lanes are two sums, never two halves of one. So the results are equal to the bit, and test/audio/simd.test.ts says so.

/** Room for `bytes` bytes that stay taken. */
export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}

// ---- Fourier transform: src/audio/fft.ts

/**
 * power[k] = |Σ x[n] e^(−2πi k n / size)|², k = 0 … half, of x [2 · half]. `turns`: for each step of two but the first cos and sin of its first,
 * then of its second half [4, span], then of a last single step [2, span]; `cos`, `sin` [half] of the last butterfly; `places` [half] bit-reversed.
 */
export function fourier(half: u32, x: usize, re: usize, im: usize, places: usize, turns: usize, cos: usize, sin: usize, power: usize): void {
  for (let i: usize = 0; i < half; i++) {
    const v = v128.load(x + ((<usize>load<u32>(places + (i << 2))) << 4));
    store<f64>(re + (i << 3), f64x2.extract_lane(v, 0));
    store<f64>(im + (i << 3), f64x2.extract_lane(v, 1));
  }
  let span: u32 = 4;
  firstSteps(half, re, im);
  for (; span * 4 <= half; span *= 4) {
    twoSteps(half, span, re, im, turns);
    turns += (<usize>span) << 5;
  }
  if (span < half) lastStep(span, re, im, turns);
  split(half, re, im, cos, sin, power);
}

/** Two steps of single values, whose turns are none. */
function firstSteps(half: u32, re: usize, im: usize): void {
  for (const end = re + ((<usize>half) << 3); re < end; re += 32, im += 32) {
    const ar = load<f64>(re), br = load<f64>(re, 8), cr = load<f64>(re, 16), dr = load<f64>(re, 24);
    const ai = load<f64>(im), bi = load<f64>(im, 8), ci = load<f64>(im, 16), di = load<f64>(im, 24);
    const pr = ar + br, pi = ai + bi, qr = ar - br, qi = ai - bi;
    const ur = cr + dr, ui = ci + di, vr = cr - dr, vi = ci - di;
    store<f64>(re, pr + ur);
    store<f64>(im, pi + ui);
    store<f64>(re, qr + vi, 8);
    store<f64>(im, qi - vr, 8);
    store<f64>(re, pr - ur, 16);
    store<f64>(im, pi - ui, 16);
    store<f64>(re, qr - vi, 24);
    store<f64>(im, qi + vr, 24);
  }
}

function twoSteps(half: u32, span: u32, re: usize, im: usize, turns: usize): void {
  const s = (<usize>span) << 3;
  for (const end = re + ((<usize>half) << 3); re < end; re += 3 * s, im += 3 * s) {
    let t = turns;
    for (const stop = re + s; re < stop; re += 16, im += 16, t += 16) {
      const c1 = v128.load(t), s1 = v128.load(t + s), c2 = v128.load(t + 2 * s), s2 = v128.load(t + 3 * s);
      let xr = v128.load(re + s), xi = v128.load(im + s);
      const br = f64x2.add(f64x2.mul(xr, c1), f64x2.mul(xi, s1));
      const bi = f64x2.sub(f64x2.mul(xi, c1), f64x2.mul(xr, s1));
      xr = v128.load(re + 3 * s);
      xi = v128.load(im + 3 * s);
      const dr = f64x2.add(f64x2.mul(xr, c1), f64x2.mul(xi, s1));
      const di = f64x2.sub(f64x2.mul(xi, c1), f64x2.mul(xr, s1));
      const ar = v128.load(re), ai = v128.load(im), cr = v128.load(re + 2 * s), ci = v128.load(im + 2 * s);
      const pr = f64x2.add(ar, br), pi = f64x2.add(ai, bi), qr = f64x2.sub(ar, br), qi = f64x2.sub(ai, bi);
      const ur = f64x2.add(cr, dr), ui = f64x2.add(ci, di), vr = f64x2.sub(cr, dr), vi = f64x2.sub(ci, di);
      const fr = f64x2.add(f64x2.mul(ur, c2), f64x2.mul(ui, s2));
      const fi = f64x2.sub(f64x2.mul(ui, c2), f64x2.mul(ur, s2));
      const yr = f64x2.sub(f64x2.mul(vi, c2), f64x2.mul(vr, s2));
      const yi = f64x2.sub(f64x2.mul(f64x2.neg(vr), c2), f64x2.mul(vi, s2));
      v128.store(re, f64x2.add(pr, fr));
      v128.store(im, f64x2.add(pi, fi));
      v128.store(re + s, f64x2.add(qr, yr));
      v128.store(im + s, f64x2.add(qi, yi));
      v128.store(re + 2 * s, f64x2.sub(pr, fr));
      v128.store(im + 2 * s, f64x2.sub(pi, fi));
      v128.store(re + 3 * s, f64x2.sub(qr, yr));
      v128.store(im + 3 * s, f64x2.sub(qi, yi));
    }
  }
}

function lastStep(span: u32, re: usize, im: usize, turns: usize): void {
  const s = (<usize>span) << 3;
  for (const end = re + s; re < end; re += 16, im += 16, turns += 16) {
    const c = v128.load(turns), n = v128.load(turns + s);
    const br = v128.load(re + s), bi = v128.load(im + s);
    const tr = f64x2.add(f64x2.mul(br, c), f64x2.mul(bi, n));
    const ti = f64x2.sub(f64x2.mul(bi, c), f64x2.mul(br, n));
    const ar = v128.load(re), ai = v128.load(im);
    v128.store(re + s, f64x2.sub(ar, tr));
    v128.store(im + s, f64x2.sub(ai, ti));
    v128.store(re, f64x2.add(ar, tr));
    v128.store(im, f64x2.add(ai, ti));
  }
}

/** The packed spectrum into those of the even and odd points, and one last butterfly that joins them. */
function split(half: u32, re: usize, im: usize, cos: usize, sin: usize, power: usize): void {
  const r0 = load<f64>(re), i0 = load<f64>(im);
  const bytes = (<usize>half) << 3;
  store<f64>(power, (r0 + i0) * (r0 + i0));
  store<f64>(power + bytes, (r0 - i0) * (r0 - i0));
  const two = f64x2.splat(0.5);
  for (let k: usize = 8; k < bytes; k += 16) {
    const single = k + 16 > bytes; // the last one, which is its own neighbour's neighbour
    const m = single ? bytes - k : bytes - k - 8;
    const rk = v128.load(re + k), ik = v128.load(im + k);
    let rm = v128.load(re + m), jm = v128.load(im + m);
    if (!single) {
      rm = i64x2.shuffle(rm, rm, 1, 0);
      jm = i64x2.shuffle(jm, jm, 1, 0);
    }
    const evenRe = f64x2.mul(f64x2.add(rk, rm), two);
    const evenIm = f64x2.mul(f64x2.sub(ik, jm), two);
    const oddRe = f64x2.mul(f64x2.add(ik, jm), two);
    const oddIm = f64x2.mul(f64x2.sub(rm, rk), two);
    const c = v128.load(cos + k), s = v128.load(sin + k);
    const a = f64x2.add(f64x2.add(evenRe, f64x2.mul(c, oddRe)), f64x2.mul(s, oddIm));
    const b = f64x2.sub(f64x2.add(evenIm, f64x2.mul(c, oddIm)), f64x2.mul(s, oddRe));
    const p = f64x2.add(f64x2.mul(a, a), f64x2.mul(b, b));
    if (single) store<f64>(power + k, f64x2.extract_lane(p, 0));
    else v128.store(power + k, p);
  }
}

/** to[k] = cos(2π k / size), or with ahead 0 the sine, for n numbers: src/elementary.ts, step by step. */
export function turned(to: usize, n: u32, size: f64, ahead: u32): void {
  for (let k: u32 = 0; k < n; k++, to += 8) {
    const turns = <f64>k / size;
    const rest = turns - rounded(turns);
    const near = rounded(4 * rest);
    const x = 2 * Math.PI * (rest - near / 4);
    const quarter = (<i32>near + <i32>ahead) & 3;
    const odd = quarter & 1;
    let term = odd != 0 ? 1 : x;
    let sum = term;
    for (let i: f64 = odd != 0 ? 1 : 2; i < 19; i += 2) sum += term *= (-x * x) / (i * (i + 1));
    store<f64>(to, (quarter & 2) != 0 ? -sum : sum);
  }
}

/** As Math.round. */
// @ts-ignore: decorator
@inline
function rounded(x: f64): f64 {
  const whole = floor(x);
  return x - whole >= 0.5 ? whole + 1 : whole;
}

/** to[k] = from[k · stride] for n numbers. */
export function every(from: usize, n: u32, stride: u32, to: usize): void {
  for (const end = to + ((<usize>n) << 3); to < end; to += 8, from += (<usize>stride) << 3) store<f64>(to, load<f64>(from));
}

/** sums[b] = Σ weights[i] power[starts[b] + i], i < counts[b], for n bands one after another in `weights`, as floats. */
export function bands(power: usize, n: u32, starts: usize, counts: usize, weights: usize, sums: usize): void {
  for (let b: usize = 0; b < <usize>n << 2; b += 4) {
    let at = power + ((<usize>load<u32>(starts + b)) << 3);
    let sum: f64 = 0;
    for (const end = weights + ((<usize>load<u32>(counts + b)) << 3); weights < end; weights += 8, at += 8) sum += load<f64>(weights) * load<f64>(at);
    store<f32>(sums + b, <f32>sum);
  }
}

/**
 * power[k] or `floor`, whichever is more, for n numbers: their sum, and products of eight after another in `products`. What is there is added
 * to `all`.
 */
export function flatness(power: usize, n: u32, least: f64, all: usize, products: usize): f64 {
  let sum: f64 = 0;
  for (let k: u32 = 0; k < n; k += 8, products += 8) {
    let product: f64 = 1;
    for (let j = k; j < min(k + 8, n); j++, power += 8, all += 8) {
      const here = load<f64>(power);
      const value = max(here, least);
      sum += value;
      product *= value;
      store<f64>(all, load<f64>(all) + here);
    }
    store<f64>(products, product);
  }
  return sum;
}

/** x[k] · by for n numbers, in their place. */
export function multiply(x: usize, n: u32, by: f64): void {
  for (const end = x + ((<usize>n) << 3); x < end; x += 8) store<f64>(x, load<f64>(x) * by);
}

/** sums[k] += x[k] / by for n numbers. */
export function addShares(sums: usize, x: usize, n: u32, by: f64): void {
  for (const end = x + ((<usize>n) << 3); x < end; x += 8, sums += 8) store<f64>(sums, load<f64>(sums) + load<f64>(x) / by);
}

/** `sum` and n numbers, one after another. */
export function total(x: usize, n: u32, sum: f64): f64 {
  for (const end = x + ((<usize>n) << 3); x < end; x += 8) sum += load<f64>(x);
  return sum;
}

/** to[n] = x[n] · window[n] for n floats, and zeros up to `size`; returns the energy of x. */
export function windowed(x: usize, n: u32, window: usize, size: u32, to: usize): f64 {
  let energy: f64 = 0;
  for (const end = to + ((<usize>n) << 3); to < end; to += 8, x += 4, window += 8) {
    const value = <f64>load<f32>(x);
    energy += value * value;
    store<f64>(to, value * load<f64>(window));
  }
  memory.fill(to, 0, (<usize>(size - n)) << 3);
  return energy;
}

// ---- resampling: src/audio/resample.ts

/**
 * Eight periods: y[q · up + p] = Σ x[q · down + starts[p] + k] h[p, k], p < up, q < 8. `turned` [rows, 8] is room, where `rows` samples are what
 * one period reads.
 */
export function periods(x: usize, up: u32, down: u32, taps: u32, starts: usize, h: usize, turned: usize, rows: u32, y: usize): void {
  const step = (<usize>down) << 2;
  for (let r: u32 = 0; r < rows; r++) {
    let from = x + ((<usize>r) << 2);
    let to = turned + ((<usize>r) << 6);
    for (let q = 0; q < 8; q++, from += step, to += 8) store<f64>(to, <f64>load<f32>(from));
  }
  for (let p: u32 = 0; p < up; p++) {
    let at = turned + ((<usize>load<u32>(starts + ((<usize>p) << 2))) << 6);
    let a = f64x2.splat(0), b = a, c = a, d = a;
    for (const end = h + ((<usize>taps) << 3); h < end; h += 8, at += 64) {
      const tap = v128.load64_splat(h);
      a = f64x2.add(a, f64x2.mul(v128.load(at), tap));
      b = f64x2.add(b, f64x2.mul(v128.load(at, 16), tap));
      c = f64x2.add(c, f64x2.mul(v128.load(at, 32), tap));
      d = f64x2.add(d, f64x2.mul(v128.load(at, 48), tap));
    }
    const one = (<usize>up) << 2;
    let to = y + ((<usize>p) << 2);
    store<f32>(to, <f32>f64x2.extract_lane(a, 0));
    store<f32>((to += one), <f32>f64x2.extract_lane(a, 1));
    store<f32>((to += one), <f32>f64x2.extract_lane(b, 0));
    store<f32>((to += one), <f32>f64x2.extract_lane(b, 1));
    store<f32>((to += one), <f32>f64x2.extract_lane(c, 0));
    store<f32>((to += one), <f32>f64x2.extract_lane(c, 1));
    store<f32>((to += one), <f32>f64x2.extract_lane(d, 0));
    store<f32>(to + one, <f32>f64x2.extract_lane(d, 1));
  }
}

// ---- samples as they are: src/audio/measures/level.ts

/** found [4] with n more floats: their sum, energy, largest size, and how many are not finite. */
export function totals(x: usize, n: u32, found: usize): void {
  let sum = load<f64>(found), energy = load<f64>(found, 8), peak = <f32>load<f64>(found, 16), broken = load<f64>(found, 24);
  for (const end = x + ((<usize>n) << 2); x < end; x += 4) {
    const value = load<f32>(x);
    sum += <f64>value;
    energy += <f64>value * <f64>value;
    peak = max(peak, abs(value));
    if (!isFinite(value)) broken += 1;
  }
  store<f64>(found, sum);
  store<f64>(found, energy, 8);
  store<f64>(found, <f64>peak, 16);
  store<f64>(found, broken, 24);
}

/** to[n] = |x[n + 1] − x[n]|, rounded to f32, of n + 1 floats; returns `mean` with all of them over `length`. */
export function steps(x: usize, n: u32, length: f64, to: usize, mean: f64): f64 {
  for (const end = x + ((<usize>n) << 2); x < end; x += 4, to += 8) {
    const step = <f64>(<f32>abs(<f64>load<f32>(x, 4) - <f64>load<f32>(x)));
    store<f64>(to, step);
    mean += step / length;
  }
  return mean;
}

// ---- loudness and peaks: src/audio/loudness.ts, src/audio/limiter.ts

/** `energy` and that of n floats after the K filter; `state` [4] is what its two biquads remember, `k`: b0 b1 b2 a1 a2 c1 c2. */
export function weighted(x: usize, n: u32, state: usize, k: usize, energy: f64): f64 {
  const b0 = load<f64>(k), b1 = load<f64>(k, 8), b2 = load<f64>(k, 16), a1 = load<f64>(k, 24), a2 = load<f64>(k, 32);
  const c1 = load<f64>(k, 40), c2 = load<f64>(k, 48);
  let s1 = load<f64>(state), s2 = load<f64>(state, 8), h1 = load<f64>(state, 16), h2 = load<f64>(state, 24);
  for (const end = x + ((<usize>n) << 2); x < end; x += 4) {
    const input = <f64>load<f32>(x);
    const y = b0 * input + s1;
    s1 = b1 * input - a1 * y + s2;
    s2 = b2 * input - a2 * y;
    const z = y + h1;
    h1 = -2 * y - c1 * z + h2;
    h2 = y - c2 * z;
    energy += z * z;
  }
  store<f64>(state, s1);
  store<f64>(state, s2, 8);
  store<f64>(state, h1, 16);
  store<f64>(state, h2, 24);
  return energy;
}

const BLOCK: u32 = 64;
const REACH: u32 = 16;
let over: bool = false;

// @ts-ignore: decorator
@inline
function need(gain: usize, peak: f64, ceiling: f64): void {
  if (peak <= ceiling) return;
  over = true;
  store<f64>(gain, min(load<f64>(gain), ceiling / peak));
}

/**
 * The three points between samples of n floats, which REACH zeros or neighbours surround on each side, by `taps` [3, 2 · REACH]. Without `gain`:
 * the largest of `peak` and all of them. With it: gain[n + 1] becomes what brings them and the samples under `peak`. `most` is the largest
 * share of a sample that a point can have; `wide` [BLOCK + 2 · REACH] is room.
 */
export function peaks(x: usize, n: u32, taps: usize, most: f64, wide: usize, peak: f64, gain: usize): f64 {
  for (let start: u32 = 0; start < n; start += BLOCK) {
    const count = min(BLOCK, n - start);
    const here = x + ((<usize>start) << 2);
    const first = here - (REACH << 2);
    let around: f32 = 0;
    for (let i: usize = 0; i < <usize>(count + 2 * REACH) << 2; i += 4) around = max(around, abs(load<f32>(first + i)));
    if (gain != 0)
      for (let i: u32 = 0; i < count; i++) need(gain + ((<usize>(start + i)) << 3), <f64>abs(load<f32>(here + ((<usize>i) << 2))), peak);
    if (<f64>around * most <= peak) continue;
    // samples first + 1 … : the point after sample i is made of samples i − 15 … i + 16
    for (let i: u32 = 0; i < BLOCK + 2 * REACH; i++)
      store<f64>(wide + ((<usize>i) << 3), i < count + 2 * REACH - 1 ? <f64>load<f32>(first + 4 + ((<usize>i) << 2)) : 0);
    for (let i: u32 = 0; i < count; i += 2) {
      let from = wide + ((<usize>i) << 3);
      let a = f64x2.splat(0), b = a, c = a;
      let h = taps;
      for (const end = taps + REACH * 16; h < end; h += 8, from += 8) {
        const value = v128.load(from);
        a = f64x2.add(a, f64x2.mul(value, v128.load64_splat(h)));
        b = f64x2.add(b, f64x2.mul(value, v128.load64_splat(h, 256)));
        c = f64x2.add(c, f64x2.mul(value, v128.load64_splat(h, 512)));
      }
      const high = f64x2.max(f64x2.max(f64x2.abs(a), f64x2.abs(b)), f64x2.abs(c));
      const left = f64x2.extract_lane(high, 0);
      const right = i + 1 < count ? f64x2.extract_lane(high, 1) : 0;
      if (gain == 0) peak = max(peak, max(left, right));
      else {
        const at = gain + ((<usize>(start + i)) << 3);
        need(at, left, peak);
        need(at + 8, max(left, right), peak);
        need(at + 16, right, peak);
      }
    }
  }
  return peak;
}

const GRAIN: f64 = 1099511627776; // 2^40

/**
 * The limiter of one piece: `channels` arrays of n floats `apart` bytes apart from x on, each with REACH zeros before and behind. Their samples
 * reach … n − reach are multiplied by one gain. `gain`, `low` [n + 2] and `queue` [n] are room. Returns whether anything had to be done.
 */
export function limit(x: usize, channels: u32, apart: usize, n: u32, ceiling: f64, dip: u32, taps: usize, most: f64, wide: usize, gain: usize, low: usize, queue: usize, reach: u32): bool {
  over = false;
  for (let i: u32 = 0; i < n + 2; i++) store<f64>(gain + ((<usize>i) << 3), 1);
  for (let c: u32 = 0; c < channels; c++) peaks(x + c * apart, n, taps, most, wide, ceiling, gain);
  if (!over) return false;
  lowest(gain, low, queue, n, dip);
  smooth(low, gain, n, dip / 2);
  smooth(gain, low, n, dip / 2);
  for (let c: u32 = 0; c < channels; c++)
    for (let i = reach; i < n - reach; i++) {
      const at = x + c * apart + ((<usize>i) << 2);
      store<f32>(at, <f32>(<f64>load<f32>(at) * load<f64>(low + ((<usize>i) << 3))));
    }
  return true;
}

/** Least value within `reach` on each side: a queue of the places whose values no later one undercuts. */
function lowest(x: usize, out: usize, queue: usize, length: u32, reach: u32): void {
  let head: usize = queue;
  let tail: usize = queue;
  for (let n: u32 = 0; n < length + reach; n++) {
    if (n < length) {
      const value = load<f64>(x + ((<usize>n) << 3));
      while (tail > head && load<f64>(x + ((<usize>load<u32>(tail - 4)) << 3)) >= value) tail -= 4;
      store<u32>(tail, n);
      tail += 4;
    }
    if (n < reach) continue;
    const at = n - reach;
    while (load<u32>(head) + reach < at) head += 4;
    store<f64>(out + ((<usize>at) << 3), min(<f64>1, load<f64>(x + ((<usize>load<u32>(head)) << 3))));
  }
}

// @ts-ignore: decorator
@inline
function missing(x: usize, n: u32): f64 {
  const value = (1 - load<f64>(x + ((<usize>n) << 3))) * GRAIN;
  const whole = floor(value);
  return value - whole >= 0.5 ? whole + 1 : whole; // as Math.round
}

/** Mean over `reach` on each side; what lies outside counts as 1. */
function smooth(x: usize, out: usize, length: u32, reach: u32): void {
  const width = <f64>(2 * reach + 1) * GRAIN;
  let sum: f64 = 0;
  for (let i: u32 = 0; i < min(reach, length); i++) sum += missing(x, i);
  for (let n: u32 = 0; n < length; n++) {
    if (n + reach < length) sum += missing(x, n + reach);
    if (n > reach) sum -= missing(x, n - reach - 1);
    store<f64>(out + ((<usize>n) << 3), 1 - sum / width);
  }
}

// ---- autocorrelation: src/audio/measures/joins.ts

const LAGS: u32 = 20;

/**
 * Σ v[n] v[n − lag + 10 − j] over `count` numbers from v on, for j = 0 … 19 into sums [20]: the lags lag + 10 … hm down to lag − 9; returns Σ v[n]².
 * What lies before v is read, and must be 0 before the first number of all.
 */
export function correlate(v: usize, count: u32, lag: u32, sums: usize): f64 {
  let own: f64 = 0;
  for (let part: u32 = 0; part < LAGS; part += 10) {
    let a = f64x2.splat(0), b = a, c = a, d = a, e = a;
    let before = v - ((<usize>(lag + 10 - part)) << 3);
    for (let at = v; at < v + ((<usize>count) << 3); at += 8, before += 8) {
      const value = v128.load64_splat(at);
      a = f64x2.add(a, f64x2.mul(value, v128.load(before)));
      b = f64x2.add(b, f64x2.mul(value, v128.load(before, 16)));
      c = f64x2.add(c, f64x2.mul(value, v128.load(before, 32)));
      d = f64x2.add(d, f64x2.mul(value, v128.load(before, 48)));
      e = f64x2.add(e, f64x2.mul(value, v128.load(before, 64)));
    }
    const to = sums + ((<usize>part) << 3);
    v128.store(to, a);
    v128.store(to, b, 16);
    v128.store(to, c, 32);
    v128.store(to, d, 48);
    v128.store(to, e, 64);
  }
  for (let at = v; at < v + ((<usize>count) << 3); at += 8) own += load<f64>(at) * load<f64>(at);
  return own;
}
