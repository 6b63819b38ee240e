// add: y[i] = a[i] * alpha + b[i mod period] * beta
//
// a, y  [n]             b [period]: a row, repeated over the rest, or n elements
// unit  256 elements
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { add as p } from './params.gen';

export function add_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function add(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  const period = p.period(c);
  const alpha = p.alpha(c);
  const beta = p.beta(c);
  let i = from << 8;
  let j = i % period;
  while (i < end) {
    const run = min(end - i, period - j); // up to where b begins again
    const a = p.a(c) + ((<usize>i) << 2);
    const b = p.b(c) + ((<usize>j) << 2);
    const y = p.y(c) + ((<usize>i) << 2);
    for (let s: u32 = 0; s < run; s += 4) {
      const at = (<usize>s) << 2;
      store4(y + at, f32x4.add(f32x4.mul(load4(a + at, run - s), sp(alpha)), f32x4.mul(load4(b + at, run - s), sp(beta))), run - s);
    }
    i += run;
    j = 0;
  }
}
