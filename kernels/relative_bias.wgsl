// relative_bias: y[h, i, j] = table[bucket[j - i + len - 1], h]                                    (Raffel et al. 2020: T5's position bias)
//
// table [last + 1, heads]   bucket [2 len - 1] u32     y [heads, len, len]
// grid  [n / (WG * PER)]    PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, len: u32, heads: u32, last: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       table: array<f32>;
@group(0) @binding(2) var<storage, read>       bucket: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var n = block + lid; n < end; n += WG) {
    let j = n % p.len;
    let i = n / p.len % p.len;
    let h = n / p.len / p.len;
    y[n] = table[min(bucket[j + p.len - 1u - i], p.last) * p.heads + h];
  }
}
