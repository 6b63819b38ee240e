// overlap_add: y[b,l,d] = h[b, s, k, d] + h[b, s - 1, k + hop, d],  s = l / hop + 1, k = l mod hop;  hop = size / 2
//
// h     [items, segments, size, dim]    y [items, length, dim], seen as rows of dim: each frame has exactly two covers
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup

struct Params { rows: u32, length: u32, dim: u32, segments: u32, size: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       h: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let hop = p.size / 2u;
    let l = row % p.length;
    let one = ((row / p.length * p.segments + l / hop + 1u) * p.size + l % hop) * p.dim;
    let other = one - hop * p.dim;   // size - hop columns earlier, in the segment before
    for (var d = lid; d < p.dim; d += WG) { y[row * p.dim + d] = h[one + d] + h[other + d]; }
  }
}
