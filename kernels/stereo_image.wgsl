// stereo_image: what places a sound in every band, of the spectra M of the mid and S of the side:
//               pan = sum Re(M conj S) / e, within -1 ... 1;  log(width + floor), width^2 = sum |S|^2 / e - (pan before its limits)^2,
//               within 0 ... 1;  e = sum |M|^2 + eps
//
// mid, side [rows, 2 * half]: re | im      lowest [bands + 1]: the first bin of each band, and the end      y [rows, 2 * bands]: pan | log width
// grid  [rows * bands / WG]

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, half: u32, bands: u32, eps: f32, floor: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       mid: array<f32>;
@group(0) @binding(2) var<storage, read>       side: array<f32>;
@group(0) @binding(3) var<storage, read>       lowest: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.bands) { return; }
  let row = i / p.bands;
  let band = i % p.bands;
  var energy = p.eps;
  var cross = 0.0;
  var rest = 0.0;
  for (var bin = lowest[band]; bin < lowest[band + 1u]; bin++) {
    let at = row * 2u * p.half + bin;
    let m = vec2f(mid[at], mid[at + p.half]);
    let s = vec2f(side[at], side[at + p.half]);
    energy += dot(m, m);
    cross += dot(m, s);
    rest += dot(s, s);
  }
  cross /= energy;
  let width = sqrt(clamp(rest / energy - cross * cross, 0.0, 1.0));
  let out = row * 2u * p.bands + band;
  y[out] = clamp(cross, -1.0, 1.0);
  y[out + p.bands] = log(width + p.floor);
}
