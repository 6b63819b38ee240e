// Activations over a run of floats; the codes are those of src/ops/act.ts.
import { exp4, gelu8, sigmoid4, sp, tanh4 } from './math';

/** x[i] = act(x[i]) for `vectors` groups of four. */
export function activate(kind: u32, x: usize, vectors: u32): void {
  const end = x + ((<usize>vectors) << 4);
  switch (kind) {
    case 1:
      for (; x + 16 < end; x += 32) gelu8(x);
      if (x < end) {
        // the last of an odd number, beside what lies behind it, which stays
        const behind = v128.load(x, 16);
        gelu8(x);
        v128.store(x, behind, 16);
      }
      return;
    case 2:
      for (; x < end; x += 16) {
        const v = v128.load(x);
        const cube = f32x4.mul(f32x4.mul(f32x4.mul(sp(0.044715), v), v), v);
        v128.store(x, f32x4.mul(f32x4.mul(sp(0.5), v), f32x4.add(sp(1), tanh4(f32x4.mul(sp(0.79788456), f32x4.add(v, cube))))));
      }
      return;
    case 3:
      for (; x < end; x += 16) {
        const v = v128.load(x);
        v128.store(x, f32x4.mul(v, sigmoid4(v)));
      }
      return;
    case 4:
      for (; x < end; x += 16) v128.store(x, f32x4.pmax(v128.load(x), sp(0)));
      return;
    case 5:
      for (; x < end; x += 16) {
        const v = v128.load(x);
        v128.store(x, v128.bitselect(v, f32x4.mul(sp(0.1), v), f32x4.gt(v, sp(0))));
      }
      return;
    case 6:
      for (; x < end; x += 16) v128.store(x, tanh4(v128.load(x)));
      return;
    case 7:
      for (; x < end; x += 16) v128.store(x, sigmoid4(v128.load(x)));
      return;
    case 8:
      for (; x < end; x += 16) v128.store(x, exp4(v128.load(x)));
      return;
    case 9:
      for (; x < end; x += 16) {
        const v = v128.load(x);
        v128.store(x, v128.bitselect(v, f32x4.sub(exp4(f32x4.pmin(v, sp(0))), sp(1)), f32x4.gt(v, sp(0))));
      }
      return;
  }
}
