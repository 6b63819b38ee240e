// softmax: y[r,c] = exp(x[r,c] - max_c x) / sum_c exp(x[r,c] - max_c x)
//
// x, y  [rows, cols]
// unit  a row
// runs  softmax softmax_thread
import { exp1, exp4, max4, sp, sum4 } from './lib/math';
import { softmax as p } from './params.gen';

export function softmax_units(c: usize): u32 {
  return p.rows(c);
}

export function softmax(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  const bytes = (<usize>cols) << 2;
  const whole = (<usize>(cols & ~3)) << 2;
  for (let row = from; row < to; row++) {
    const x = p.x(c) + row * bytes;
    const y = p.y(c) + row * bytes;
    let best = sp(-3.4e38);
    let at: usize = 0;
    for (; at < whole; at += 16) best = f32x4.max(best, v128.load(x + at));
    let top = max4(best);
    for (; at < bytes; at += 4) top = max(top, load<f32>(x + at));
    let sum = sp(0);
    for (at = 0; at < whole; at += 16) {
      const e = exp4(f32x4.sub(v128.load(x + at), sp(top)));
      v128.store(y + at, e);
      sum = f32x4.add(sum, e);
    }
    let total = sum4(sum);
    for (; at < bytes; at += 4) {
      const e = exp1(load<f32>(x + at) - top);
      store<f32>(y + at, e);
      total += e;
    }
    const scale: f32 = <f32>1 / total;
    for (at = 0; at < whole; at += 16) v128.store(y + at, f32x4.mul(v128.load(y + at), sp(scale)));
    for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) * scale);
  }
}
