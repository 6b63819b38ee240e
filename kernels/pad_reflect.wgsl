// pad_reflect: y[b, t, c] = x[b, |t - left| mirrored at whole - 1, c], zeros behind the last row of x
//
// x     [batch, len, cols], taken as `whole` rows, those behind len zero       y [batch, out, cols]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, cols: u32, len: u32, whole: u32, out: u32, left: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let row = i / p.cols;
    var t = row % p.out;
    t = select(p.left - t, t - p.left, t >= p.left);
    if (t >= p.whole) { t = 2u * (p.whole - 1u) - t; }
    var value = 0.0;
    if (t < p.len) { value = x[((row / p.out) * p.len + t) * p.cols + i % p.cols]; }
    y[i] = value;
  }
}
