// Products of bytes: weights of eight bits with a scale a column, times rows of sixteen bits with a scale a row. Sums are whole numbers, so
// that they have the same bits in whatever order and on whatever machine they are made.
//
// A panel is eight scales, then pairs of k: the two bytes of each of eight columns. A row is quantised to as many levels as leave the sum of K
// products below 2^31.
import { load4 } from './some';

/** Bytes of a panel of k rows. */
// @ts-ignore: decorator
@inline
export function panelBytes(k: u32): usize {
  return 32 + ((<usize>((k + 1) >> 1)) << 4);
}

/** Bytes of a row of k whole numbers. */
// @ts-ignore: decorator
@inline
export function rowBytes(k: u32): usize {
  return ((<usize>k + 3) & ~3) << 1;
}

/** k floats as whole numbers to `out`, zeros behind them up to a multiple of four; gives the scale. */
export function quantise(x: usize, k: u32, out: usize): f32 {
  let most = f32x4.splat(0);
  for (let i: u32 = 0; i < k; i += 4) most = f32x4.max(most, f32x4.abs(load4(x + ((<usize>i) << 2), k - i)));
  const largest = max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
  const levels = <f32>min(32_767, i32.MAX_VALUE / 127 / <i32>k);
  const inverse = f32x4.splat(largest > 1e-30 ? levels / largest : 0); // below, zeros; what is no number makes the scale none
  for (let i: u32 = 0; i < k; i += 4) {
    const whole = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(load4(x + ((<usize>i) << 2), k - i), inverse)));
    v128.store64_lane(out + ((<usize>i) << 1), i16x8.narrow_i32x4_s(whole, whole), 0);
  }
  return largest / levels;
}

/**
 * out [2, 2, 8]: two rows a0, a1 of k whole numbers with scales s0, s1 times two panels b, d: for each panel both rows.
 * Exported by the module, as the products of lib/tiles.ts are, and for the same reason.
 */
export function bytes2x16(a0: usize, a1: usize, s0: f32, s1: f32, b: usize, d: usize, k: u32, out: usize): void {
  const scales = b;
  const others = d;
  let c00 = i32x4.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  const end = a0 + ((<usize>((k + 1) >> 1)) << 2);
  b += 32;
  d += 32;
  while (a0 < end) {
    const x = v128.load32_splat(a0);
    const y = v128.load32_splat(a1);
    let w = v128.load_ext<i8>(b);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(x, w));
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(y, w));
    w = v128.load_ext<i8>(b, 8);
    c01 = i32x4.add(c01, i32x4.dot_i16x8_s(x, w));
    c11 = i32x4.add(c11, i32x4.dot_i16x8_s(y, w));
    w = v128.load_ext<i8>(d);
    c02 = i32x4.add(c02, i32x4.dot_i16x8_s(x, w));
    c12 = i32x4.add(c12, i32x4.dot_i16x8_s(y, w));
    w = v128.load_ext<i8>(d, 8);
    c03 = i32x4.add(c03, i32x4.dot_i16x8_s(x, w));
    c13 = i32x4.add(c13, i32x4.dot_i16x8_s(y, w));
    b += 16;
    d += 16;
    a0 += 4;
    a1 += 4;
  }
  keep(out, c00, scales, 0, s0);
  keep(out + 16, c01, scales, 16, s0);
  keep(out + 32, c10, scales, 0, s1);
  keep(out + 48, c11, scales, 16, s1);
  keep(out + 64, c02, others, 0, s0);
  keep(out + 80, c03, others, 16, s0);
  keep(out + 96, c12, others, 0, s1);
  keep(out + 112, c13, others, 16, s1);
}

// @ts-ignore: decorator
@inline
function keep(to: usize, sum: v128, scales: usize, at: usize, scale: f32): void {
  v128.store(to, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(sum), v128.load(scales + at)), f32x4.splat(scale)));
}
