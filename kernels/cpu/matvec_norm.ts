// matvec_norm: y = act(LayerNorm(x) w) for up to 8 rows, its columns in up to three tensors: what follows a norm
//
// x [rows, inner]    scale, bias [inner] of the norm    w [panels of 8 columns, inner, 8] (src/cpu/panels.ts)
// y0 [rows, cols]: columns to cols. y1, y2: the next two times cols, row r from r * step + at on, as in a cache; dropped from `end` on
// unit    two panels, which are of halves where PANELS is 2, of bytes where it is 3
// extra   PANELS
import { activate } from './lib/act';
import { bytes2x16, panelBytes, quantise, rowBytes } from './lib/bytes';
import { halves2x8, widen } from './lib/half';
import { sp, sum4 } from './lib/math';
import { scratch } from './lib/scratch';
import { tile2x16 } from './lib/tiles';
import { matvec_norm as p } from './params.gen';

export function matvec_norm_units(c: usize): u32 {
  return (p.all(c) + 15) >> 4;
}

export function matvec_norm(c: usize, from: u32, to: u32): void {
  const rows = p.rows(c);
  const bytes = (<usize>p.inner(c)) << 2;
  const x = scratch + 1024;
  const halves = p.PANELS(c) == 2;
  const packed = x + rows * bytes;
  for (let r: u32 = 0; r < rows; r++) normalise(p.x(c) + r * bytes, p.scale(c), p.bias(c), p.inner(c), p.eps(c), x + r * bytes);
  if (p.PANELS(c) == 3) {
    products(c, x, packed, from, to);
    return;
  }
  for (let unit = from; unit < to; unit++) {
    const pair = (unit << 4) + 8 < p.all(c);
    let b = p.w(c) + (<usize>unit * bytes << (halves ? 3 : 4));
    const few = halves && rows <= 2;
    if (halves && !few) {
      widen(b, p.inner(c) << (pair ? 4 : 3), packed);
      b = packed;
    }
    const second = pair ? b + (bytes << 3) : b;
    for (let r: u32 = 0; r < rows; r += 2) {
      const a0 = x + r * bytes;
      const two = r + 1 < rows;
      if (few) {
        halves2x8(a0, two ? a0 + bytes : a0, b, p.inner(c), scratch);
        if (pair) halves2x8(a0, two ? a0 + bytes : a0, b + (bytes << 2), p.inner(c), scratch + 64);
      } else tile2x16(a0, two ? a0 + bytes : a0, b, second, p.inner(c), scratch);
      if (p.ACT(c) != 0) activate(p.ACT(c), scratch, 8);
      keep(c, r, unit << 4, scratch);
      if (two) keep(c, r + 1, unit << 4, scratch + 32);
    }
  }
}

/** Of bytes: rows as whole numbers from `whole` on, their scales behind the sums. */
function products(c: usize, x: usize, whole: usize, from: u32, to: u32): void {
  const k = p.inner(c);
  const scales = scratch + 512;
  const step = rowBytes(k);
  const rows = p.rows(c);
  for (let r: u32 = 0; r < rows; r++) store<f32>(scales + (r << 2), quantise(x + ((<usize>(r * k)) << 2), k, whole + r * step));
  for (let unit = from; unit < to; unit++) {
    const b = p.w(c) + (<usize>unit << 1) * panelBytes(k);
    const d = (unit << 4) + 8 < p.all(c) ? b + panelBytes(k) : b;
    for (let r: u32 = 0; r < rows; r += 2) {
      const two = r + 1 < rows;
      const a0 = whole + r * step;
      bytes2x16(a0, two ? a0 + step : a0, load<f32>(scales + (r << 2)), two ? load<f32>(scales + (r << 2), 4) : 0, b, d, k, scratch);
      if (p.ACT(c) != 0) activate(p.ACT(c), scratch, 8);
      keep(c, r, unit << 4, scratch);
      if (two) keep(c, r + 1, unit << 4, scratch + 32);
    }
  }
}

/** Sixteen columns of a row to their places, by fours: cols is a multiple of 4. */
function keep(c: usize, row: u32, first: u32, sums: usize): void {
  const cols = p.cols(c);
  for (let j: u32 = 0; j < 16 && first + j < p.all(c); j += 4) {
    const n = first + j;
    const v = v128.load(sums + ((<usize>(j & 7)) << 2) + ((<usize>(j & 8)) << 3));
    if (n < cols) v128.store(p.y0(c) + ((<usize>(row * cols + n)) << 2), v);
    else if (p.at(c) < p.end(c)) v128.store((n < 2 * cols ? p.y1(c) : p.y2(c)) + ((<usize>(row * p.step(c) + p.at(c) + (n % cols))) << 2), v);
  }
}

/** y = (x - mean) / sqrt(var + eps) * w + b, n a multiple of 4. */
function normalise(x: usize, w: usize, b: usize, n: u32, eps: f32, y: usize): void {
  const bytes = (<usize>n) << 2;
  let sum = sp(0);
  for (let i: usize = 0; i < bytes; i += 16) sum = f32x4.add(sum, v128.load(x + i));
  const mean = sp(sum4(sum) / <f32>n);
  let square = sp(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = f32x4.sub(v128.load(x + i), mean);
    square = f32x4.add(square, f32x4.mul(d, d));
  }
  const scale = sp(<f32>1 / sqrt(sum4(square) / <f32>n + eps));
  for (let i: usize = 0; i < bytes; i += 16) {
    const v = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(x + i), mean), scale), v128.load(w + i));
    v128.store(y + i, f32x4.add(v, v128.load(b + i)));
  }
}
