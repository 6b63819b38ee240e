// attention_row: y = softmax(scale q k^T) v, one workgroup per query row, heads of any width; attention_row4 is faster where it can
//
// q, y  [batch, tq, heads * dh]     k, v [batch or 1, capacity, heads * dh], of which the first `keys` rows count
// grid  [tq, heads, batch]
// Query i sees keys 0 … first + i; without a causal mask `first` is past all keys.
// Keys pass in blocks of BLOCK: scores by key, streaming maximum and sum, then values by column.
//
// @use reduce

override WG = 64u;      // threads per workgroup, a power of two
const DV = 1u;          // columns of v a thread owns: ceil(dh / WG)
const BLOCK = 512u;     // keys per block

struct Params { tq: u32, keys: u32, first: u32, kv_batch: u32, row: u32, dh: u32, scale: f32, batch: u32 }   // row = heads * dh
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       q: array<f32>;
@group(0) @binding(2) var<storage, read>       k: array<f32>;
@group(0) @binding(3) var<storage, read>       v: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> weight: array<f32, BLOCK>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let q_start = (wid.z * p.tq + wid.x) * p.row + wid.y * p.dh;
  let kv_start = wid.z * p.kv_batch + wid.y * p.dh;
  let visible = min(p.keys, p.first + wid.x + 1u);
  var top = -3.4e38;
  var total = 0.0;
  var acc: array<f32, DV>;
  for (var block = 0u; block < visible; block += BLOCK) {
    let count = min(BLOCK, visible - block);
    var block_top = -3.4e38;
    for (var j = lid; j < count; j += WG) {
      let key = kv_start + (block + j) * p.row;
      var score = 0.0;
      for (var d = 0u; d < p.dh; d++) { score += q[q_start + d] * k[key + d]; }
      score *= p.scale;
      weight[j] = score;
      block_top = max(block_top, score);
    }
    let new_top = max(top, workgroup_max(block_top, lid));
    let shrink = exp(top - new_top);
    top = new_top;
    var sum = 0.0;
    for (var j = lid; j < count; j += WG) {
      let e = exp(weight[j] - top);
      weight[j] = e;
      sum += e;
    }
    total = total * shrink + workgroup_sum(sum, lid);   // its barriers also publish the weights
    for (var i = 0u; i < DV; i++) { acc[i] *= shrink; }
    for (var j = 0u; j < count; j++) {
      let value = kv_start + (block + j) * p.row;
      for (var i = 0u; i < DV; i++) { acc[i] += weight[j] * v[value + min(lid + i * WG, p.dh - 1u)]; }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < DV; i++) {
    let d = lid + i * WG;
    if (d < p.dh) { y[q_start + d] = acc[i] / total; }
  }
}
