// repeat_columns: y[b,s,k,d] = c[b, k / repeat, s, d]
//
// c     [items, columns / repeat, segments, dim]    y [items, segments, columns, dim], seen as rows of dim
// unit  a row of y
import { residualRow } from './lib/residual';
import { repeat_columns as p } from './params.gen';

export function repeat_columns_units(c: usize): u32 {
  return p.rows(c);
}

export function repeat_columns(c: usize, from: u32, to: u32): void {
  const bytes = (<usize>p.dim(c)) << 2;
  for (let row = from; row < to; row++)
    memory.copy(p.y(c) + row * bytes, p.c(c) + residualRow(row, p.columns(c), p.repeat(c), p.segments(c)) * bytes, bytes);
}
