// film: y[r,d] = x[r,d] * scale[r / times, d] + shift[r / times, d]   (Perez et al. 2018)
//
// x, y  [n / dim, dim]    scale, shift [n / dim / times, dim]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, dim: u32, times: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       scale: array<f32>;
@group(0) @binding(3) var<storage, read>       shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let j = i / (p.dim * p.times) * p.dim + i % p.dim;
    y[i] = x[i] * scale[j] + shift[j];
  }
}
