// gather_rows: y[r,c] = table[index[r] + offset, c], the last row for an index behind it
//
// table [last + 1, cols] (f16 tables are f32 here)    index [rows] u32     y [rows, cols]
// unit  a row
import { gather_rows as p } from './params.gen';

export function gather_rows_units(c: usize): u32 {
  return p.rows(c);
}

export function gather_rows(c: usize, from: u32, to: u32): void {
  const bytes = (<usize>p.cols(c)) << 2;
  for (let row = from; row < to; row++) {
    const at = min(load<u32>(p.index(c) + ((<usize>row) << 2)) + p.offset(c), p.last(c));
    memory.copy(p.y(c) + row * bytes, p.table(c) + at * bytes, bytes);
  }
}
