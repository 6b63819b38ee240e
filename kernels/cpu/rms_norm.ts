// rms_norm: y[r,c] = v[r,c] * rsqrt(mean_c v[r,c]^2 + eps) * w[c],  v[r,c] = x[r,c] + residual[residual_row(r),c]
//
// x, y  [rows, cols]    residual [*, cols] (ADD: 0 none, 1 row by row, 2 repeated columns)    w [cols]
// unit  a row
// runs  rms_norm rms_norm_thread
import { sp, sum4 } from './lib/math';
import { residualRow } from './lib/residual';
import { load4, store4 } from './lib/some';
import { rms_norm as p } from './params.gen';

export function rms_norm_units(c: usize): u32 {
  return p.rows(c);
}

export function rms_norm(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  const bytes = (<usize>cols) << 2;
  const w = p.w(c);
  for (let row = from; row < to; row++) {
    const x = p.x(c) + row * bytes;
    const y = p.y(c) + row * bytes;
    let square = sp(0);
    if (p.ADD(c) != 0) {
      const extra = p.residual(c) + (p.ADD(c) == 2 ? residualRow(row, p.columns(c), p.repeat(c), p.segments(c)) : row) * bytes;
      for (let i: u32 = 0; i < cols; i += 4) {
        const at = (<usize>i) << 2;
        const v = f32x4.add(load4(x + at, cols - i), load4(extra + at, cols - i));
        store4(y + at, v, cols - i);
        square = f32x4.add(square, f32x4.mul(v, v));
      }
    } else
      for (let i: u32 = 0; i < cols; i += 4) {
        const v = load4(x + ((<usize>i) << 2), cols - i);
        square = f32x4.add(square, f32x4.mul(v, v));
      }
    const from_ = p.ADD(c) != 0 ? y : x;
    const scale = sp(<f32>1 / sqrt(sum4(square) / <f32>cols + p.eps(c)));
    for (let i: u32 = 0; i < cols; i += 4) {
      const at = (<usize>i) << 2;
      store4(y + at, f32x4.mul(f32x4.mul(load4(from_ + at, cols - i), scale), load4(w + at, cols - i)), cols - i);
    }
  }
}
