// count_non_finite: counts[at] += number of x[i] that are NaN or infinite
//
// x     [n]             counts [slots]: u32, a state
// unit  all of x: counts is one number
import { count_non_finite as p } from './params.gen';

export function count_non_finite_units(_c: usize): u32 {
  return 1;
}

export function count_non_finite(c: usize, from: u32, to: u32): void {
  if (from == to) return;
  const mask = i32x4.splat(0x7f800000);
  const end = p.x(c) + ((<usize>p.n(c)) << 2);
  let x = p.x(c);
  let lanes = i32x4.splat(0);
  for (; x + 16 <= end; x += 16) lanes = i32x4.sub(lanes, i32x4.eq(v128.and(v128.load(x), mask), mask)); // true is -1
  let count = i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) + i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3);
  for (; x < end; x += 4) if ((load<u32>(x) & 0x7f800000) == 0x7f800000) count += 1;
  const to_ = p.counts(c) + ((<usize>p.at(c)) << 2);
  store<u32>(to_, load<u32>(to_) + count);
}
