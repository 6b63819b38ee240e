// snake: y[r,c] = x[r,c] + gain[c] * sin(alpha[c] * x[r,c])^2 (Ziyin et al. 2020 with gain 1 / alpha)
//
// x, y  [n / cols, cols]    alpha, gain [cols]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, cols: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       alpha: array<f32>;
@group(0) @binding(3) var<storage, read>       gain: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let v = x[i];
    let c = i % p.cols;
    let s = sincos(alpha[c] * v).x;
    y[i] = v + gain[c] * s * s;
  }
}
