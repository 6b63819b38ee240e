// Loads by four for the matmul kernels: sizes, steps and offsets of x and w are multiples of 4; see gemm_params.wgsl.

// x of four columns from c of a row (its start may have wrapped below zero: padding)
fn x4_at(slice_x: u32, start: u32, c: u32) -> vec4f {
  let i = start + c;
  return select(vec4f(0.0), act4(PRE, x[(slice_x + i) / 4u]), i < p.x_limit);
}

fn w4_at(i: u32) -> vec4f {
  let word = w[i / 4u];
  return word; //@f16 vec4f(unpack2x16float(word.x), unpack2x16float(word.y)) //@half vec4f(word)
}
