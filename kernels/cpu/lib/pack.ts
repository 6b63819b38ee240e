// Weights as they come from a file, laid out for the kernels: matrices in panels of eight columns, k by k, f16 widened to f32 unless it is to
// stay, and those of bytes as lib/bytes.ts has them.
import { panelBytes } from './bytes';
import { f16to32 } from './half';

const WIDE: u32 = 8;
/** Forms: halves are widened, or kept; floats, or halves, become bytes. */
const WIDENED: u32 = 1;
const HALVES: u32 = 2;
const BYTES: u32 = 3;
const HALVES_TO_BYTES: u32 = 4;

/**
 * A description of nine words: from, to, form (FORM in src/cpu/panels.ts), groups, rows, cols, then where behind it tables lie: places of rows [rows], places of
 * columns [groups, cols], and columns filled [rows], or 0: all. An element lies at the sum of its row's place and its column's; to [groups, panels, rows, 8], zeros behind
 * the last column. rows = 0: `cols` values one after another. Share `self` of `threads` is done.
 */
export function pack(d: usize, self: u32, threads: u32): void {
  const rows = load<u32>(d, 16);
  if (rows == 0) copyValues(d, self, threads);
  else packPanels(d, rows, self, threads);
}

function copyValues(d: usize, self: u32, threads: u32): void {
  const count = load<u32>(d, 20);
  const first = <u32>((<u64>count * <u64>self) / threads);
  const end = <u32>((<u64>count * <u64>(self + 1)) / threads);
  for (let i = first; i < end; i++) store<u32>(load<u32>(d, 4) + ((<usize>i) << 2), valueAt(load<u32>(d), load<u32>(d, 8), i));
}

// @ts-ignore: decorator
@inline
function valueAt(from: usize, halves: u32, i: u32): u32 {
  return halves != 0 ? f16to32(load<u16>(from + ((<usize>i) << 1))) : load<u32>(from + ((<usize>i) << 2));
}

function packPanels(d: usize, rows: u32, self: u32, threads: u32): void {
  const from = load<u32>(d);
  const form = load<u32>(d, 8);
  const cols = load<u32>(d, 20);
  const rowPlaces = d + load<u32>(d, 24);
  const ends = load<u32>(d, 32) != 0 ? d + load<u32>(d, 32) : 0;
  const panels = (cols + WIDE - 1) / WIDE;
  const all = load<u32>(d, 12) * panels;
  const last = <u32>((<u64>all * <u64>(self + 1)) / threads);
  for (let n = <u32>((<u64>all * <u64>self) / threads); n < last; n++) {
    const first = (n % panels) * WIDE;
    const columns = d + load<u32>(d, 28) + ((<usize>((n / panels) * cols + first)) << 2);
    const some = min(WIDE, cols - first);
    if (form >= BYTES) {
      packBytes(from, form == HALVES_TO_BYTES ? WIDENED : 0, rows, rowPlaces, columns, some, ends, first, load<u32>(d, 4) + <usize>n * panelBytes(rows));
      continue;
    }
    const step: usize = form == HALVES ? 16 : 32;
    let to = load<u32>(d, 4) + <usize>n * <usize>rows * step;
    for (let r: u32 = 0; r < rows; r++, to += step) {
      const place = load<u32>(rowPlaces + ((<usize>r) << 2));
      const filled = ends != 0 ? min(some, max(load<u32>(ends + ((<usize>r) << 2)), first) - first) : some;
      if (form == HALVES) {
        for (let j: u32 = 0; j < WIDE; j++)
          store<u16>(to + (j << 1), j < filled ? load<u16>(from + ((<usize>(place + load<u32>(columns + (j << 2)))) << 1)) : 0);
        continue;
      }
      for (let j: u32 = 0; j < WIDE; j++)
        store<u32>(to + (j << 2), j < filled ? valueAt(from, form, place + load<u32>(columns + (j << 2))) : 0);
    }
  }
}

/** One panel of bytes: every column by its own scale, which is 1/127 of its largest number. */
function packBytes(
  from: usize,
  halves: u32,
  rows: u32,
  places: usize,
  columns: usize,
  some: u32,
  ends: usize,
  first: u32,
  to: usize,
): void {
  memory.fill(to, 0, panelBytes(rows));
  for (let j: u32 = 0; j < some; j++) {
    const column = load<u32>(columns + (j << 2));
    let largest: f32 = 0;
    for (let r: u32 = 0; r < rows; r++)
      if (ends == 0 || first + j < load<u32>(ends + ((<usize>r) << 2)))
        largest = max(largest, abs(reinterpret<f32>(valueAt(from, halves, load<u32>(places + ((<usize>r) << 2)) + column))));
    store<f32>(to + (j << 2), largest / 127);
    const inverse: f32 = largest > 1e-30 ? <f32>127 / largest : 0;
    for (let r: u32 = 0; r < rows; r++)
      if (ends == 0 || first + j < load<u32>(ends + ((<usize>r) << 2))) {
        const value = reinterpret<f32>(valueAt(from, halves, load<u32>(places + ((<usize>r) << 2)) + column));
        store<i8>(to + 32 + ((<usize>(r >> 1)) << 4) + (j << 1) + (r & 1), <i8>(<i32>nearest(value * inverse)));
      }
  }
}
