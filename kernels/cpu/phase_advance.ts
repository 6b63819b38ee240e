// phase_advance: u[t,k] = 2^32 a mod 2^32, the turns a by which the phase of bin k moves from frame t - 1 to frame t
//   k < locked:  a = turns of pitch p = argmax_p (mean of s[t',p] over |t' - t| <= reach + line[k,p]), the lowest of equals
//   k >= locked: a = (arg c + eps[t,k] sqrt(-2 ln |c|)) / 2 pi,  c = (a[t,k] + i b[t,k]) i^k, |c| kept within 0.01 ... 0.9999;
//                bins from `directed` on have c = 0 and arg c = 0.     i^k: a bin's own turn in a hop of a quarter of the transform
//
// x    [rows, x_row]: log magnitude [bins], a [directed], b [directed], s [pitches]      eps [rows, eps_row] ~ N(0, 1)
// line [locked, pitches]     turns [pitches], 2^32 times the turns a frame     u [rows, bins]
// unit a row; steps of 2^-30 turns above `locked`
import { argTurns4, log4, sp } from './lib/math';
import { scratch } from './lib/scratch';
import { load4, store4 } from './lib/some';
import { phase_advance as p } from './params.gen';

export function phase_advance_units(c: usize): u32 {
  return p.rows(c);
}

/** Means of all pitches over the rows around `row` that there are, into scratch; the last group of four is filled up with what is never chosen. */
function saliences(c: usize, row: u32, salience: usize): usize {
  const first = row - min(row, p.reach(c));
  const last = min(row + p.reach(c), p.rows(c) - 1);
  const line = (<usize>p.x_row(c)) << 2;
  const pitches = p.pitches(c);
  for (let j: u32 = 0; j < pitches; j += 4) {
    let at = salience + first * line + ((<usize>j) << 2);
    let sum = sp(0);
    for (let r = first; r <= last; r++, at += line) sum = f32x4.add(sum, load4(at, pitches - j));
    v128.store(scratch + 1024 + ((<usize>j) << 2), f32x4.div(sum, sp(<f32>(last - first + 1))));
  }
  for (let j = pitches; j & 3; j++) store<f32>(scratch + 1024 + ((<usize>j) << 2), -Infinity);
  return scratch + 1024;
}

/** Turns of the pitch that a bin chooses: the best of every fourth, then the best of those, the lowest of equals. */
function chosen(c: usize, means: usize, bin: u32): u32 {
  const pitches = p.pitches(c);
  const line = p.line(c) + ((<usize>(bin * pitches)) << 2);
  let best = i32x4(0, 1, 2, 3);
  let index = best;
  let most = f32x4.add(v128.load(means), load4(line, pitches));
  for (let j: u32 = 4; j < pitches; j += 4) {
    index = i32x4.add(index, i32x4.splat(4));
    const value = f32x4.add(v128.load(means + ((<usize>j) << 2)), load4(line + ((<usize>j) << 2), pitches - j));
    const higher = f32x4.gt(value, most);
    most = v128.bitselect(value, most, higher);
    best = v128.bitselect(index, best, higher);
  }
  let found: u32 = i32x4.extract_lane(best, 0);
  let top = f32x4.extract_lane(most, 0);
  for (let lane = 1; lane < 4; lane++) {
    most = i32x4.shuffle(most, most, 1, 2, 3, 0);
    best = i32x4.shuffle(best, best, 1, 2, 3, 0);
    const value = f32x4.extract_lane(most, 0);
    const at: u32 = i32x4.extract_lane(best, 0);
    if (value > top || (value == top && at < found)) {
      top = value;
      found = at;
    }
  }
  return load<u32>(p.turns(c) + ((<usize>found) << 2));
}

export function phase_advance(c: usize, from: u32, to: u32): void {
  const bins = p.bins(c);
  const locked = min(p.locked(c), bins);
  const directed = p.directed(c);
  for (let row = from; row < to; row++) {
    const at = p.x(c) + ((<usize>(row * p.x_row(c) + bins)) << 2);
    const u = p.u(c) + ((<usize>(row * bins)) << 2);
    const eps = p.eps(c) + ((<usize>(row * p.eps_row(c))) << 2);
    const salience = p.x(c) + ((<usize>(bins + 2 * directed)) << 2);
    const means = locked ? saliences(c, row, salience) : 0;
    for (let bin: u32 = 0; bin < locked; bin++) store<u32>(u + ((<usize>bin) << 2), chosen(c, means, bin));
    for (let bin = locked; bin < bins; ) {
      // four bins of one kind: with a direction, or without one
      const known = bin < directed;
      const n = (known ? min(directed, bins) : bins) - bin;
      const place = (<usize>bin) << 2;
      const a = known ? load4(at + place, n) : sp(0);
      const b = known ? load4(at + ((<usize>directed) << 2) + place, n) : sp(0);
      const length = f32x4.sqrt(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)));
      const width = f32x4.sqrt(f32x4.mul(sp(-2), log4(f32x4.pmin(f32x4.pmax(length, sp(0.01)), sp(0.9999)))));
      const free = f32x4.add(argTurns4(a, b), f32x4.mul(f32x4.mul(sp(0.15915494), load4(eps + place, n)), width));
      const part = f32x4.sub(free, f32x4.nearest(free)); // within a half either way: 2^30 times that fits an integer
      const steps = i32x4.shl(i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(part, sp(1073741824)))), 2);
      const own = i32x4.shl(i32x4.add(i32x4.splat(bin), i32x4(0, 1, 2, 3)), 30); // (bin mod 4) quarters of a turn
      const still = v128.and(f32x4.eq(a, sp(0)), f32x4.eq(b, sp(0)));
      store4(u + place, i32x4.add(steps, v128.andnot(own, still)), n);
      bin += min(4, n);
    }
  }
}
