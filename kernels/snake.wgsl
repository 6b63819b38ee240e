// snake: y[r,c] = x[r,c] + sin(alpha[c] * x[r,c])^2 / alpha[c], and x where alpha is 0 (Ziyin et al. 2020)
//
// x, y  [n / cols, cols]    alpha [cols]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, cols: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       alpha: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let v = x[i];
    let a = alpha[i % p.cols];
    let s = sincos(a * v).x;
    var wave = 0.0;
    if (a != 0.0) { wave = s * s / a; }
    y[i] = v + wave;
  }
}
