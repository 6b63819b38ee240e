// complex_power: y[t,f] = re[t,f]^2 + im[t,f]^2, then by MODE: 0 as it is, 1 sqrt(· + eps), 2 log(sqrt(· + eps) + floor)
//
// x     [rows, 2 * half]: re | im, of which the first `bins` of each half count        y [rows, bins]
// unit  a row
import { log4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { complex_power as p } from './params.gen';

export function complex_power_units(c: usize): u32 {
  return p.rows(c);
}

export function complex_power(c: usize, from: u32, to: u32): void {
  const bins = p.bins(c);
  for (let row = from; row < to; row++) {
    const x = p.x(c) + ((<usize>(row * 2 * p.half(c))) << 2);
    const y = p.y(c) + ((<usize>(row * bins)) << 2);
    for (let f: u32 = 0; f < bins; f += 4) {
      const at = (<usize>f) << 2;
      const re = load4(x + at, bins - f);
      const im = load4(x + ((<usize>p.half(c)) << 2) + at, bins - f);
      let v = f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im));
      if (p.MODE(c) > 0) v = f32x4.sqrt(f32x4.add(v, sp(p.eps(c))));
      if (p.MODE(c) == 2) v = log4(f32x4.add(v, sp(p.floor(c))));
      store4(y + at, v, bins - f);
    }
  }
}
