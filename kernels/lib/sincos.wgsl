// (sin x, cos x) to about 1e-7 for |x| up to a few thousand. The built-in functions may be off by 5e-4, which twenty rotations would
// show. Reduction by multiples of pi/2 in three exact parts, then the minimax polynomials of Cephes (Moshier) on [-pi/4, pi/4].
fn sincos(x: f32) -> vec2f {
  let q = round(x * 0.636619772);
  let r = ((x - q * 1.5703125) - q * 4.837512969970703125e-4) - q * 7.54978995489188216e-8;
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let quadrant = i32(q) & 3;
  let turned = select(vec2f(s, c), vec2f(c, -s), (quadrant & 1) == 1);
  return select(turned, -turned, quadrant >= 2);
}
