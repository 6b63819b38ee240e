// Epilogue by four for the matmul kernels: sizes, steps and offsets of y are multiples of 4; see gemm_params.wgsl.

fn bias4(slice: Slice, n: u32) -> vec4f {
  if (p.bias == 0u) { return vec4f(0.0); }
  return bias[(slice.group * p.y_group + n) / 4u];
}

fn store4(slice: Slice, row: u32, n: u32, sum: vec4f, offset: vec4f) {
  let col = slice.group * p.y_group + n;
  let i = row * p.y_row + col - p.crop;
  if (row < p.rows && n < p.cols && i < p.y_limit) {
    let at = (slice.y + i) / 4u;
    var v = act4(ACT, sum * p.alpha + offset);
    if (SCALE == 1u) { v *= scale[at]; }
    if (SCALE == 2u) { v *= scale[col / 4u]; }
    if (RESIDUAL == 1u) { v += residual[at]; }
    y[at] = v;
  }
}
