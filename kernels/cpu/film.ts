// film: y[r,d] = x[r,d] * scale[r / times, d] + shift[r / times, d]   (Perez et al. 2018)
//
// x, y  [rows, dim]    scale, shift [rows / times, dim]
// unit  a row
import { load4, store4 } from './lib/some';
import { film as p } from './params.gen';

export function film_units(c: usize): u32 {
  return p.rows(c);
}

export function film(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  for (let row = from; row < to; row++) {
    const base = (<usize>(row * dim)) << 2;
    const condition = (<usize>((row / p.times(c)) * dim)) << 2;
    for (let i: u32 = 0; i < dim; i += 4) {
      const at = (<usize>i) << 2;
      const v = f32x4.mul(load4(p.x(c) + base + at, dim - i), load4(p.scale(c) + condition + at, dim - i));
      store4(p.y(c) + base + at, f32x4.add(v, load4(p.shift(c) + condition + at, dim - i)), dim - i);
    }
  }
}
