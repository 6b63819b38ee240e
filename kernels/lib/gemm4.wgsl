// Access by four for the matmul kernels whose sizes, steps and offsets are multiples of 4; see lib/gemm_params.wgsl.

// x of four columns from c of a row (its start may have wrapped below zero: padding)
fn x4_at(slice_x: u32, start: u32, c: u32) -> vec4f {
  let i = start + c;
  return select(vec4f(0.0), act4(PRE, x[(slice_x + i) / 4u]), i < p.x_limit);
}

fn w4_at(i: u32) -> vec4f {
  let word = w[i / 4u];
  return word; //@f16 vec4f(unpack2x16float(word.x), unpack2x16float(word.y))
}

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
