// copy: y[r, to + c] = x[start + r, c]   (bits, so any 4-byte type)
//
// x     [last + 1, cols], rows behind it read the last one    y [n / cols, pitch], of which columns to ... to + cols - 1 are written
// unit  up to 1024 elements: whole rows, or a part of a long one
import { copy as p } from './params.gen';

const PART: u32 = 1024;

// @ts-ignore: decorator
@inline
function rowsOf(c: usize): u32 {
  return max(1, PART / p.cols(c));
}

export function copy_units(c: usize): u32 {
  const rows = p.n(c) / p.cols(c);
  return p.cols(c) > PART ? rows * ((p.cols(c) + PART - 1) / PART) : (rows + rowsOf(c) - 1) / rowsOf(c);
}

export function copy(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  const rows = p.n(c) / cols;
  if (cols > PART) {
    const parts = (cols + PART - 1) / PART;
    for (let unit = from; unit < to; unit++) move(c, unit / parts, (unit % parts) * PART, min(PART, cols - (unit % parts) * PART));
  } else {
    const end = min(to * rowsOf(c), rows);
    for (let row = from * rowsOf(c); row < end; row++) move(c, row, 0, cols);
  }
}

// @ts-ignore: decorator
@inline
function move(c: usize, row: u32, col: u32, n: u32): void {
  const source = <usize>min(p.start(c) + row, p.last(c)) * p.cols(c) + col;
  memory.copy(p.y(c) + ((<usize>row * p.pitch(c) + p.to(c) + col) << 2), p.x(c) + (source << 2), (<usize>n) << 2);
}
