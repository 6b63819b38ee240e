// rms_norm: y[r,c] = v[r,c] * rsqrt(mean_c v[r,c]^2 + eps) * w[c],  v[r,c] = x[r,c] + residual[residual_row(r),c]
//
// x, y  [rows, cols]    residual [*, cols] (see lib/residual; with ADD = 0 bound but not read)    w [cols]
// grid  [rows]          one workgroup per row; threads stride over cols

override WG = 64u;      // threads per workgroup, a power of two
override ADD = 0u;      // meaning: 0 no residual, 1 row by row, 2 repeated columns

struct Params { cols: u32, rows: u32, eps: f32, columns: u32, repeat: u32, segments: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       residual: array<f32>;
@group(0) @binding(3) var<storage, read>       w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use reduce
// @use residual

fn value(i: u32, j: u32) -> f32 {
  var v = x[i];
  if (ADD != 0u) { v += residual[j]; }
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = wid.x + wid.y * nwg.x;
  if (row >= p.rows) { return; }   // uniform: every thread of the workgroup leaves together
  let base = row * p.cols;
  let extra = residual_row(row) * p.cols;
  var square = 0.0;
  for (var c = lid; c < p.cols; c += WG) {
    let v = value(base + c, extra + c);
    square += v * v;
  }
  let scale = inverseSqrt(workgroup_sum(square, lid) / f32(p.cols) + p.eps);
  for (var c = lid; c < p.cols; c += WG) { y[base + c] = value(base + c, extra + c) * scale * w[c]; }
}
