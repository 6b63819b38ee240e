// rms_norm_thread: y[r,c] = v[r,c] * rsqrt(mean_c v[r,c]^2 + eps) * w[c],  v[r,c] = x[r,c] + residual[residual_row(r),c]
//
// x, y  [rows, cols]    residual [*, cols] (see lib/residual; with ADD = 0 bound but not read)    w [cols]
// grid  [rows / WG]     one thread per row: no reduction and no barrier, for software adapters

override WG = 8u;       // threads per workgroup
override ADD = 0u;      // meaning: 0 no residual, 1 row by row, 2 repeated columns

struct Params { cols: u32, rows: u32, eps: f32, columns: u32, repeat: u32, segments: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       residual: array<f32>;
@group(0) @binding(3) var<storage, read>       w: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use residual

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = (wid.x + wid.y * nwg.x) * WG + lid;
  if (row >= p.rows) { return; }
  let base = row * p.cols;
  let extra = residual_row(row) * p.cols;
  let whole = p.cols / 4u * 4u;   // four columns a step: fewer turns of the loop
  var square = 0.0;
  for (var c = 0u; c < whole; c += 4u) {
    var v = vec4f(x[base + c], x[base + c + 1u], x[base + c + 2u], x[base + c + 3u]);
    if (ADD != 0u) { v += vec4f(residual[extra + c], residual[extra + c + 1u], residual[extra + c + 2u], residual[extra + c + 3u]); }
    square += dot(v, v);
  }
  for (var c = whole; c < p.cols; c++) {
    var v = x[base + c];
    if (ADD != 0u) { v += residual[extra + c]; }
    square += v * v;
  }
  let scale = inverseSqrt(square / f32(p.cols) + p.eps);
  for (var c = 0u; c < p.cols; c++) {
    var v = x[base + c];
    if (ADD != 0u) { v += residual[extra + c]; }
    y[base + c] = v * scale * w[c];
  }
}
