// angle_embedding: y[l,e] = cos(angle[l]) * start[e] + sin(angle[l]) * stop[e]
//
// angle [rows]    start, stop [dim]    y [rows, dim]
// unit  a row
import { cos4, sin4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { angle_embedding as p } from './params.gen';

export function angle_embedding_units(c: usize): u32 {
  return p.rows(c);
}

export function angle_embedding(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  for (let row = from; row < to; row++) {
    const angle = sp(load<f32>(p.angle(c) + ((<usize>row) << 2)));
    const cos = cos4(angle);
    const sin = sin4(angle);
    for (let e: u32 = 0; e < dim; e += 4) {
      const at = (<usize>e) << 2;
      const v = f32x4.add(f32x4.mul(cos, load4(p.start(c) + at, dim - e)), f32x4.mul(sin, load4(p.stop(c) + at, dim - e)));
      store4(p.y(c) + ((<usize>(row * dim)) << 2) + at, v, dim - e);
    }
  }
}
