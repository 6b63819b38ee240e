// rms_norm: y[r,c] = (x[r,c] + residual[r,c]) * rsqrt(mean_c (…)^2 + eps) * w[c]
//
// x, y  [rows, cols]    residual [rows, cols] (ADD = 1; else bound but not read)    w [cols]
// grid  [rows]          one workgroup per row; threads stride over cols

override WG = 64u;      // threads per workgroup
override ADD = 0u;      // 1: add residual first

struct Params { cols: u32, rows: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       residual: array<f32>;
@group(0) @binding(3) var<storage, read>       w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> partial: array<f32, WG>;

fn value(i: u32) -> f32 {
  if (ADD == 1u) { return x[i] + residual[i]; }
  return x[i];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = wid.x + wid.y * nwg.x;
  if (row >= p.rows) { return; }   // uniform: every thread of the workgroup leaves together
  let base = row * p.cols;
  var sum = 0.0;
  for (var c = lid; c < p.cols; c += WG) {
    let v = value(base + c);
    sum += v * v;
  }
  partial[lid] = sum;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lid < half) { partial[lid] += partial[lid + half]; }
    workgroupBarrier();
  }
  let scale = inverseSqrt(partial[0] / f32(p.cols) + p.eps);
  for (var c = lid; c < p.cols; c += WG) { y[base + c] = value(base + c) * scale * w[c]; }
}
