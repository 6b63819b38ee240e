// repeat_columns: y[b,s,k,d] = c[b, k / repeat, s, d]
//
// c     [items, columns / repeat, segments, dim]    y [items, segments, columns, dim], n elements
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread
const ADD = 2u;         // lib/residual: repeated columns

struct Params { n: u32, dim: u32, columns: u32, repeat: u32, segments: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// @use residual

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    y[i] = c[residual_row(i / p.dim) * p.dim + i % p.dim];
  }
}
