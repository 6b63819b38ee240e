// mean_rows: y[b,d] = mean_t x[b,t,d]
//
// x     [n / dim, length, dim]    y [n / dim, dim]
// unit  four columns of an item
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { mean_rows as p } from './params.gen';

export function mean_rows_units(c: usize): u32 {
  return (p.n(c) / p.dim(c)) * ((p.dim(c) + 3) >> 2);
}

export function mean_rows(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const fours = (dim + 3) >> 2;
  for (let unit = from; unit < to; unit++) {
    const item = unit / fours;
    const d = (unit % fours) << 2;
    let x = p.x(c) + ((<usize>(item * p.length(c) * dim + d)) << 2);
    let sum = sp(0);
    for (let t: u32 = 0; t < p.length(c); t++) {
      sum = f32x4.add(sum, load4(x, dim - d));
      x += (<usize>dim) << 2;
    }
    store4(p.y(c) + ((<usize>(item * dim + d)) << 2), f32x4.div(sum, sp(<f32>p.length(c))), dim - d);
  }
}
