// snake: y[r,c] = x[r,c] + gain[c] * sin(alpha[c] * x[r,c])^2 (Ziyin et al. 2020 with gain 1 / alpha)
//
// x, y  [n / cols, cols]    alpha, gain [cols]
// unit  a row
import { sin4 } from './lib/math';
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
      const column = (<usize>i) << 2;
      const v = load4(p.x(c) + at, cols - i);
      const s = sin4(f32x4.mul(load4(p.alpha(c) + column, cols - i), v));
      store4(p.y(c) + at, f32x4.add(v, f32x4.mul(f32x4.mul(load4(p.gain(c) + column, cols - i), s), s)), cols - i);
    }
}
