// partial_rope: columns (i, i + half) of every head turn by the angle of their row: (a cos - b sin, a sin + b cos); columns from 2 half on stay
//
// x, y   [n / row, row], row = heads * dh, rows of `len` places an item
// turns  [len, 2 half]: cosines, then sines
// unit   a row
import { copyFloats, load4, store4 } from './lib/some';
import { partial_rope as p } from './params.gen';

export function partial_rope_units(c: usize): u32 {
  return p.n(c) / p.row(c);
}

export function partial_rope(c: usize, from: u32, to: u32): void {
  const dh = p.dh(c);
  const half = p.half(c);
  const halfBytes = (<usize>half) << 2;
  for (let row = from; row < to; row++) {
    const cosines = p.turns(c) + ((<usize>((row % p.len(c)) * 2 * half)) << 2);
    for (let column: u32 = 0; column < p.row(c); column += dh) {
      const base = (<usize>(row * p.row(c) + column)) << 2;
      const x = p.x(c) + base;
      const y = p.y(c) + base;
      for (let i: u32 = 0; i < half; i += 4) {
        const at = (<usize>i) << 2;
        const a = load4(x + at, half - i);
        const b = load4(x + halfBytes + at, half - i);
        const cos = load4(cosines + at, half - i);
        const sin = load4(cosines + halfBytes + at, half - i);
        store4(y + at, f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin)), half - i);
        store4(y + halfBytes + at, f32x4.add(f32x4.mul(a, sin), f32x4.mul(b, cos)), half - i);
      }
      if (dh > 2 * half) copyFloats(y + 2 * halfBytes, x + 2 * halfBytes, dh - 2 * half);
    }
  }
}
