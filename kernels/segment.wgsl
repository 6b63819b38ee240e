// segment: y[b,s,k,d] = x[b, s * hop + k - hop, d], 0 outside 0 ... length - 1;  hop = size / 2
//
// x     [items, length, dim]    y [items, segments, size, dim], n elements
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, length: u32, dim: u32, segments: u32, size: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let row = i / p.dim;
    let hop = p.size / 2u;
    let place = row / p.size % p.segments * hop + row % p.size;   // frame + hop
    var value = 0.0;
    if (place >= hop && place < hop + p.length) {
      value = x[(row / (p.size * p.segments) * p.length + place - hop) * p.dim + i % p.dim];
    }
    y[i] = value;
  }
}
