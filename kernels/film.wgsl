// film: y[r,d] = x[r,d] * scale[r / times, d] + shift[r / times, d]   (Perez et al. 2018)
//
// x, y  [rows, dim]    scale, shift [rows / times, dim]
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup

struct Params { rows: u32, dim: u32, times: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       scale: array<f32>;
@group(0) @binding(3) var<storage, read>       shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let base = row * p.dim;
    let condition = row / p.times * p.dim;
    for (var d = lid; d < p.dim; d += WG) { y[base + d] = x[base + d] * scale[condition + d] + shift[condition + d]; }
  }
}
