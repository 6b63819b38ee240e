// stereo_spectra: left = m + s, right = m - s of every bin k of the mid m, with the side s = (pan[b] + width[b] turn[k]) m, b = band[k],
//                 pan kept within -1 ... 1, width = exp(min(log width, 0))
//
// x     [rows, x_row]: from column `first` on pan [bands], log width [bands]      mid, left, right [rows, 2 * half]: re | im
// band  [bins]      turn [bins, 2]: cos, sin
// grid  [rows * half / WG]

// @use unless_nan

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, half: u32, x_row: u32, first: u32, bands: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       mid: array<f32>;
@group(0) @binding(3) var<storage, read>       band: array<u32>;
@group(0) @binding(4) var<storage, read>       turn: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> left: array<f32>;
@group(0) @binding(6) var<storage, read_write> right: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.half) { return; }
  let row = i / p.half;
  let bin = i % p.half;
  let at = row * 2u * p.half + bin;
  if (bin >= p.bins) {
    left[at] = 0.0;
    left[at + p.half] = 0.0;
    right[at] = 0.0;
    right[at + p.half] = 0.0;
    return;
  }
  let image = row * p.x_row + p.first + band[bin];
  let pan = x[image];
  let width = x[image + p.bands];
  let share = vec2f(unless_nan(pan, clamp(pan, -1.0, 1.0)), 0.0) + unless_nan(width, exp(min(width, 0.0))) * turn[bin];
  let m = vec2f(mid[at], mid[at + p.half]);
  let side = vec2f(m.x * share.x - m.y * share.y, m.x * share.y + m.y * share.x);
  left[at] = m.x + side.x;
  left[at + p.half] = m.y + side.y;
  right[at] = m.x - side.x;
  right[at + p.half] = m.y - side.y;
}
