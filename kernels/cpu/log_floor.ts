// log_floor: y[i] = log(x[i] + floor), or with ROOT log(sqrt(x[i]) + floor)
//
// x, y  [n]
// unit  256 elements
import { log4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { log_floor as p } from './params.gen';

export function log_floor_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function log_floor(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  for (let i = from << 8; i < end; i += 4) {
    const at = (<usize>i) << 2;
    let v = load4(p.x(c) + at, end - i);
    if (p.ROOT(c)) v = f32x4.sqrt(v);
    store4(p.y(c) + at, log4(f32x4.add(v, sp(p.floor(c)))), end - i);
  }
}
