// snake: y[r,c] = x[r,c] + sin(alpha[c] * x[r,c])^2 / alpha[c], and x where alpha is 0 (Ziyin et al. 2020)
//
// x, y  [n / cols, cols]    alpha [cols]
// unit  a row
import { sin4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { snake as p } from './params.gen';

export function snake_units(c: usize): u32 {
  return p.n(c) / p.cols(c);
}

export function snake(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  for (let row = from; row < to; row++)
    for (let i: u32 = 0; i < cols; i += 4) {
      const at = (<usize>(row * cols + i)) << 2;
      const v = load4(p.x(c) + at, cols - i);
      const a = load4(p.alpha(c) + ((<usize>i) << 2), cols - i);
      const s = sin4(f32x4.mul(a, v));
      const wave = v128.and(f32x4.div(f32x4.mul(s, s), a), f32x4.ne(a, sp(0)));
      store4(p.y(c) + at, f32x4.add(v, wave), cols - i);
    }
}
