// fft: one step, of `radix`, of the Fourier transforms of rows of 2 * points real numbers, packed in complex ones, z[i] = x[2i] + i x[2i + 1]:
//   y[l * step + s] = sum_j e^(∓2 pi i j l step / points) z[(l mod points / radix / step) * radix * step + j * step + s]      (Stockham 1966; + if `inverse`)
//
// x, turn, y by READ and WRITE: kernels/fft.wgsl
// unit  a row; with WRITE 2 a hop of y
import { sp } from './lib/math';
import { scratch } from './lib/scratch';
import { load4, store4 } from './lib/some';
import { fft as p } from './params.gen';

export function fft_units(c: usize): u32 {
  return p.rows(c);
}

// @ts-ignore: decorator
@inline
function cosOf(c: usize, k: u32): f32 {
  return load<f32>(p.turn(c) + ((<usize>k) << 3));
}
// @ts-ignore: decorator
@inline
function sinOf(c: usize, k: u32): f32 {
  return load<f32>(p.turn(c) + ((<usize>k) << 3), 4);
}
// @ts-ignore: decorator
@inline
function hann(c: usize, n: u32): f32 {
  return 0.5 - 0.5 * cosOf(c, n);
}

// @ts-ignore: decorator
@inline
function sample(c: usize, row: u32, n: u32): f32 {
  const at = row * p.hop(c) + n - p.pad(c); // wraps before the first
  return at < p.samples(c) ? load<f32>(p.x(c) + ((<usize>at) << 2)) * hann(c, n) : 0;
}

// @ts-ignore: decorator
@inline
function backwards(v: v128): v128 {
  return i32x4.shuffle(v, v, 3, 2, 1, 0);
}

/** The points of a row, re | im: where they lie, or in scratch. */
function pointsOf(c: usize, row: u32): usize {
  const points = p.points(c);
  if (p.READ(c) == 0) return p.x(c) + ((<usize>(row * 2 * points)) << 2);
  const re = scratch + 1024;
  const im = re + ((<usize>points) << 2);
  if (p.READ(c) == 1) {
    for (let k: u32 = 0; k < points; k++) {
      store<f32>(re + ((<usize>k) << 2), sample(c, row, 2 * k));
      store<f32>(im + ((<usize>k) << 2), sample(c, row, 2 * k + 1));
    }
    return re;
  }
  const half = (<usize>p.half(c)) << 2;
  const x = p.x(c) + row * 2 * half;
  for (let k: u32 = 0; k < points; ) {
    const at = (<usize>k) << 2;
    const a = x + at;
    const b = x + ((<usize>(points - k)) << 2);
    if (k == 0 || k + 4 > points) {
      const ai: f32 = k == 0 ? 0 : load<f32>(a + half);
      const bi: f32 = k == 0 ? 0 : -load<f32>(b + half);
      const ar = load<f32>(a);
      const br = load<f32>(b);
      const cos = cosOf(c, k);
      const sin = sinOf(c, k);
      store<f32>(re + at, ar + br - ((ar - br) * sin + (ai - bi) * cos));
      store<f32>(im + at, ai + bi + ((ar - br) * cos - (ai - bi) * sin));
      k += 1;
      continue;
    }
    const ar = v128.load(a);
    const ai = v128.load(a + half);
    const br = backwards(v128.load(b - 12));
    const bi = f32x4.neg(backwards(v128.load(b + half - 12)));
    const turn = p.turn(c) + ((<usize>k) << 3);
    const cos = i32x4.shuffle(v128.load(turn), v128.load(turn, 16), 0, 2, 4, 6);
    const sin = i32x4.shuffle(v128.load(turn), v128.load(turn, 16), 1, 3, 5, 7);
    const dr = f32x4.sub(ar, br);
    const di = f32x4.sub(ai, bi);
    v128.store(re + at, f32x4.sub(f32x4.add(ar, br), f32x4.add(f32x4.mul(dr, sin), f32x4.mul(di, cos))));
    v128.store(im + at, f32x4.add(f32x4.add(ai, bi), f32x4.sub(f32x4.mul(dr, cos), f32x4.mul(di, sin))));
    k += 4;
  }
  return re;
}

