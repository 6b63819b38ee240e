// polar: re = exp(min(m, limit)) cos(a), im = exp(min(m, limit)) sin(a)
//
// x     [rows, x_row]: bins of log magnitude m, then bins of phase a      y [rows, 2 * half]: re | im, zeros behind each
// grid  [rows * half / WG]

// @use sincos
// @use unless_nan

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, x_row: u32, half: u32, limit: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.half) { return; }
  let row = i / p.half;
  let bin = i % p.half;
  let at = row * 2u * p.half + bin;
  if (bin >= p.bins) {
    y[at] = 0.0;
    y[at + p.half] = 0.0;
    return;
  }
  let m = x[row * p.x_row + bin];
  let magnitude = unless_nan(m, exp(min(m, p.limit)));
  let turn = sincos(x[row * p.x_row + p.bins + bin]);
  y[at] = magnitude * turn.y;
  y[at + p.half] = magnitude * turn.x;
}
