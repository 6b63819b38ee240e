// fill: y[i] = value
//
// y     [n]
// unit  1024 elements
import { sp } from './lib/math';
import { store4 } from './lib/some';
import { fill as p } from './params.gen';

export function fill_units(c: usize): u32 {
  return (p.n(c) + 1023) >> 10;
}

export function fill(c: usize, from: u32, to: u32): void {
  const end = min(to << 10, p.n(c));
  for (let i = from << 10; i < end; i += 4) store4(p.y(c) + ((<usize>i) << 2), sp(p.value(c)), end - i);
}
