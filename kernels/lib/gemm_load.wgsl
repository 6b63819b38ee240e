// Loads of any size for the matmul kernels; see gemm_params.wgsl.

// x of one row start (may have wrapped below zero: padding) and column c
fn x_at(slice_x: u32, start: u32, c: u32) -> f32 {
  let i = start + c;
  return select(0.0, act1(PRE, x[slice_x + i]), c < p.inner && i < p.x_limit);
}

fn w4_at(i: u32) -> vec4f {
  return vec4f(w[i], w[i + p.w_n], w[i + 2u * p.w_n], w[i + 3u * p.w_n]); //@f16 vec4f(unpack2x16float(w[i / 2u]), unpack2x16float(w[i / 2u + 1u])) //@half vec4f(w[i / 4u])
}
