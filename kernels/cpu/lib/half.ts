// IEEE half precision, widened.

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
