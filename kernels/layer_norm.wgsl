// layer_norm: y[r,c] = (v[r,c] - mean_c v) * rsqrt(var_c v + eps) * w[c] + b[c],  v = x + residual
//
// x, residual, y [rows, cols] (with ADD = 0 residual is bound but not read)    w, b [cols] (with BIAS = 0 b is not read)
// grid  [rows]           one workgroup per row; threads stride over cols; the variance is that of v - mean (two passes)

override WG = 64u;      // threads per workgroup, a power of two
override ADD = 0u;      // meaning: 1: add residual first
override BIAS = 1u;     // meaning: 1: add b

struct Params { cols: u32, rows: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       residual: array<f32>;
@group(0) @binding(3) var<storage, read>       w: array<f32>;
@group(0) @binding(4) var<storage, read>       b: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// @use reduce

fn value(i: u32) -> f32 {
  var v = x[i];
  if (ADD != 0u) { v += residual[i]; }
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = wid.x + wid.y * nwg.x;
  if (row >= p.rows) { return; }   // uniform: every thread of the workgroup leaves together
  let base = row * p.cols;
  var sum = 0.0;
  for (var c = lid; c < p.cols; c += WG) { sum += value(base + c); }
  let mean = workgroup_sum(sum, lid) / f32(p.cols);
  var square = 0.0;
  for (var c = lid; c < p.cols; c += WG) {
    let d = value(base + c) - mean;
    square += d * d;
  }
  let scale = inverseSqrt(workgroup_sum(square, lid) / f32(p.cols) + p.eps);
  for (var c = lid; c < p.cols; c += WG) {
    var v = (value(base + c) - mean) * scale * w[c];
    if (BIAS != 0u) { v += b[c]; }
    y[base + c] = v;
  }
}
