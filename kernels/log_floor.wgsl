// log_floor: y[i] = log(x[i] + floor), or with ROOT log(sqrt(x[i]) + floor)
//
// x, y  [n]
// grid  [n / WG]

override WG = 64u;      // threads per workgroup
override ROOT = 0u;     // meaning: 1 of the root

struct Params { n: u32, floor: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.n) { return; }
  var v = x[i];
  if (ROOT == 1u) { v = sqrt(v); }
  y[i] = log(v + p.floor);
}
