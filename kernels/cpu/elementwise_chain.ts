// elementwise_chain: for each step (kind, operand o, period, alpha, beta) in turn: v = v * o[i mod period], or v * alpha + o[…] * beta
//
// x, y  [n]             a … e: operands, [period] each        program [steps, 4]: kind + 2 * operand, period, alpha, beta (float bits)
// unit  256 elements, which y carries from step to step
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { elementwise_chain as p } from './params.gen';

export function elementwise_chain_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

// @ts-ignore: decorator
@inline
function operand(c: usize, which: u32): usize {
  return which == 0 ? p.a(c) : which == 1 ? p.b(c) : which == 2 ? p.c(c) : which == 3 ? p.d(c) : p.e(c);
}

export function elementwise_chain(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  const begin = from << 8;
  memory.copy(p.y(c) + ((<usize>begin) << 2), p.x(c) + ((<usize>begin) << 2), (<usize>(end - begin)) << 2);
  for (let s: u32 = 0; s < p.steps(c); s++) {
    const step = p.program(c) + ((<usize>s) << 4);
    const what = load<u32>(step);
    const period = load<u32>(step, 4);
    const alpha = load<f32>(step, 8);
    const beta = load<f32>(step, 12);
    let i = begin;
    let j = i % period;
    while (i < end) {
      const run = min(end - i, period - j);
      const o = operand(c, what >> 1) + ((<usize>j) << 2);
      const y = p.y(c) + ((<usize>i) << 2);
      if ((what & 1) != 0)
        for (let k: u32 = 0; k < run; k += 4) {
          const at = (<usize>k) << 2;
          store4(y + at, f32x4.mul(load4(y + at, run - k), load4(o + at, run - k)), run - k);
        }
      else
        for (let k: u32 = 0; k < run; k += 4) {
          const at = (<usize>k) << 2;
          store4(y + at, f32x4.add(f32x4.mul(load4(y + at, run - k), sp(alpha)), f32x4.mul(load4(o + at, run - k), sp(beta))), run - k);
        }
      i += run;
      j = 0;
    }
  }
}
