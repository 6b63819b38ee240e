// What the matmul kernels share: rows of x by index arithmetic (implicit GEMM), four columns of w, the epilogue.
//
// Row r of the left matrix is x[r * row_step + tap * tap_step - origin + c] for tap < taps, c < inner; 0 outside [0, x_limit).
// Row k = tap * inner + c of the right matrix is w[k * w_k + n * w_n].   f16 weights: w_n = 1, w_k % 4 = 0; read as pairs
// in words (variant f16) or, with the feature shader-f16, as vec4h (half): the same numbers, added up in f32 all the same.
// Slice z = batch * groups + group shifts x, w and y.   y[row * y_row + n - crop], kept inside [0, y_limit).

override ACT = 0u;       // meaning: activation of the result, see lib/act.wgsl
override PRE = 0u;       // meaning: activation of x as it is read
override SCALE = 0u;     // meaning: 1: multiply by scale, shaped as y; 2: scale is a row, one value a column
override RESIDUAL = 0u;  // meaning: 1: add residual, shaped as y

struct Params {
  rows: u32, cols: u32, inner: u32, taps: u32,
  row_step: u32, tap_step: u32, origin: u32, x_limit: u32,
  x_batch: u32, x_group: u32, w_k: u32, w_n: u32,
  w_batch: u32, w_group: u32, y_row: u32, y_group: u32,
  y_batch: u32, crop: u32, y_limit: u32, groups: u32,
  bias: u32, alpha: f32, batch: u32, eps: f32,
}

struct Slice { x: u32, w: u32, y: u32, group: u32 }

fn slice_of(z: u32) -> Slice {
  let batch = z / p.groups;
  let group = z % p.groups;
  return Slice(batch * p.x_batch + group * p.x_group, batch * p.w_batch + group * p.w_group, batch * p.y_batch, group);
}