/** y[l * step + s], re | im, from points z for l = from ... to - 1, to `re` and `im` on. */
function sums(c: usize, z: usize, from: u32, to: u32, re: usize, im: usize): void {
  const points = p.points(c);
  const radix = p.radix(c);
  const step = p.step(c);
  const groups = points / radix / step;
  const imaginary = (<usize>points) << 2;
  for (let l = from; l < to; l++) {
    let turns = l * step; // of points
    if (p.inverse(c) == 0 && turns != 0) turns = points - turns;
    const base = z + ((<usize>((l % groups) * radix * step)) << 2);
    for (let s: u32 = 0; s < step; s += 4) {
      let a = sp(0);
      let b = sp(0);
      let k: u32 = 0;
      for (let j: u32 = 0; j < radix; j++) {
        const at = base + ((<usize>(j * step + s)) << 2);
        const x = load4(at, step - s);
        const y = load4(at + imaginary, step - s);
        const cos = sp(cosOf(c, 2 * k));
        const sin = sp(sinOf(c, 2 * k));
        a = f32x4.add(a, f32x4.sub(f32x4.mul(x, cos), f32x4.mul(y, sin)));
        b = f32x4.add(b, f32x4.add(f32x4.mul(x, sin), f32x4.mul(y, cos)));
        k += turns;
        if (k >= points) k -= points;
      }
      const out = (<usize>((l - from) * step + s)) << 2;
      store4(re + out, a, step - s);
      store4(im + out, b, step - s);
    }
  }
}

/** All sums of a step of four whose length is whole groups of four: four at a time have their turned points together. */
function fours(c: usize, z: usize, y: usize): void {
  const points = p.points(c);
  const step = p.step(c);
  const groups = points / 4 / step;
  const imaginary = (<usize>points) << 2;
  const next = (<usize>step) << 2; // from point to point, bytes
  const far = next * groups; // from sum to sum
  const sign: f32 = p.inverse(c) != 0 ? 1 : -1;
  for (let l: u32 = 0; l < groups; l++) {
    const k = 2 * l * step;
    const c1 = sp(cosOf(c, k));
    const s1 = sp(sign * sinOf(c, k));
    const c2 = sp(cosOf(c, 2 * k));
    const s2 = sp(sign * sinOf(c, 2 * k));
    const c3 = sp(cosOf(c, 3 * k));
    const s3 = sp(sign * sinOf(c, 3 * k));
    let x = z + 4 * l * next;
    let out = y + l * next;
    for (let s: u32 = 0; s < step; s += 4, x += 16, out += 16) {
      const i = x + imaginary;
      const x1 = v128.load(x + next);
      const y1 = v128.load(i + next);
      const x2 = v128.load(x + 2 * next);
      const y2 = v128.load(i + 2 * next);
      const x3 = v128.load(x + 3 * next);
      const y3 = v128.load(i + 3 * next);
      const r1 = f32x4.sub(f32x4.mul(x1, c1), f32x4.mul(y1, s1));
      const i1 = f32x4.add(f32x4.mul(x1, s1), f32x4.mul(y1, c1));
      const r2 = f32x4.sub(f32x4.mul(x2, c2), f32x4.mul(y2, s2));
      const i2 = f32x4.add(f32x4.mul(x2, s2), f32x4.mul(y2, c2));
      const r3 = f32x4.sub(f32x4.mul(x3, c3), f32x4.mul(y3, s3));
      const i3 = f32x4.add(f32x4.mul(x3, s3), f32x4.mul(y3, c3));
      const ar = f32x4.add(v128.load(x), r2);
      const ai = f32x4.add(v128.load(i), i2);
      const br = f32x4.sub(v128.load(x), r2);
      const bi = f32x4.sub(v128.load(i), i2);
      const cr = f32x4.add(r1, r3);
      const ci = f32x4.add(i1, i3);
      const dr = f32x4.mul(f32x4.sub(r1, r3), sp(sign)); // a quarter turn, and the way of it
      const di = f32x4.mul(f32x4.sub(i1, i3), sp(sign));
      const to = out + imaginary;
      v128.store(out, f32x4.add(ar, cr));
      v128.store(to, f32x4.add(ai, ci));
      v128.store(out + far, f32x4.sub(br, di));
      v128.store(to + far, f32x4.add(bi, dr));
      v128.store(out + 2 * far, f32x4.sub(ar, cr));
      v128.store(to + 2 * far, f32x4.sub(ai, ci));
      v128.store(out + 3 * far, f32x4.add(br, di));
      v128.store(to + 3 * far, f32x4.sub(bi, dr));
    }
  }
}

