// merge_columns: y[b,j,s,d] = 1 / window * sum_k h[b,s,k,d] over k = j * window/2 ... j * window/2 + window - 1, zeros behind the last column
//
// h     [items, segments, columns, dim]    y [items, width, segments, dim], n elements; width = 2 columns / window
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, dim: u32, segments: u32, columns: u32, width: u32, window: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       h: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let row = i / p.dim;
    let line = row / p.segments;   // b * width + j
    let first = line % p.width * (p.window / 2u);
    let past = min(first + p.window, p.columns);
    let base = (line / p.width * p.segments + row % p.segments) * p.columns * p.dim + i % p.dim;
    var sum = 0.0;
    for (var k = first; k < past; k++) { sum += h[base + k * p.dim]; }
    y[i] = sum / f32(p.window);
  }
}
