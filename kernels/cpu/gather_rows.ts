// gather_rows: y[r,c] = table[index[first + r mod ids] + offset, c], the last row for an index behind it; ADD: + more[at * rows + r, c]
//
// table [last + 1, cols] (f16 tables are f32 here)    index u32, of which `ids` count     more [*, cols]     y [rows, cols]
// unit  a row
import { gather_rows as p } from './params.gen';

export function gather_rows_units(c: usize): u32 {
  return p.rows(c);
}

export function gather_rows(c: usize, from: u32, to: u32): void {
  const bytes = (<usize>p.cols(c)) << 2;
  for (let row = from; row < to; row++) {
    const at = min(load<u32>(p.index(c) + ((<usize>(p.first(c) + (row % p.ids(c)))) << 2)) + p.offset(c), p.last(c));
    const y = p.y(c) + row * bytes;
    memory.copy(y, p.table(c) + at * bytes, bytes);
    if (p.ADD(c) == 0) continue;
    const more = p.more(c) + (p.at(c) * p.rows(c) + row) * bytes;
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(y + i, load<f32>(y + i) + load<f32>(more + i));
  }
}
