// onset_rise: y[t,b] = min(sum_{j<per} max(x[per t + j, b] - x[per t + j - 1, b], 0), limit),  x[-1] = x[0]
//
// x     [frames * per, bands]: log band powers        y [frames, bands]
// grid  [frames * bands / WG]

override WG = 64u;      // threads per workgroup

struct Params { frames: u32, bands: u32, per: u32, limit: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.frames * p.bands) { return; }
  let first = i / p.bands * p.per;
  let band = i % p.bands;
  var sum = 0.0;
  for (var t = max(first, 1u); t < first + p.per; t++) {
    sum += max(x[t * p.bands + band] - x[(t - 1u) * p.bands + band], 0.0);
  }
  y[i] = min(sum, p.limit);
}
