// phase_sum: y[t,k] = start[k] + sum of (u[j,k] + drift[k]) over first <= j <= t, mod 2^32;  start[k] before `first`
//            next[k] = y[end - 1, k], or start[k] where end = 0
//
// u, y  [rows, bins]     start, drift, next [bins]     turns times 2^32: wrapping sums are exact in any order and parts
// unit  four bins, serial over the rows
import { load4, store4 } from './lib/some';
import { phase_sum as p } from './params.gen';

export function phase_sum_units(c: usize): u32 {
  return (p.bins(c) + 3) >> 2;
}

export function phase_sum(c: usize, from: u32, to: u32): void {
  const line = (<usize>p.bins(c)) << 2;
  for (let unit = from; unit < to; unit++) {
    const at = (<usize>unit) << 4;
    const n = p.bins(c) - (unit << 2);
    const own = load4(p.drift(c) + at, n);
    let phase = load4(p.start(c) + at, n);
    let reached = phase;
    for (let row: u32 = 0; row < p.rows(c); row++) {
      const place = row * line + at;
      if (row >= p.first(c)) phase = i32x4.add(phase, i32x4.add(load4(p.u(c) + place, n), own));
      store4(p.y(c) + place, phase, n);
      if (row + 1 == p.end(c)) reached = phase;
    }
    store4(p.next(c) + at, reached, n);
  }
}
