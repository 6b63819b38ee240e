// activation: y[i] = act(x[i])
//
// x, y  [n]
// unit  256 elements
import { activate } from './lib/act';
import { scratch } from './lib/scratch';
import { load4, store4 } from './lib/some';
import { activation as p } from './params.gen';

export function activation_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function activation(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  const whole = ((end - (from << 8)) & ~3) + (from << 8);
  const x = p.x(c);
  const y = p.y(c);
  const begin = (<usize>from) << 10;
  memory.copy(y + begin, x + begin, (<usize>(whole - (from << 8))) << 2);
  activate(p.ACT(c), y + begin, (whole - (from << 8)) >> 2);
  if (whole < end) {
    v128.store(scratch, load4(x + ((<usize>whole) << 2), end - whole));
    activate(p.ACT(c), scratch, 1);
    store4(y + ((<usize>whole) << 2), v128.load(scratch), end - whole);
  }
}
