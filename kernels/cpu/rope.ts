// rope: (a, b) -> (a cos t - b sin t, a sin t + b cos t), t = position * theta^(-2 i / dh), for pair i of every head
//
// x, y       [rows, heads * dh], rows = batch * len; pairs are (i, i + dh/2), or (2i, 2i + 1) when INTERLEAVED
// positions  [batch or 1, len] when POSITIONS, else position = offset + row in its item
// unit       a row; its sines and cosines are made once, in this thread's scratch
import { cos4, exp4, sin4, sp } from './lib/math';
import { scratch } from './lib/scratch';
import { rope as p } from './params.gen';

export function rope_units(c: usize): u32 {
  return p.rows(c);
}

export function rope(c: usize, from: u32, to: u32): void {
  const half = p.half_dh(c);
  const heads = p.heads(c);
  const sines = scratch + 1024;
  const cosines = sines + ((<usize>((half + 3) & ~3)) << 2);
  const vectorly = (half & 3) == 0 && p.INTERLEAVED(c) == 0;
  const halfBytes = (<usize>half) << 2;
  for (let row = from; row < to; row++) {
    const t = row % p.len(c);
    const position =
      p.POSITIONS(c) != 0 ? load<f32>(p.positions(c) + ((<usize>((row / p.len(c)) * p.pos_batch(c) + t)) << 2)) : p.offset(c) + <f32>t;
    for (let i: u32 = 0; i < half; i += 4) {
      const index = f32x4.convert_i32x4_s(i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3)));
      const angle = f32x4.mul(sp(position), exp4(f32x4.div(f32x4.mul(sp(-p.log_theta(c)), index), sp(<f32>half))));
      v128.store(sines + ((<usize>i) << 2), sin4(angle));
      v128.store(cosines + ((<usize>i) << 2), cos4(angle));
    }
    for (let head: u32 = 0; head < heads; head++) {
      const base = (<usize>((row * heads + head) * 2 * half)) << 2;
      const x = p.x(c) + base;
      const y = p.y(c) + base;
      if (vectorly)
        for (let at: usize = 0; at < halfBytes; at += 16) {
          const a = v128.load(x + at);
          const b = v128.load(x + halfBytes + at);
          const sin = v128.load(sines + at);
          const cos = v128.load(cosines + at);
          v128.store(y + at, f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin)));
          v128.store(y + halfBytes + at, f32x4.add(f32x4.mul(a, sin), f32x4.mul(b, cos)));
        }
      else
        for (let at: usize = 0; at < halfBytes; at += 4) {
          const ia = p.INTERLEAVED(c) != 0 ? 2 * at : at;
          const ib = p.INTERLEAVED(c) != 0 ? 2 * at + 4 : at + halfBytes;
          const a = load<f32>(x + ia);
          const b = load<f32>(x + ib);
          const sin = load<f32>(sines + at);
          const cos = load<f32>(cosines + at);
          store<f32>(y + ia, a * cos - b * sin);
          store<f32>(y + ib, a * sin + b * cos);
        }
    }
  }
}