/** The same where the step is 1 and of four: four l at a time, whose points lie side by side. */
function lastSums(c: usize, z: usize, from: u32, to: u32, re: usize, im: usize): void {
  const points = p.points(c);
  const groups = points / 4;
  if (p.radix(c) != 4 || ((groups | from | to) & 3) != 0) {
    sums(c, z, from, to, re, im);
    return;
  }
  const imaginary = (<usize>points) << 2;
  const sign = sp(p.inverse(c) != 0 ? 1 : -1);
  for (let l = from; l < to; l += 4) {
    const x = z + ((<usize>(l % groups)) << 4);
    const turn = p.turn(c) + ((<usize>l) << 4);
    const t0 = i64x2.shuffle(v128.load(turn), v128.load(turn, 16), 0, 2); // cos, sin, cos, sin
    const t1 = i64x2.shuffle(v128.load(turn, 32), v128.load(turn, 48), 0, 2);
    const c1 = i32x4.shuffle(t0, t1, 0, 2, 4, 6);
    const s1 = f32x4.mul(i32x4.shuffle(t0, t1, 1, 3, 5, 7), sign);
    const c2 = f32x4.sub(f32x4.mul(c1, c1), f32x4.mul(s1, s1));
    const s2 = f32x4.add(f32x4.mul(c1, s1), f32x4.mul(c1, s1));
    const c3 = f32x4.sub(f32x4.mul(c1, c2), f32x4.mul(s1, s2));
    const s3 = f32x4.add(f32x4.mul(c1, s2), f32x4.mul(s1, c2));
    const a0 = i32x4.shuffle(v128.load(x), v128.load(x, 16), 0, 4, 1, 5);
    const a1 = i32x4.shuffle(v128.load(x, 32), v128.load(x, 48), 0, 4, 1, 5);
    const a2 = i32x4.shuffle(v128.load(x), v128.load(x, 16), 2, 6, 3, 7);
    const a3 = i32x4.shuffle(v128.load(x, 32), v128.load(x, 48), 2, 6, 3, 7);
    const y = x + imaginary;
    const b0 = i32x4.shuffle(v128.load(y), v128.load(y, 16), 0, 4, 1, 5);
    const b1 = i32x4.shuffle(v128.load(y, 32), v128.load(y, 48), 0, 4, 1, 5);
    const b2 = i32x4.shuffle(v128.load(y), v128.load(y, 16), 2, 6, 3, 7);
    const b3 = i32x4.shuffle(v128.load(y, 32), v128.load(y, 48), 2, 6, 3, 7);
    const x1 = i64x2.shuffle(a0, a1, 1, 3);
    const y1 = i64x2.shuffle(b0, b1, 1, 3);
    const x2 = i64x2.shuffle(a2, a3, 0, 2);
    const y2 = i64x2.shuffle(b2, b3, 0, 2);
    const x3 = i64x2.shuffle(a2, a3, 1, 3);
    const y3 = i64x2.shuffle(b2, b3, 1, 3);
    let u = f32x4.add(i64x2.shuffle(a0, a1, 0, 2), f32x4.sub(f32x4.mul(x1, c1), f32x4.mul(y1, s1)));
    let v = f32x4.add(i64x2.shuffle(b0, b1, 0, 2), f32x4.add(f32x4.mul(x1, s1), f32x4.mul(y1, c1)));
    u = f32x4.add(u, f32x4.sub(f32x4.mul(x2, c2), f32x4.mul(y2, s2)));
    v = f32x4.add(v, f32x4.add(f32x4.mul(x2, s2), f32x4.mul(y2, c2)));
    u = f32x4.add(u, f32x4.sub(f32x4.mul(x3, c3), f32x4.mul(y3, s3)));
    v = f32x4.add(v, f32x4.add(f32x4.mul(x3, s3), f32x4.mul(y3, c3)));
    const out = (<usize>(l - from)) << 2;
    v128.store(re + out, u);
    v128.store(im + out, v);
  }
}

