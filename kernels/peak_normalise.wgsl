// peak_normalise: v = sqrt(x[r,c] + eps);  y[r,c] = v / max(max_c v, 1)
//
// x, y  [rows, cols], few columns (chroma: 12)
// grid  [rows / WG]     one thread per row

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, cols: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = (wid.x + wid.y * nwg.x) * WG + lid;
  if (row >= p.rows) { return; }
  let base = row * p.cols;
  var peak = 1.0;
  for (var c = 0u; c < p.cols; c++) { peak = max(peak, sqrt(x[base + c] + p.eps)); }
  for (var c = 0u; c < p.cols; c++) { y[base + c] = sqrt(x[base + c] + p.eps) / peak; }
}
