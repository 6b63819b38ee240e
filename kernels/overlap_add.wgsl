// overlap_add: y[b,l,d] = h[b, s, k, d] + h[b, s - 1, k + hop, d],  s = l / hop + 1, k = l mod hop;  hop = size / 2
//
// h     [items, segments, size, dim]    y [items, length, dim], n elements
// grid  [n / (WG * PER)]   PER elements a thread, WG apart: each frame has exactly two covers

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, length: u32, dim: u32, segments: u32, size: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       h: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let row = i / p.dim;
    let hop = p.size / 2u;
    let l = row % p.length;
    let first = ((row / p.length * p.segments + l / hop + 1u) * p.size + l % hop) * p.dim + i % p.dim;
    y[i] = h[first] + h[first - hop * p.dim];   // size - hop columns earlier, in the segment before
  }
}
