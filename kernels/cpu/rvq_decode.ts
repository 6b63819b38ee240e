// rvq_decode: y[b,d] = sum_q books[q, code[b,q], d] over the levels given
//
// code  [n / dim, levels]    books [>= levels, entries, dim] (f16 books are f32 here)    y [n / dim, dim]
// unit  an item
import { rvq_decode as p } from './params.gen';

export function rvq_decode_units(c: usize): u32 {
  return p.n(c) / p.dim(c);
}

export function rvq_decode(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const levels = p.levels(c);
  for (let item = from; item < to; item++)
    for (let d: u32 = 0; d < dim; d++) {
      let sum: f32 = 0;
      for (let q: u32 = 0; q < levels; q++) {
        const v = min(load<u32>(p.code(c) + ((<usize>(item * levels + q)) << 2)), p.entries(c) - 1);
        sum += load<f32>(p.books(c) + ((<usize>((q * p.entries(c) + v) * dim + d)) << 2));
      }
      store<f32>(p.y(c) + ((<usize>(item * dim + d)) << 2), sum);
    }
}
