// IEEE half precision, widened.

const WIDE = memory.data<u32>([0x8fffe000, 0x77800000]); // sign and what is behind it; 2^112

/**
 * out [2, 8]: two rows a0, a1 of k floats times a panel of halves, widened on the way: the bits of tile2x16 over a widened panel, for half the
 * bytes. Exported by the module as the products of tiles.ts are.
 */
export function halves2x8(a0: usize, a1: usize, b: usize, k: u32, out: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  const mask = v128.load32_splat(WIDE); // from memory, so that they stay in registers
  const up = v128.load32_splat(WIDE, 4);
  const end = a0 + ((<usize>k) << 2);
  while (true) {
    {
      const h = v128.load(b);
      const w0 = f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(h), 13), mask), up);
      const w1 = f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(h), 13), mask), up);
      const x = v128.load32_splat(a0);
      const y = v128.load32_splat(a1);
      c00 = f32x4.add(c00, f32x4.mul(x, w0));
      c10 = f32x4.add(c10, f32x4.mul(y, w0));
      c01 = f32x4.add(c01, f32x4.mul(x, w1));
      c11 = f32x4.add(c11, f32x4.mul(y, w1));
    }
    a0 += 4;
    if (a0 >= end) break;
    b += 16;
    a1 += 4;
    {
      const h = v128.load(b);
      const w0 = f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(h), 13), mask), up);
      const w1 = f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(h), 13), mask), up);
      const x = v128.load32_splat(a0);
      const y = v128.load32_splat(a1);
      c00 = f32x4.add(c00, f32x4.mul(x, w0));
      c10 = f32x4.add(c10, f32x4.mul(y, w0));
      c01 = f32x4.add(c01, f32x4.mul(x, w1));
      c11 = f32x4.add(c11, f32x4.mul(y, w1));
    }
    a0 += 4;
    if (a0 >= end) break;
    b += 16;
    a1 += 4;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
}

/** `count` halves, a multiple of eight, as f32 to `to`: exact but for infinities and NaN, which weights do not have. */
export function widen(from: usize, count: u32, to: usize): void {
  const mask = v128.load32_splat(WIDE);
  const up = v128.load32_splat(WIDE, 4);
  for (const end = from + ((<usize>count) << 1); from < end; from += 16, to += 32) {
    const eight = v128.load(from);
    v128.store(to, f32x4.mul(v128.and(i32x4.shl(i32x4.extend_low_i16x8_s(eight), 13), mask), up));
    v128.store(to, f32x4.mul(v128.and(i32x4.shl(i32x4.extend_high_i16x8_s(eight), 13), mask), up), 16);
  }
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
