// clamp: y[i] = min(max(x[i], low), high), and NaN stays NaN: clamped away it would be full scale, and nobody would know
//
// x, y  [n]
// unit  256 elements
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { clamp as p } from './params.gen';

export function clamp_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function clamp(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  for (let i = from << 8; i < end; i += 4) {
    const at = (<usize>i) << 2;
    store4(p.y(c) + at, f32x4.pmin(f32x4.pmax(load4(p.x(c) + at, end - i), sp(p.low(c))), sp(p.high(c))), end - i);
  }
}
