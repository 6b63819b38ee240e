// clamp: y[i] = min(max(x[i], low), high), and NaN stays NaN: clamped away it would be full scale, and nobody would know
//
// x, y  [n]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

// @use unless_nan

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, low: f32, high: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    y[i] = unless_nan(x[i], min(max(x[i], p.low), p.high));
  }
}
