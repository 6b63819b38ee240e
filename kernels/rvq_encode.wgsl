// rvq_encode: code[b,q] = argmin_v |rest - books[q,v]|^2, then rest -= books[q, code[b,q]], for q = 0, 1, ... from rest = x[b]
//
// Of equal distances the lowest v wins.
//
// x     [items, DIM]    books [levels, entries, DIM]    code [items, levels]
// grid  [items]         one workgroup per item; threads stride over the entries

alias word = f32;       //@f16 u32
override WG = 64u;      // threads per workgroup, a power of two
override DIM = 64u;     // room for one vector

struct Params { items: u32, levels: u32, entries: u32, dim: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       books: array<word>;
@group(0) @binding(3) var<storage, read_write> code: array<u32>;

var<workgroup> rest: array<f32, DIM>;
var<workgroup> distance: array<f32, WG>;
var<workgroup> nearest: array<u32, WG>;

fn entry(i: u32) -> f32 {
  return books[i]; //@f16 unpack2x16float(books[i / 2u])[i % 2u]
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let item = wid.x + wid.y * nwg.x;
  if (item >= p.items) { return; }   // uniform: every thread of the workgroup leaves together
  let width = p.dim;                 // DIM again, as a loop bound that the compiler cannot unroll
  for (var d = lid; d < width; d += WG) { rest[d] = x[item * width + d]; }
  workgroupBarrier();
  for (var q = 0u; q < p.levels; q++) {
    let book = q * p.entries * width;
    var best = 3.4e38;
    var index = 0xffffffffu;
    for (var v = lid; v < p.entries; v += WG) {
      var sum = 0.0;
      for (var d = 0u; d < width; d++) {
        let difference = rest[d] - entry(book + v * width + d);
        sum += difference * difference;
      }
      if (sum < best) {
        best = sum;
        index = v;
      }
    }
    distance[lid] = best;
    nearest[lid] = index;
    workgroupBarrier();
    for (var half = WG / 2u; half > 0u; half /= 2u) {
      if (lid < half) {
        let other = distance[lid + half];
        let closer = other < distance[lid] || (other == distance[lid] && nearest[lid + half] < nearest[lid]);
        if (closer) {
          distance[lid] = other;
          nearest[lid] = nearest[lid + half];
        }
      }
      workgroupBarrier();
    }
    let chosen = min(nearest[0], p.entries - 1u);   // out of range only when every distance is NaN
    if (lid == 0u) { code[item * p.levels + q] = chosen; }
    for (var d = lid; d < width; d += WG) { rest[d] -= entry(book + chosen * width + d); }
    workgroupBarrier();
  }
}
