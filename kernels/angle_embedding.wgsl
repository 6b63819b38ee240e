// angle_embedding: y[l,e] = cos(angle[l]) * start[e] + sin(angle[l]) * stop[e]
//
// angle [n / dim]    start, stop [dim]    y [n / dim, dim]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, dim: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       angle: array<f32>;
@group(0) @binding(2) var<storage, read>       start: array<f32>;
@group(0) @binding(3) var<storage, read>       stop: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let turn = sincos(angle[i / p.dim]);
    let e = i % p.dim;
    y[i] = turn.y * start[e] + turn.x * stop[e];
  }
}
