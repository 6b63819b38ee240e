// merge_columns: y[b,j,s,d] = mean of h[b,s,k,d] over k = j * window/2 ... j * window/2 + window - 1
//
// Zeros stand behind the last column: the mean always divides by window.
//
// h     [items, segments, columns, dim]    y [items, width, segments, dim], seen as rows of dim; width = 2 columns / window
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup

struct Params { rows: u32, dim: u32, segments: u32, columns: u32, width: u32, window: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       h: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let line = row / p.segments;   // b * width + j
    let column = line % p.width * (p.window / 2u);
    let count = min(p.window, p.columns - column);
    let base = ((line / p.width * p.segments + row % p.segments) * p.columns + column) * p.dim;
    for (var d = lid; d < p.dim; d += WG) {
      var sum = 0.0;
      for (var k = 0u; k < count; k++) { sum += h[base + k * p.dim + d]; }
      y[row * p.dim + d] = sum / f32(p.window);
    }
  }
}
