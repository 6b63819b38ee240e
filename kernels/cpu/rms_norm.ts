// rms_norm: y[r,c] = v[r,c] * rsqrt(mean_c v[r,c]^2 + eps) * w[c],  v[r,c] = x[r,c] + residual[residual_row(r),c]
//
// x, y  [rows, cols]    residual [*, cols] (ADD: 0 none, 1 row by row, 2 repeated columns)    w [cols]
// unit  a row
// runs  rms_norm rms_norm_thread
import { sp, sum4 } from './lib/math';
import { residualRow } from './lib/residual';
import { loadSome, store4 } from './lib/some';
import { rms_norm as p } from './params.gen';

export function rms_norm_units(c: usize): u32 {
  return p.rows(c);
}

export function rms_norm(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  const bytes = (<usize>cols) << 2;
  const whole = (<usize>(cols & ~3)) << 2;
  const rest = cols & 3;
  const w = p.w(c);
  const adds = p.ADD(c) != 0;
  for (let row = from; row < to; row++) {
    let x = p.x(c) + row * bytes;
    const y = p.y(c) + row * bytes;
    let square = sp(0);
    if (adds) {
      const extra = p.residual(c) + (p.ADD(c) == 2 ? residualRow(row, p.columns(c), p.repeat(c), p.segments(c)) : row) * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        const v = at < whole ? f32x4.add(v128.load(x + at), v128.load(extra + at)) : f32x4.add(loadSome(x + at, rest), loadSome(extra + at, rest));
        if (at < whole) v128.store(y + at, v);
        else store4(y + at, v, rest);
        square = f32x4.add(square, f32x4.mul(v, v));
      }
      x = y;
    } else
      for (let at: usize = 0; at < bytes; at += 16) {
        const v = at < whole ? v128.load(x + at) : loadSome(x + at, rest);
        square = f32x4.add(square, f32x4.mul(v, v));
      }
    const scale = sp(<f32>1 / sqrt(sum4(square) / <f32>cols + p.eps(c)));
    for (let at: usize = 0; at < whole; at += 16) v128.store(y + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(w + at)));
    if (rest != 0) store4(y + whole, f32x4.mul(f32x4.mul(loadSome(x + whole, rest), scale), loadSome(w + whole, rest)), rest);
  }
}
