// repeat_columns: y[b,s,k,d] = c[b, k / repeat, s, d]
//
// c     [items, columns / repeat, segments, dim]    y [items, segments, columns, dim], seen as rows of dim
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup
const ADD = 2u;         // lib/residual: repeated columns

struct Params { rows: u32, dim: u32, columns: u32, repeat: u32, segments: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// @use residual

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let base = residual_row(row) * p.dim;
    for (var d = lid; d < p.dim; d += WG) { y[row * p.dim + d] = c[base + d]; }
  }
}
