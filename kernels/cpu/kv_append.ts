// kv_append: cache[b, at + t, c] = x[b, t, c]
//
// cache  [batch, capacity, cols]    x [batch, len, cols]     rows at or past capacity are dropped
// unit   a row of x
import { kv_append as p } from './params.gen';

export function kv_append_units(c: usize): u32 {
  return p.n(c) / p.cols(c);
}

export function kv_append(c: usize, from: u32, to: u32): void {
  const len = p.row(c) / p.cols(c);
  const bytes = (<usize>p.cols(c)) << 2;
  for (let row = from; row < to; row++) {
    const place = (row % len) + p.at(c);
    if (place < p.capacity(c)) memory.copy(p.cache(c) + ((row / len) * p.capacity(c) + place) * bytes, p.x(c) + row * bytes, bytes);
  }
}
