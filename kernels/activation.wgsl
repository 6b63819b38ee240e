// activation: y[i] = act(x[i])
//
// x, y  [n]
// grid  [n / WG]        one thread per element

override WG = 64u;      // threads per workgroup
override ACT = 0u;      // see lib/act

struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// @use act

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.n) { return; }
  y[i] = act1(ACT, x[i]);
}
