// conv1d_depthwise: y[t,c] = act(sum_j act_pre(x[t * stride + j * dilation - left, c]) w[j,c] + bias[c]) + residual[t,c]
//
// x  [batch, len, cols]    w [taps, cols]    y, residual [batch, out, cols]
// unit  a row of y
// runs  conv1d_depthwise conv1d_depthwise4
import { activate } from './lib/act';
import { sp } from './lib/math';
import { scratch } from './lib/scratch';
import { load4, store4 } from './lib/some';
import { conv1d_depthwise as p } from './params.gen';

/** The form by fours counts columns in vectors and has neither stride nor dilation. */
// @ts-ignore: decorator
@inline
function colsOf(c: usize): u32 {
  return p.cols4(c) != 0 ? p.cols4(c) << 2 : p.cols(c);
}

export function conv1d_depthwise_units(c: usize): u32 {
  return p.cols4(c) != 0 ? p.batch(c) * p.out(c) : p.n(c) / p.cols(c);
}

export function conv1d_depthwise(c: usize, from: u32, to: u32): void {
  const cols = colsOf(c);
  const stride = max(p.stride(c), 1);
  const dilation = max(p.dilation(c), 1);
  const bytes = (<usize>cols) << 2;
  for (let row = from; row < to; row++) {
    const t = row % p.out(c);
    const x = p.x(c) + (row / p.out(c)) * p.len(c) * bytes;
    const y = p.y(c) + row * bytes;
    const start = <i32>(t * stride) - <i32>p.left(c);
    for (let d: u32 = 0; d < cols; d += 8) {
      const at = (<usize>d) << 2;
      const n = cols - d;
      const m: u32 = n > 4 ? n - 4 : 0;
      let s0 = sp(0);
      let s1 = sp(0);
      if (p.bias(c) != 0) {
        s0 = load4(p.bias_(c) + at, n);
        if (m != 0) s1 = load4(p.bias_(c) + at + 16, m);
      }
      for (let j: u32 = 0; j < p.taps(c); j++) {
        const s = start + <i32>(j * dilation);
        if (s < 0 || s >= <i32>p.len(c)) continue;
        const from_ = x + <u32>s * bytes + at;
        const w = p.w(c) + j * bytes + at;
        let v0 = load4(from_, n);
        let v1 = m != 0 ? load4(from_ + 16, m) : sp(0);
        if (p.PRE(c) != 0) {
          v128.store(scratch, v0);
          v128.store(scratch, v1, 16);
          activate(p.PRE(c), scratch, 2);
          v0 = v128.load(scratch);
          v1 = v128.load(scratch, 16);
        }
        s0 = f32x4.add(s0, f32x4.mul(v0, load4(w, n)));
        if (m != 0) s1 = f32x4.add(s1, f32x4.mul(v1, load4(w + 16, m)));
      }
      if (p.ACT(c) != 0) {
        v128.store(scratch, s0);
        v128.store(scratch, s1, 16);
        activate(p.ACT(c), scratch, 2);
        s0 = v128.load(scratch);
        s1 = v128.load(scratch, 16);
      }
      if (p.RESIDUAL(c) != 0) {
        const extra = p.residual(c) + row * bytes + at;
        s0 = f32x4.add(s0, load4(extra, n));
        if (m != 0) s1 = f32x4.add(s1, load4(extra + 16, m));
      }
      store4(y + at, s0, n);
      if (m != 0) store4(y + at + 16, s1, m);
    }
  }
}