export function fft(c: usize, from: u32, to: u32): void {
  const points = p.points(c);
  const bytes = (<usize>points) << 2;
  if (p.WRITE(c) == 2) {
    for (let row = from; row < to; row++) covers(c, row);
    return;
  }
  for (let row = from; row < to; row++) {
    const z = pointsOf(c, row);
    if (p.WRITE(c) == 0) {
      const y = p.y(c) + row * 2 * bytes;
      if (p.radix(c) == 4 && (p.step(c) & 3) == 0) fours(c, z, y);
      else sums(c, z, 0, points / p.step(c), y, y + bytes);
      continue;
    }
    const re = scratch + 1024 + 2 * bytes;
    const im = re + bytes;
    lastSums(c, z, 0, points, re, im);
    const half = (<usize>p.half(c)) << 2;
    const y = p.y(c) + row * 2 * half;
    const bins = p.bins(c);
    for (let k: u32 = 0; k < bins; k++) {
      const a = (<usize>(k == points ? 0 : k)) << 2;
      const b = (<usize>(k == 0 || k == points ? 0 : points - k)) << 2;
      const ar = load<f32>(re + a);
      const ai = load<f32>(im + a);
      const br = load<f32>(re + b);
      const bi = -load<f32>(im + b);
      const cos = cosOf(c, k);
      const sin = -sinOf(c, k);
      store<f32>(y + ((<usize>k) << 2), 0.5 * (ar + br + ((ar - br) * sin + (ai - bi) * cos)));
      store<f32>(y + half + ((<usize>k) << 2), 0.5 * (ai + bi - ((ar - br) * cos - (ai - bi) * sin)));
    }
    const used = (<usize>bins) << 2;
    memory.fill(y + used, 0, half - used);
    memory.fill(y + half + used, 0, half - used);
  }
}

/** Samples of hop `block` of y: of every frame that covers them, the pairs that do. */
function covers(c: usize, block: u32): void {
  const points = p.points(c);
  const hop = p.hop(c);
  const re = scratch + 1024 + (((<usize>points) << 2) << 1);
  const im = re + ((<usize>points) << 2);
  const y = p.y(c) + ((<usize>(block * hop)) << 2);
  memory.fill(y, 0, (<usize>hop) << 2);
  const first = block * hop + p.pad(c);
  for (let t = min((first + hop - 1) / hop, p.rows(c) - 1); ; t--) {
    // samples n of the frame; those before its first one are left out
    const skip = t * hop > first ? t * hop - first : 0;
    const n = first + skip - t * hop;
    if (n >= 2 * points) break;
    const end = min(first + hop - t * hop, 2 * points);
    const pair = n / 2;
    lastSums(c, pointsOf(c, t), pair, (end + 1) / 2, re, im);
    const to = y + ((<usize>skip) << 2);
    let i: u32 = 0;
    if ((n & 1) == 0)
      for (; i + 4 <= end - n; i += 4) {
        const at = (<usize>(i / 2)) << 2;
        const pairs = i32x4.shuffle(v128.load64_zero(re + at), v128.load64_zero(im + at), 0, 4, 1, 5);
        const turn = p.turn(c) + ((<usize>(n + i)) << 3);
        const cos = i32x4.shuffle(v128.load(turn), v128.load(turn, 16), 0, 2, 4, 6);
        const heard = f32x4.mul(f32x4.sub(sp(0.5), f32x4.mul(sp(0.5), cos)), pairs);
        v128.store(to + ((<usize>i) << 2), f32x4.add(v128.load(to + ((<usize>i) << 2)), heard));
      }
    for (; i < end - n; i++) {
      const value = load<f32>(((n + i) & 1 ? im : re) + ((<usize>((n + i) / 2 - pair)) << 2));
      store<f32>(to + ((<usize>i) << 2), load<f32>(to + ((<usize>i) << 2)) + hann(c, n + i) * value);
    }
    if (t == 0) break;
  }
  const scale: f32 = 3 * <f32>points;
  for (let i: u32 = 0; i < hop; i++) {
    const at = y + ((<usize>i) << 2);
    store<f32>(at, load<f32>(at) / scale);
  }
}
