// angle_embedding: y[l,e] = cos(angle[l]) * start[e] + sin(angle[l]) * stop[e]
//
// angle [rows]    start, stop [dim]    y [rows, dim]
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup

struct Params { rows: u32, dim: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       angle: array<f32>;
@group(0) @binding(2) var<storage, read>       start: array<f32>;
@group(0) @binding(3) var<storage, read>       stop: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let turn = sincos(angle[row]);
    for (var e = lid; e < p.dim; e += WG) { y[row * p.dim + e] = turn.y * start[e] + turn.x * stop[e]; }
  }
}
