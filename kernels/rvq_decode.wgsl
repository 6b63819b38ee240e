// rvq_decode: y[b,d] = sum_q books[q, code[b,q], d] over the levels given
//
// code  [n / dim, levels]    books [>= levels, entries, dim]    y [n / dim, dim]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

alias word = f32;       //@f16 u32
override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, dim: u32, levels: u32, entries: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       code: array<u32>;
@group(0) @binding(2) var<storage, read>       books: array<word>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn entry(i: u32) -> f32 {
  return books[i]; //@f16 unpack2x16float(books[i / 2u])[i % 2u]
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let item = i / p.dim;
    var sum = 0.0;
    for (var q = 0u; q < p.levels; q++) {
      let v = min(code[item * p.levels + q], p.entries - 1u);
      sum += entry((q * p.entries + v) * p.dim + i % p.dim);
    }
    y[i] = sum;
  }
}
