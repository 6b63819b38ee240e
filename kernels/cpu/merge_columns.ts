// merge_columns: y[b,j,s,d] = mean of h[b,s,k,d] over k = j * window/2 ... j * window/2 + window - 1
//
// Zeros stand behind the last column: the mean always divides by window.
//
// h     [items, segments, columns, dim]    y [items, width, segments, dim], seen as rows of dim; width = 2 columns / window
// unit  a row of y
import { sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { merge_columns as p } from './params.gen';

export function merge_columns_units(c: usize): u32 {
  return p.rows(c);
}

export function merge_columns(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  for (let row = from; row < to; row++) {
    const line = row / p.segments(c); // b * width + j
    const column = (line % p.width(c)) * (p.window(c) / 2);
    const count = min(p.window(c), p.columns(c) - column);
    const base = ((line / p.width(c)) * p.segments(c) + (row % p.segments(c))) * p.columns(c) + column;
    for (let d: u32 = 0; d < dim; d += 4) {
      let h = p.h(c) + ((<usize>(base * dim + d)) << 2);
      let sum = sp(0);
      for (let k: u32 = 0; k < count; k++) {
        sum = f32x4.add(sum, load4(h, dim - d));
        h += (<usize>dim) << 2;
      }
      store4(p.y(c) + ((<usize>(row * dim + d)) << 2), f32x4.div(sum, sp(<f32>p.window(c))), dim - d);
    }
  }
}
