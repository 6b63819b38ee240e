// peak_normalise: v = sqrt(x[r,c] + eps);  y[r,c] = v / max(max_c v, 1)
//
// x, y  [rows, cols], few columns (chroma: 12)
// unit  a row
import { peak_normalise as p } from './params.gen';

export function peak_normalise_units(c: usize): u32 {
  return p.rows(c);
}

export function peak_normalise(c: usize, from: u32, to: u32): void {
  const cols = p.cols(c);
  for (let row = from; row < to; row++) {
    const base = (<usize>(row * cols)) << 2;
    let peak: f32 = 1;
    for (let i: usize = 0; i < (<usize>cols) << 2; i += 4) {
      const v = sqrt(load<f32>(p.x(c) + base + i) + p.eps(c));
      store<f32>(p.y(c) + base + i, v);
      peak = max(peak, v);
    }
    for (let i: usize = 0; i < (<usize>cols) << 2; i += 4) store<f32>(p.y(c) + base + i, load<f32>(p.y(c) + base + i) / peak);
  }
}
