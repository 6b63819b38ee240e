// rvq_encode: code[b,q] = argmin_v |rest - books[q,v]|^2, then rest -= books[q, code[b,q]], for q = 0, 1, ... from rest = x[b]
//
// Of equal distances the lowest v wins.
//
// x     [items, dim]    books [levels, entries, dim] (f16 books are f32 here)    code [items, levels]
// unit  an item; `rest` is in this thread's scratch
import { sp, sum4 } from './lib/math';
import { scratch } from './lib/scratch';
import { loadSome } from './lib/some';
import { rvq_encode as p } from './params.gen';

export function rvq_encode_units(c: usize): u32 {
  return p.items(c);
}

export function rvq_encode(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const bytes = (<usize>dim) << 2;
  const whole = (<usize>(dim & ~3)) << 2;
  const entries = p.entries(c);
  const rest = scratch + 1024;
  for (let item = from; item < to; item++) {
    memory.copy(rest, p.x(c) + item * bytes, bytes);
    for (let q: u32 = 0; q < p.levels(c); q++) {
      const book = p.books(c) + q * entries * bytes;
      let best: f32 = 3.4e38;
      let chosen = entries - 1; // kept only when every distance is NaN
      for (let v: u32 = 0; v < entries; v++) {
        const entry = book + v * bytes;
        let sum = sp(0);
        let at: usize = 0;
        for (; at < whole; at += 16) {
          const d = f32x4.sub(v128.load(rest + at), v128.load(entry + at));
          sum = f32x4.add(sum, f32x4.mul(d, d));
        }
        if (at < bytes) {
          const d = f32x4.sub(loadSome(rest + at, dim & 3), loadSome(entry + at, dim & 3));
          sum = f32x4.add(sum, f32x4.mul(d, d));
        }
        const distance = sum4(sum);
        if (distance < best) {
          best = distance;
          chosen = v;
        }
      }
      store<u32>(p.code(c) + ((<usize>(item * p.levels(c) + q)) << 2), chosen);
      for (let at: usize = 0; at < bytes; at += 4) store<f32>(rest + at, load<f32>(rest + at) - load<f32>(book + chosen * bytes + at));
    }
  }
}
