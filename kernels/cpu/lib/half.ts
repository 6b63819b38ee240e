// IEEE half precision, widened.

/** `count` halves, a multiple of eight, as f32 to `to`: exact but for infinities and NaN, which weights do not have. */
export function widen(from: usize, count: u32, to: usize): void {
  for (const end = from + ((<usize>count) << 1); from < end; from += 16, to += 32) {
    const eight = v128.load(from);
    v128.store(to, widened(i32x4.extend_low_i16x8_u(eight)));
    v128.store(to, widened(i32x4.extend_high_i16x8_u(eight)), 16);
  }
}

/** As f16to32 below the largest exponent. */
// @ts-ignore: decorator
@inline
function widened(four: v128): v128 {
  const sign = i32x4.shl(v128.and(four, i32x4.splat(0x8000)), 16);
  const rest = i32x4.shl(v128.and(four, i32x4.splat(0x7fff)), 13);
  return v128.or(sign, f32x4.mul(rest, i32x4.splat(0x77800000)));
}

/** The f32 bits of an f16: exact, also below the normal range, for infinities and NaN. */
// @ts-ignore: decorator
@inline
export function f16to32(half: u32): u32 {
  const sign = (half & 0x8000) << 16;
  const rest = half & 0x7fff;
  if (rest >= 0x7c00) return sign | 0x7f800000 | ((rest & 0x3ff) << 13);
  // exponents are 112 apart: as a product by 2^112, which is right below the normal range too
  return sign | reinterpret<u32>(reinterpret<f32>(rest << 13) * reinterpret<f32>(0x77800000));
}
