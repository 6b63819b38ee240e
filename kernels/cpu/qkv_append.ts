// qkv_append: q = turn(x q), k[b, at + t] = turn(x k), v[b, at + t] = x v: what attention to a cache needs of one product; turn as in rope
//
// x     [batch, len, 3, heads * dh]: queries, keys, values side by side       q [batch, len, heads * dh]
// k, v  [batch, capacity, heads * dh], caches; rows at or past capacity are dropped
// unit  a row of x
import { makeRates, makeTurns, turnHeads } from './lib/turn';
import { qkv_append as p } from './params.gen';

export function qkv_append_units(c: usize): u32 {
  return p.rows(c);
}

export function qkv_append(c: usize, from: u32, to: u32): void {
  const half = p.half_dh(c);
  const bytes = (<usize>(p.heads(c) * 2 * half)) << 2;
  if (p.TURN(c) != 0) makeRates(half, p.log_theta(c));
  for (let row = from; row < to; row++) {
    const place = p.at(c) + (row % p.len(c));
    const x = p.x(c) + row * 3 * bytes;
    if (p.TURN(c) != 0) makeTurns(<f32>place, half);
    move(c, x, p.q(c) + row * bytes, half, bytes);
    if (place >= p.capacity(c)) continue;
    const cached = ((row / p.len(c)) * p.capacity(c) + place) * bytes;
    move(c, x + bytes, p.k(c) + cached, half, bytes);
    memory.copy(p.v(c) + cached, x + 2 * bytes, bytes);
  }
}

function move(c: usize, x: usize, y: usize, half: u32, bytes: usize): void {
  if (p.TURN(c) != 0) turnHeads(x, y, p.heads(c), half, false);
  else memory.copy(y, x, bytes);
}
