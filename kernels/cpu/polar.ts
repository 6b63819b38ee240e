// polar: re = exp(min(m, limit)) cos(a), im = exp(min(m, limit)) sin(a)
//
// x     [rows, x_row]: bins of log magnitude m, then bins of phase a      y [rows, 2 * half]: re | im, zeros behind each
// unit  a row
import { cos4, exp4, sin4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { polar as p } from './params.gen';

export function polar_units(c: usize): u32 {
  return p.rows(c);
}

export function polar(c: usize, from: u32, to: u32): void {
  const bins = p.bins(c);
  const half = (<usize>p.half(c)) << 2;
  for (let row = from; row < to; row++) {
    const x = p.x(c) + ((<usize>(row * p.x_row(c))) << 2);
    const y = p.y(c) + row * 2 * half;
    for (let f: u32 = 0; f < bins; f += 4) {
      const at = (<usize>f) << 2;
      const m = load4(x + at, bins - f);
      const magnitude = v128.bitselect(m, exp4(f32x4.pmin(m, sp(p.limit(c)))), f32x4.ne(m, m)); // a NaN stays one, as in the WGSL twin
      const angle = load4(x + ((<usize>bins) << 2) + at, bins - f);
      store4(y + at, f32x4.mul(magnitude, cos4(angle)), bins - f);
      store4(y + half + at, f32x4.mul(magnitude, sin4(angle)), bins - f);
    }
    const end = (<usize>bins) << 2;
    memory.fill(y + end, 0, half - end);
    memory.fill(y + half + end, 0, half - end);
  }
}
