// attention_tile: y = softmax(scale q k^T) v, one workgroup of 8 x 8 threads a tile of 32 query rows
//
// For GPUs: 32 keys at a time, 32 columns at a time through workgroup memory; a thread has 4 rows x 4 keys of the scores, then
// 4 rows x 4 columns of every chunk of the result. Streaming maximum and sum (Dao et al. 2022).
// q, y  [batch, tq, heads * dh]     k, v [batch or 1, capacity, heads * dh], of which the first `keys` rows count
// grid  [tiles of 32 rows, heads, batch]
// Query i sees keys 0 … first + i; without a causal mask `first` is past all keys.

const CHUNKS = 1u;      // of 32 columns: ceil(dh / 32)

struct Params { tq: u32, keys: u32, first: u32, kv_batch: u32, row: u32, dh: u32, scale: f32, batch: u32 }   // row = heads * dh
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       q: array<f32>;
@group(0) @binding(2) var<storage, read>       k: array<f32>;
@group(0) @binding(3) var<storage, read>       v: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

var<workgroup> qs: array<vec4f, 256>;      // [column][row / 4]
var<workgroup> kvs: array<vec4f, 256>;     // keys: [column][key / 4]; values: [key][column / 4]
var<workgroup> weights: array<vec4f, 256>; // [key][row / 4]
var<workgroup> partial: array<vec4f, 64>;  // [row / 4][tx]: four rows of one thread

fn q_at(start: u32, row: u32, d: u32) -> f32 { return q[start + min(row, p.tq - 1u) * p.row + min(d, p.dh - 1u)]; }
fn k_at(start: u32, key: u32, d: u32) -> f32 { return k[start + min(key, p.keys - 1u) * p.row + min(d, p.dh - 1u)]; }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let tx = lid % 8u;
  let ty = lid / 8u;
  let row = wid.x * 32u;
  let q_start = wid.z * p.tq * p.row + wid.y * p.dh;
  let kv_start = wid.z * p.kv_batch + wid.y * p.dh;
  let visible = min(p.keys, p.first + min(row + 32u, p.tq));
  let rows = 32u * ((min(32u, p.tq - row) + 3u) / 4u);   // loops end where the data does: less to load, and less for llvmpipe to unroll
  var top = vec4f(-3.4e38);     // of this thread's four rows
  var total = vec4f(0.0);       // of its keys
  var acc: array<vec4f, 4u * CHUNKS>;
  for (var block = 0u; block < visible; block += 32u) {
    let count = (min(32u, visible - block) + 3u) / 4u * 4u;
    var s = array<vec4f, 4>();  // [row] of four keys
    for (var chunk = 0u; chunk < p.dh; chunk += 32u) {
      for (var i = lid; i < rows; i += 64u) {
        let d = chunk + i % 32u;
        let r = row + i / 32u * 4u;
        qs[i % 32u * 8u + i / 32u] = vec4f(q_at(q_start, r, d), q_at(q_start, r + 1u, d), q_at(q_start, r + 2u, d), q_at(q_start, r + 3u, d));
      }
      for (var i = lid; i < 8u * count; i += 64u) {
        let d = chunk + i % 32u;
        let key = block + i / 32u * 4u;
        kvs[i % 32u * 8u + i / 32u] = vec4f(k_at(kv_start, key, d), k_at(kv_start, key + 1u, d), k_at(kv_start, key + 2u, d), k_at(kv_start, key + 3u, d));
      }
      workgroupBarrier();
      for (var d = 0u; d < min(32u, p.dh - chunk); d++) {
        let a = qs[d * 8u + ty];
        let b = kvs[d * 8u + tx];
        for (var r = 0u; r < 4u; r++) { s[r] += a[r] * b; }
      }
      workgroupBarrier();
    }
    let key = vec4u(block + tx * 4u) + vec4u(0u, 1u, 2u, 3u);
    var own: vec4f;
    for (var r = 0u; r < 4u; r++) {
      let limit = min(p.keys, p.first + row + ty * 4u + r + 1u);
      s[r] = select(vec4f(-3.4e38), s[r] * p.scale, key < vec4u(limit));
      own[r] = max(max(s[r].x, s[r].y), max(s[r].z, s[r].w));
    }
    partial[lid] = own;
    workgroupBarrier();
    var higher = top;
    for (var i = 0u; i < 8u; i++) { higher = max(higher, partial[ty * 8u + i]); }
    let shrink = exp(top - higher);
    top = higher;
    for (var r = 0u; r < 4u; r++) {
      s[r] = exp(s[r] - top[r]);
      total[r] = total[r] * shrink[r] + s[r].x + s[r].y + s[r].z + s[r].w;
      for (var c = 0u; c < CHUNKS; c++) { acc[r * CHUNKS + c] *= shrink[r]; }
    }
    for (var j = 0u; j < 4u; j++) { weights[(tx * 4u + j) * 8u + ty] = vec4f(s[0][j], s[1][j], s[2][j], s[3][j]); }
    for (var c = 0u; c < CHUNKS; c++) {
      for (var i = lid; i < 8u * count; i += 64u) {
        let at = kv_start + min(block + i / 8u, p.keys - 1u) * p.row + c * 32u + i % 8u * 4u;
        kvs[i] = vec4f(v[at], v[at + 1u], v[at + 2u], v[at + 3u]);
      }
      workgroupBarrier();
      for (var j = 0u; j < count; j++) {
        let a = weights[j * 8u + ty];
        let b = kvs[j * 8u + tx];
        for (var r = 0u; r < 4u; r++) { acc[r * CHUNKS + c] += a[r] * b; }
      }
      workgroupBarrier();
    }
  }
  partial[lid] = total;
  workgroupBarrier();
  var sum = vec4f(0.0);
  for (var i = 0u; i < 8u; i++) { sum += partial[ty * 8u + i]; }
  for (var r = 0u; r < 4u; r++) {
    let at = row + ty * 4u + r;
    for (var c = 0u; c < CHUNKS; c++) {
      for (var j = 0u; j < 4u; j++) {
        let d = c * 32u + tx * 4u + j;
        if (at < p.tq && d < p.dh) { y[q_start + at * p.row + d] = acc[r * CHUNKS + c][j] / sum[r]; }
      }
    }
  }
}
