// mean_rows: y[b,d] = mean_t x[b,t,d]
//
// x     [n / dim, length, dim]    y [n / dim, dim]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart; neighbours read neighbouring columns

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, dim: u32, length: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let base = i / p.dim * p.length * p.dim + i % p.dim;
    var sum = 0.0;
    for (var t = 0u; t < p.length; t++) { sum += x[base + t * p.dim]; }
    y[i] = sum / f32(p.length);
  }
}
