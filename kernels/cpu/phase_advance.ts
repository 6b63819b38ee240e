// phase_advance: u[t,k] = 2^32 a mod 2^32, the turns a by which the phase of bin k moves from frame t - 1 to frame t
//   k < locked:  a = turns of pitch p = argmax_p (mean of s[t',p] over |t' - t| <= reach + line[k,p]), the lowest of equals
//   k >= locked: a = (arg c + eps[t,k] sqrt(-2 ln |c|)) / 2 pi,  c = (a[t,k] + i b[t,k]) i^k, |c| kept within 0.01 ... 0.9999;
//                bins from `directed` on have c = 0 and arg c = 0.     i^k: a bin's own turn in a hop of a quarter of the transform
//
// x    [rows, x_row]: log magnitude [bins], a [directed], b [directed], s [pitches]      eps [rows, eps_row] ~ N(0, 1)
// line [locked, pitches]     turns [pitches], 2^32 times the turns a frame     u [rows, bins]
// unit a row; steps of 2^-30 turns above `locked`
import { argTurns4, log4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { phase_advance as p } from './params.gen';

export function phase_advance_units(c: usize): u32 {
  return p.rows(c);
}

// mean of one column over the rows around `row` that there are; `column` is the address of it in the first row
function around(c: usize, row: u32, column: usize): f32 {
  const first = row - min(row, p.reach(c));
  const last = min(row + p.reach(c), p.rows(c) - 1);
  let sum: f32 = 0;
  for (let r = first; r <= last; r++) sum += load<f32>(column + ((<usize>(r * p.x_row(c))) << 2));
  return sum / <f32>(last - first + 1);
}

function chosen(c: usize, row: u32, salience: usize, bin: u32): u32 {
  const line = p.line(c) + ((<usize>(bin * p.pitches(c))) << 2);
  let best: u32 = 0;
  let most = around(c, row, salience) + load<f32>(line);
  for (let j: u32 = 1; j < p.pitches(c); j++) {
    const value = around(c, row, salience + ((<usize>j) << 2)) + load<f32>(line + ((<usize>j) << 2));
    if (value > most) {
      most = value;
      best = j;
    }
  }
  return load<u32>(p.turns(c) + ((<usize>best) << 2));
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
    for (let bin: u32 = 0; bin < locked; bin++) store<u32>(u + ((<usize>bin) << 2), chosen(c, row, salience, bin));
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
