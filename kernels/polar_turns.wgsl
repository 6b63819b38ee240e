// polar_turns: re = exp(min(m, limit)) cos(2 pi phase / 2^32), im = exp(min(m, limit)) sin(2 pi phase / 2^32)
// @use sincos
// @use unless_nan
//
// x     [rows, x_row]: first the bins of log magnitude m     phase [rows, bins]      y [rows, 2 * half]: re | im, zeros behind each
// grid  [rows * half / WG]

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, x_row: u32, half: u32, limit: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       phase: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

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
  let turn = sincos(f32(bitcast<i32>(phase[row * p.bins + bin])) * 1.4629180792671596e-9);   // 2 pi / 2^32
  y[at] = magnitude * turn.y;
  y[at + p.half] = magnitude * turn.x;
}
