// polar: re = exp(min(m, limit)) cos(a), im = exp(min(m, limit)) sin(a)
//
// x     [rows, 2 * bins]: log magnitude m | phase a        y [rows, 2 * bins]: re | im
// grid  [rows * bins / WG]

// @use sincos

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, limit: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.bins) { return; }
  let at = i / p.bins * 2u * p.bins + i % p.bins;
  let magnitude = exp(min(x[at], p.limit));
  let phase = x[at + p.bins];
  let turn = sincos(phase);
  y[at] = magnitude * turn.y;
  y[at + p.bins] = magnitude * turn.x;
}
