// pad_reflect: y[b, t, c] = x[b, |t - left| mirrored at whole - 1, c], zeros behind the last row of x
//
// x     [batch, len, cols], taken as `whole` rows, those behind len zero       y [batch, out, cols]
// unit  a row of y
import { pad_reflect as p } from './params.gen';

export function pad_reflect_units(c: usize): u32 {
  return p.n(c) / p.cols(c);
}

export function pad_reflect(c: usize, from: u32, to: u32): void {
  const bytes = (<usize>p.cols(c)) << 2;
  const left = p.left(c);
  for (let row = from; row < to; row++) {
    let t = row % p.out(c);
    t = t >= left ? t - left : left - t;
    if (t >= p.whole(c)) t = 2 * (p.whole(c) - 1) - t;
    const y = p.y(c) + row * bytes;
    if (t < p.len(c)) memory.copy(y, p.x(c) + ((row / p.out(c)) * p.len(c) + t) * bytes, bytes);
    else memory.fill(y, 0, bytes);
  }
}
