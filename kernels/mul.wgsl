// mul: y[i] = a[i] * b[i mod period]
//
// a, y  [n]             b [period]: a row, broadcast over the rest (REPEAT = 1), or n elements
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread
override REPEAT = 0u;   // meaning: 1: b has fewer elements than a (the remainder is dear, so it is left out otherwise)

struct Params { n: u32, period: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       a: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    var j = i;
    if (REPEAT == 1u) { j = i % p.period; }
    y[i] = a[i] * b[j];
  }
}
