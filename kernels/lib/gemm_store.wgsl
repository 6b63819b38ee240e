// Epilogue of any size for the matmul kernels; see gemm_params.wgsl.

fn bias4(slice: Slice, n: u32) -> vec4f {
  if (p.bias == 0u) { return vec4f(0.0); }
  let i = slice.group * p.y_group + n;
  return vec4f(bias[i], bias[i + 1u], bias[i + 2u], bias[i + 3u]);
}

fn store4(slice: Slice, row: u32, n: u32, sum: vec4f, offset: vec4f) {
  let v = act4(ACT, sum * p.alpha + offset);
  let start = row * p.y_row + slice.group * p.y_group + n - p.crop;
  for (var j = 0u; j < 4u; j++) {
    let i = start + j;
    if (row < p.rows && n + j < p.cols && i < p.y_limit) {
      var out = v[j];
      if (SCALE == 1u) { out *= scale[slice.y + i]; }
      if (SCALE == 2u) { out *= scale[slice.group * p.y_group + n + j]; }
      if (RESIDUAL == 1u) { out += residual[slice.y + i]; }
      y[slice.y + i] = out;
    }
  }
}
