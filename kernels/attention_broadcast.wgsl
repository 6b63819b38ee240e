// attention_broadcast: y = softmax(scale q k^T) v, one subgroup of 8 lanes a tile of 16 query rows
//
// For software adapters (see matmul_broadcast): 32 keys at a time, four a lane, scores in registers; the streaming maximum goes
// across the lanes by shuffles, and the weights reach the values the same way: no shared memory, no barrier.
// q, y  [batch, tq, heads * dh]     k, v [batch or 1, capacity, heads * dh], of which the first `keys` rows count; dh % 4 = 0
// grid  [tiles of 16 rows, heads, batch]
// Query i sees keys 0 … first + i; without a causal mask `first` is past all keys.
enable subgroups;

const CHUNKS = 1u;      // of 32 columns of v: ceil(dh / 32)

struct Params { tq: u32, keys: u32, first: u32, kv_batch: u32, row: u32, dh: u32, scale: f32, batch: u32 }   // row = heads * dh
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       q: array<vec4f>;
@group(0) @binding(2) var<storage, read>       k: array<vec4f>;
@group(0) @binding(3) var<storage, read>       v: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

fn mac(sum: vec4f, a: vec4f, b: array<vec4f, 4>) -> vec4f {
  return fma(vec4f(a.w), b[3], fma(vec4f(a.z), b[2], fma(vec4f(a.y), b[1], fma(vec4f(a.x), b[0], sum))));
}

fn max8(value: f32) -> f32 {
  let a = max(value, subgroupShuffleXor(value, 1u));
  let b = max(a, subgroupShuffleXor(a, 2u));
  return max(b, subgroupShuffleXor(b, 4u));
}

fn sum8(value: f32) -> f32 {
  let a = value + subgroupShuffleXor(value, 1u);
  let b = a + subgroupShuffleXor(a, 2u);
  return b + subgroupShuffleXor(b, 4u);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = wid.x * 16u;
  let head = wid.y * p.dh;
  let kv_start = wid.z * p.kv_batch + head;
  let visible = min(p.keys, p.first + min(row + 16u, p.tq));
  var top: array<f32, 16>;
  var total: array<f32, 16>;         // of this lane's keys
  var acc: array<vec4f, 16u * CHUNKS>;
  for (var r = 0u; r < 16u; r++) { top[r] = -3.4e38; }
  for (var block = 0u; block < visible; block += 32u) {
    let key = block + lane * 4u;
    var s = array<vec4f, 16>();   // written out: Dawn on llvmpipe does not clear a bare `var` again in the next turn of a loop
    for (var d = 0u; d < p.dh; d += 4u) {
      var b: array<vec4f, 4>;
      for (var j = 0u; j < 4u; j++) { b[j] = k[(kv_start + min(key + j, p.keys - 1u) * p.row + d) / 4u]; }
      let t = transpose(mat4x4f(b[0], b[1], b[2], b[3]));
      let columns = array<vec4f, 4>(t[0], t[1], t[2], t[3]);
      for (var h = 0u; h < 16u; h += 8u) {
        let a = q[((wid.z * p.tq + min(row + h + lane, p.tq - 1u)) * p.row + head + d) / 4u];
        s[h + 0u] = mac(s[h + 0u], subgroupBroadcast(a, 0u), columns);
        s[h + 1u] = mac(s[h + 1u], subgroupBroadcast(a, 1u), columns);
        s[h + 2u] = mac(s[h + 2u], subgroupBroadcast(a, 2u), columns);
        s[h + 3u] = mac(s[h + 3u], subgroupBroadcast(a, 3u), columns);
        s[h + 4u] = mac(s[h + 4u], subgroupBroadcast(a, 4u), columns);
        s[h + 5u] = mac(s[h + 5u], subgroupBroadcast(a, 5u), columns);
        s[h + 6u] = mac(s[h + 6u], subgroupBroadcast(a, 6u), columns);
        s[h + 7u] = mac(s[h + 7u], subgroupBroadcast(a, 7u), columns);
      }
    }
    for (var r = 0u; r < 16u; r++) {
      let limit = min(p.keys, p.first + row + r + 1u);
      let scores = select(vec4f(-3.4e38), s[r] * p.scale, vec4u(key, key + 1u, key + 2u, key + 3u) < vec4u(limit));
      let higher = max(top[r], max8(max(max(scores.x, scores.y), max(scores.z, scores.w))));
      let shrink = exp(top[r] - higher);
      let weights = exp(scores - higher);
      top[r] = higher;
      total[r] = total[r] * shrink + weights.x + weights.y + weights.z + weights.w;
      for (var c = 0u; c < CHUNKS; c++) { acc[r * CHUNKS + c] *= shrink; }
      s[r] = weights;
    }
    for (var l = 0u; l < min(8u, (visible - block + 3u) / 4u); l++) {
      for (var c = 0u; c < CHUNKS; c++) {
        let col = min(c * 32u + lane * 4u, p.dh - 4u);
        var b: array<vec4f, 4>;
        for (var j = 0u; j < 4u; j++) { b[j] = v[(kv_start + min(block + l * 4u + j, p.keys - 1u) * p.row + col) / 4u]; }
        for (var r = 0u; r < 16u; r++) { acc[r * CHUNKS + c] = mac(acc[r * CHUNKS + c], subgroupShuffle(s[r], l), b); }
      }
    }
  }
  for (var r = 0u; r < 16u; r++) {
    let sum = sum8(total[r]);
    for (var c = 0u; c < CHUNKS; c++) {
      let col = c * 32u + lane * 4u;
      if (row + r < p.tq && col < p.dh) { y[((wid.z * p.tq + row + r) * p.row + head + col) / 4u] = acc[r * CHUNKS + c] / sum; }
    }
  }
}
