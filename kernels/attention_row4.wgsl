// attention_row4: y = softmax(scale q k^T) v, one workgroup per query row, heads of 4 dh4 columns; for decoding
//
// q, y  [batch, tq, heads * dh]     k, v [batch or 1, capacity, heads * dh], of which the first `keys` rows count
// grid  [tq, heads, batch]
// Query i sees keys 0 … first + i; without a causal mask `first` is past all keys.
// Keys pass in blocks of BLOCK: scores two keys a thread, streaming maximum and sum, then values by four columns and slices of the keys.
//
// @use reduce

override WG = 64u;      // threads per workgroup, a power of two, at least dh4
const BLOCK = 512u;     // keys per block

struct Params { tq: u32, keys: u32, first: u32, kv_batch: u32, row4: u32, dh4: u32, scale: f32, batch: u32 }   // steps in vec4: row4 = heads * dh4
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       q: array<vec4f>;
@group(0) @binding(2) var<storage, read>       k: array<vec4f>;
@group(0) @binding(3) var<storage, read>       v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

var<workgroup> weight: array<f32, BLOCK>;
var<workgroup> sums: array<vec4f, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let q_start = (wid.z * p.tq + wid.x) * p.row4 + wid.y * p.dh4;
  let kv_start = wid.z * p.kv_batch + wid.y * p.dh4;
  let visible = min(p.keys, p.first + wid.x + 1u);
  let quad = lid % p.dh4;
  let slice = lid / p.dh4;
  let slices = WG / p.dh4;
  var top = -3.4e38;
  var total = 0.0;
  var acc = vec4f(0.0);
  for (var block = 0u; block < visible; block += BLOCK) {
    let count = min(BLOCK, visible - block);
    var block_top = -3.4e38;
    for (var j = lid; j < count; j += 2u * WG) {
      let near = kv_start + (block + j) * p.row4;
      let far = kv_start + min(block + j + WG, p.keys - 1u) * p.row4;
      var score = vec2f(0.0);
      for (var d = 0u; d < p.dh4; d++) {
        let a = q[q_start + d];
        score += vec2f(dot(a, k[near + d]), dot(a, k[far + d]));
      }
      score *= p.scale;
      weight[j] = score.x;
      block_top = max(block_top, score.x);
      if (j + WG < count) {
        weight[j + WG] = score.y;
        block_top = max(block_top, score.y);
      }
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
    acc *= shrink;
    if (slice < slices) {
      for (var j = slice; j < count; j += slices) { acc += weight[j] * v[kv_start + (block + j) * p.row4 + quad]; }
    }
    workgroupBarrier();
  }
  sums[lid] = acc;
  workgroupBarrier();
  if (lid >= p.dh4) { return; }
  var out = vec4f(0.0);
  for (var i = 0u; i < slices; i++) { out += sums[i * p.dh4 + lid]; }
  y[q_start + lid] = out / total;
}
