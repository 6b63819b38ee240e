// relative_bias: y[h, i, j] = table[bucket[j - i + len - 1], h]
//
// table [last + 1, heads]   bucket [2 len - 1] u32     y [heads, len, len]
// unit  a row of y
import { relative_bias as p } from './params.gen';

export function relative_bias_units(c: usize): u32 {
  return p.heads(c) * p.len(c);
}

export function relative_bias(c: usize, from: u32, to: u32): void {
  const len = p.len(c);
  for (let row = from; row < to; row++) {
    const column = p.table(c) + ((<usize>(row / len)) << 2);
    const bucket = p.bucket(c) + ((<usize>(len - 1 - (row % len))) << 2);
    const y = p.y(c) + ((<usize>(row * len)) << 2);
    for (let j: usize = 0; j < (<usize>len) << 2; j += 4)
      store<f32>(y + j, load<f32>(column + ((<usize>(min(load<u32>(bucket + j), p.last(c)) * p.heads(c))) << 2)));
  }
}
