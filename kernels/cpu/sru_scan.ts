// sru_scan: for t in time order of the lane, from c = 0
//   f = sigmoid(u1 + b_f + v_f c)   r = sigmoid(u2 + b_r + v_r c)   c = u0 + (c - u0) f   y = x' + (c - x') r
// x' = u3 (GROUPS = 4) or sqrt(3) x (GROUPS = 3)                                    (Lei et al. 2018, "Simple Recurrent Units")
//
// u     [rows, steps, GROUPS, width], width = directions * hidden; lanes behind `hidden` run backward in time
// x, y  [rows, steps, width] (x is read with GROUPS = 3 only)    v, b [2, width]: the rows f and r
// unit  eight lanes of one direction of a row (fewer at the end); the state is flushed to zero where it has decayed
import { sigmoid4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { sru_scan as p } from './params.gen';

const WIDE: u32 = 8;

// @ts-ignore: decorator
@inline
function perDirection(c: usize): u32 {
  return (p.hidden(c) + WIDE - 1) / WIDE;
}

export function sru_scan_units(c: usize): u32 {
  return p.rows(c) * (p.width(c) / p.hidden(c)) * perDirection(c);
}

/** Decayed to where x86 would turn slow: zero. */
// @ts-ignore: decorator
@inline
function flush(c: v128): v128 {
  return v128.andnot(c, f32x4.lt(f32x4.abs(c), sp(1e-30)));
}

export function sru_scan(c: usize, from: u32, to: u32): void {
  const width = p.width(c);
  const hidden = p.hidden(c);
  const parts = perDirection(c);
  const directions = width / hidden;
  const steps = p.steps(c);
  const four = p.GROUPS(c) == 4;
  const line = (<usize>width) << 2;
  const group = line * p.GROUPS(c);
  for (let unit = from; unit < to; unit++) {
    const direction = (unit / parts) % directions;
    const row = unit / parts / directions;
    const j = direction * hidden + (unit % parts) * WIDE;
    const n = min(WIDE, direction * hidden + hidden - j);
    const m = n > 4 ? n - 4 : 0;
    const lane = (<usize>j) << 2;
    const start = direction == 0 ? row * steps : row * steps + steps - 1;
    let u = p.u(c) + start * group + lane;
    let x = p.x(c) + start * line + lane;
    let y = p.y(c) + start * line + lane;
    const uStep = direction == 0 ? group : 0 - group;
    const yStep = direction == 0 ? line : 0 - line;
    const v = p.v(c) + lane;
    const b = p.b(c) + lane;
    const vf0 = load4(v, n);
    const vr0 = load4(v + line, n);
    const bf0 = load4(b, n);
    const br0 = load4(b + line, n);
    let c0 = sp(0);
    if (m == 0) {
      for (let s: u32 = 0; s < steps; s++) {
        const u0 = load4(u, n);
        const f = sigmoid4(f32x4.add(f32x4.add(load4(u + line, n), bf0), f32x4.mul(vf0, c0)), false);
        const r = sigmoid4(f32x4.add(f32x4.add(load4(u + 2 * line, n), br0), f32x4.mul(vr0, c0)), false);
        const skip = four ? load4(u + 3 * line, n) : f32x4.mul(sp(1.7320508), load4(x, n));
        c0 = flush(f32x4.add(u0, f32x4.mul(f32x4.sub(c0, u0), f)));
        store4(y, f32x4.add(skip, f32x4.mul(f32x4.sub(c0, skip), r)), n);
        u += uStep;
        x += yStep;
        y += yStep;
      }
      continue;
    }
    const vf1 = load4(v + 16, m);
    const vr1 = load4(v + line + 16, m);
    const bf1 = load4(b + 16, m);
    const br1 = load4(b + line + 16, m);
    let c1 = sp(0);
    for (let s: u32 = 0; s < steps; s++) {
      const u0 = v128.load(u);
      const u1 = load4(u + 16, m);
      const f0 = sigmoid4(f32x4.add(f32x4.add(v128.load(u + line), bf0), f32x4.mul(vf0, c0)), false);
      const f1 = sigmoid4(f32x4.add(f32x4.add(load4(u + line + 16, m), bf1), f32x4.mul(vf1, c1)), false);
      const r0 = sigmoid4(f32x4.add(f32x4.add(v128.load(u + 2 * line), br0), f32x4.mul(vr0, c0)), false);
      const r1 = sigmoid4(f32x4.add(f32x4.add(load4(u + 2 * line + 16, m), br1), f32x4.mul(vr1, c1)), false);
      const skip0 = four ? v128.load(u + 3 * line) : f32x4.mul(sp(1.7320508), v128.load(x));
      const skip1 = four ? load4(u + 3 * line + 16, m) : f32x4.mul(sp(1.7320508), load4(x + 16, m));
      c0 = flush(f32x4.add(u0, f32x4.mul(f32x4.sub(c0, u0), f0)));
      c1 = flush(f32x4.add(u1, f32x4.mul(f32x4.sub(c1, u1), f1)));
      v128.store(y, f32x4.add(skip0, f32x4.mul(f32x4.sub(c0, skip0), r0)));
      store4(y + 16, f32x4.add(skip1, f32x4.mul(f32x4.sub(c1, skip1), r1)), m);
      u += uStep;
      x += yStep;
      y += yStep;
    }
  }
}
