// `made`, but a `value` that is NaN as it is: min, max and clamp would make it a number, and nobody would know. By bits: WGSL may assume that
// x != x is never true.
fn unless_nan(value: f32, made: f32) -> f32 {
  return select(made, value, (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u);
}
