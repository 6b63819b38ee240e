// layer_norm: y[r,c] = (v[r,c] - mean_c v) * rsqrt(var_c v + eps) * w[c] + b[c],  v = x + residual
//
// x, residual, y [rows, cols] (ADD = 0: no residual)    w, b [cols] (BIAS = 0: no b)
// unit  a row; the variance is that of v - mean (two passes)
// runs  layer_norm layer_norm_thread
import { sp, sum4 } from './lib/math';
import { load4, store4 } from './lib/some';
import { layer_norm as p } from './params.gen';

export function layer_norm_units(c: usize): u32 {
  return p.rows(c);
}

export function layer_norm(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  const bytes = (<usize>cols) << 2;
  const w = p.w(c);
  const b = p.b(c);
  const add = p.ADD(c) != 0;
  const bias = p.BIAS(c) != 0;
  const whole = cols & ~3;
  for (let row = from; row < to; row++) {
    let x = p.x(c) + row * bytes;
    const y = p.y(c) + row * bytes;
    if (add) {
      const extra = p.residual(c) + row * bytes;
      for (let i: u32 = 0; i < cols; i += 4) {
        const at = (<usize>i) << 2;
        store4(y + at, f32x4.add(load4(x + at, cols - i), load4(extra + at, cols - i)), cols - i);
      }
      x = y;
    }
    let sum = sp(0);
    for (let i: u32 = 0; i < cols; i += 4) sum = f32x4.add(sum, load4(x + ((<usize>i) << 2), cols - i));
    const mean = sum4(sum) / <f32>cols;
    const m = sp(mean);
    let square = sp(0);
    for (let i: u32 = 0; i < whole; i += 4) {
      const d = f32x4.sub(v128.load(x + ((<usize>i) << 2)), m);
      square = f32x4.add(square, f32x4.mul(d, d));
    }
    let rest: f32 = 0;
    for (let i = whole; i < cols; i++) {
      const d = load<f32>(x + ((<usize>i) << 2)) - mean;
      rest += d * d;
    }
    const scale = sp(<f32>1 / sqrt((sum4(square) + rest) / <f32>cols + p.eps(c)));
    for (let i: u32 = 0; i < cols; i += 4) {
      const at = (<usize>i) << 2;
      const v = f32x4.mul(f32x4.mul(f32x4.sub(load4(x + at, cols - i), m), scale), load4(w + at, cols - i));
      store4(y + at, bias ? f32x4.add(v, load4(b + at, cols - i)) : v, cols - i);
    }
  }
}
