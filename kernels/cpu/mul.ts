// mul: y[i] = a[i] * b[i mod period]
//
// a, y  [n]             b [period]: a row, repeated over the rest, or n elements
// unit  256 elements
import { load4, store4 } from './lib/some';
import { mul as p } from './params.gen';

export function mul_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function mul(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  const period = p.period(c);
  let i = from << 8;
  let j = i % period;
  while (i < end) {
    const run = min(end - i, period - j); // up to where b begins again
    const a = p.a(c) + ((<usize>i) << 2);
    const b = p.b(c) + ((<usize>j) << 2);
    const y = p.y(c) + ((<usize>i) << 2);
    for (let s: u32 = 0; s < run; s += 4) {
      const at = (<usize>s) << 2;
      store4(y + at, f32x4.mul(load4(a + at, run - s), load4(b + at, run - s)), run - s);
    }
    i += run;
    j = 0;
  }
}
