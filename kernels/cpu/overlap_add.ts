// overlap_add: y[b,l,d] = h[b, s, k, d] + h[b, s - 1, k + hop, d],  s = l / hop + 1, k = l mod hop;  hop = size / 2
//
// h     [items, segments, size, dim]    y [items, length, dim], seen as rows of dim: each frame has exactly two covers
// unit  a row of y
import { load4, store4 } from './lib/some';
import { overlap_add as p } from './params.gen';

export function overlap_add_units(c: usize): u32 {
  return p.rows(c);
}

export function overlap_add(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const hop = p.size(c) / 2;
  for (let row = from; row < to; row++) {
    const l = row % p.length(c);
    const one = (((row / p.length(c)) * p.segments(c) + l / hop + 1) * p.size(c) + (l % hop)) * dim;
    const a = p.h(c) + ((<usize>one) << 2);
    const b = p.h(c) + ((<usize>(one - hop * dim)) << 2); // size - hop columns earlier, in the segment before
    const y = p.y(c) + ((<usize>(row * dim)) << 2);
    for (let d: u32 = 0; d < dim; d += 4) {
      const at = (<usize>d) << 2;
      store4(y + at, f32x4.add(load4(a + at, dim - d), load4(b + at, dim - d)), dim - d);
    }
  }
}
