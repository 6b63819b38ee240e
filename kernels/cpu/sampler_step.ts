// sampler_step: clean = skip x + out v;  x = a x + b clean + c before + d noise;  before = clean,  with v = v_null + guidance (v_cond - v_null)
//
// v       [2, n]: v_cond, v_null, or [n] with GUIDED = 0    noise [n]
// x       [n], a state, updated in place
// before  [n], a state: what the step before found clean, then what this one did; not read where c is 0
// unit    256 elements
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { sampler_step as p } from './params.gen';

export function sampler_step_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

export function sampler_step(c: usize, from: u32, to: u32): void {
  const n = p.n(c);
  const end = min(to << 8, n);
  for (let i = from << 8; i < end; i += 4) {
    const at = (<usize>i) << 2;
    const some = end - i;
    let velocity = load4(p.v(c) + at, some);
    if (p.GUIDED(c) != 0) {
      const free = load4(p.v(c) + at + ((<usize>n) << 2), some);
      velocity = f32x4.add(free, f32x4.mul(sp(p.guidance(c)), f32x4.sub(velocity, free)));
    }
    const x = load4(p.x(c) + at, some);
    const clean = f32x4.add(f32x4.mul(sp(p.skip(c)), x), f32x4.mul(sp(p.out(c)), velocity));
    let next = f32x4.add(f32x4.mul(sp(p.a(c)), x), f32x4.mul(sp(p.b(c)), clean));
    next = f32x4.add(next, f32x4.mul(sp(p.d(c)), load4(p.noise(c) + at, some)));
    if (p.c(c) != 0) next = f32x4.add(next, f32x4.mul(sp(p.c(c)), load4(p.before(c) + at, some)));
    store4(p.x(c) + at, next, some);
    store4(p.before(c) + at, clean, some);
  }
}
