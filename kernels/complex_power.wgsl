// complex_power: y[t,f] = re[t,f]^2 + im[t,f]^2, then by MODE: 0 as it is, 1 sqrt(· + eps), 2 log(sqrt(· + eps) + floor)
//
// x     [rows, 2 * half]: re | im, of which the first `bins` of each half count        y [rows, bins]
// grid  [rows * bins / WG]

override WG = 64u;      // threads per workgroup
override MODE = 0u;     // meaning: 0 power, 1 magnitude, 2 log magnitude

struct Params { rows: u32, bins: u32, half: u32, eps: f32, floor: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.bins) { return; }
  let at = i / p.bins * 2u * p.half + i % p.bins;
  let re = x[at];
  let im = x[at + p.half];
  var v = re * re + im * im;
  if (MODE > 0u) { v = sqrt(v + p.eps); }
  if (MODE == 2u) { v = log(v + p.floor); }
  y[i] = v;
}
