// segment: y[b,s,k,d] = x[b, s * hop + k - hop, d], 0 outside 0 ... length - 1;  hop = size / 2
//
// x     [items, length, dim]    y [items, segments, size, dim], seen as rows of dim
// unit  a row of y
import { segment as p } from './params.gen';

export function segment_units(c: usize): u32 {
  return p.rows(c);
}

export function segment(c: usize, from: u32, to: u32): void {
  const bytes = (<usize>p.dim(c)) << 2;
  const size = p.size(c);
  const hop = size / 2;
  for (let row = from; row < to; row++) {
    const place = ((row / size) % p.segments(c)) * hop + (row % size); // frame + hop
    const y = p.y(c) + row * bytes;
    if (place >= hop && place < hop + p.length(c))
      memory.copy(y, p.x(c) + ((row / (size * p.segments(c))) * p.length(c) + place - hop) * bytes, bytes);
    else memory.fill(y, 0, bytes);
  }
}
