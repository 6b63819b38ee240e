// What the matmul kernels share: rows of x by index arithmetic (implicit GEMM), four columns of w, the epilogue.
//
// Row r of the left matrix is x[r * row_step + tap * tap_step - origin + c] for tap < taps, c < inner; 0 outside [0, x_limit).
// Row k = tap * inner + c of the right matrix is w[k * w_k + n * w_n].   f16 weights: pairs along n, w_n = 1, w_k % 4 = 0.
// Slice z = batch * groups + group shifts x, w and y.   y[row * y_row + n - crop], kept inside [0, y_limit).

override ACT = 0u;       // activation of the result, see lib/act.wgsl
override PRE = 0u;       // activation of x as it is read
override SCALE = 0u;     // 1: multiply by scale, shaped as y
override RESIDUAL = 0u;  // 1: add residual, shaped as y

struct Params {
  rows: u32, cols: u32, inner: u32, taps: u32,
  row_step: u32, tap_step: u32, origin: u32, x_limit: u32,
  x_batch: u32, x_group: u32, w_k: u32, w_n: u32,
  w_batch: u32, w_group: u32, y_row: u32, y_group: u32,
  y_batch: u32, crop: u32, y_limit: u32, groups: u32,
  bias: u32, alpha: f32,
}

struct Slice { x: u32, w: u32, y: u32, group: u32 }

fn slice_of(z: u32) -> Slice {
  let batch = z / p.groups;
  let group = z % p.groups;
  return Slice(batch * p.x_batch + group * p.x_group, batch * p.w_batch + group * p.w_group, batch * p.y_batch, group);
}

// x of one row start (may have wrapped below zero: padding) and column c
fn x_at(slice_x: u32, start: u32, c: u32) -> f32 {
  let i = start + c;
  return select(0.0, act1(PRE, x[slice_x + i]), c < p.inner && i < p.x_limit);
}

fn w4_at(i: u32) -> vec4f {
  return vec4f(w[i], w[i + p.w_n], w[i + 2u * p.w_n], w[i + 3u * p.w_n]); //@f16 vec4f(unpack2x16float(w[i / 2u]), unpack2x16float(w[i / 2u + 1u]))
}

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
      if (RESIDUAL == 1u) { out += residual[slice.y + i]; }
      y[slice.y + i] = out;
    }
  }
}
