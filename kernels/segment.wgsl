// segment: y[b,s,k,d] = x[b, s * hop + k - hop, d], 0 outside 0 ... length - 1;  hop = size / 2
//
// x     [items, length, dim]    y [items, segments, size, dim], seen as rows of dim
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup

struct Params { rows: u32, length: u32, dim: u32, segments: u32, size: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let hop = p.size / 2u;
    let place = row / p.size % p.segments * hop + row % p.size;   // frame + hop
    let inside = place >= hop && place < hop + p.length;
    let frame = row / (p.size * p.segments) * p.length + select(0u, place - hop, inside);
    for (var d = lid; d < p.dim; d += WG) {
      var value = 0.0;
      if (inside) { value = x[frame * p.dim + d]; }
      y[row * p.dim + d] = value;
    }
  }
}
