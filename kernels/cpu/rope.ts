// rope: (a, b) -> (a cos t - b sin t, a sin t + b cos t), t = position * theta^(-2 i / dh), for pair i of every head
//
// x, y       [rows, heads * dh], rows = batch * len; pairs are (i, i + dh/2), or (2i, 2i + 1) when INTERLEAVED
// positions  [batch or 1, len] when POSITIONS, else position = offset + row in its item
// unit       a row; its sines and cosines are made once, in this thread's scratch
import { makeRates, makeTurns, turnHeads } from './lib/turn';
import { rope as p } from './params.gen';

export function rope_units(c: usize): u32 {
  return p.rows(c);
}

export function rope(c: usize, from: u32, to: u32): void {
  const half = p.half_dh(c);
  const bytes = (<usize>(p.heads(c) * 2 * half)) << 2;
  makeRates(half, p.log_theta(c));
  for (let row = from; row < to; row++) {
    const t = row % p.len(c);
    const position =
      p.POSITIONS(c) != 0 ? load<f32>(p.positions(c) + ((<usize>((row / p.len(c)) * p.pos_batch(c) + t)) << 2)) : p.offset(c) + <f32>t;
    makeTurns(position, half);
    turnHeads(p.x(c) + row * bytes, p.y(c) + row * bytes, p.heads(c), half, p.INTERLEAVED(c) != 0);
  }
}
