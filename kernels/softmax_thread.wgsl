// softmax_thread: y[r,c] = exp(x[r,c] - max_c x) / sum_c exp(x[r,c] - max_c x)
//
// x, y  [rows, cols]
// grid  [rows / WG]       one thread per row: no reduction and no barrier, for software adapters
//
// One pass finds maximum and sum, eight columns at a time: the sum so far is rescaled when the maximum grows (Milakov & Gimelshein 2018).

override WG = 8u;       // threads per workgroup

struct Params { cols: u32, rows: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = (wid.x + wid.y * nwg.x) * WG + lid;
  if (row >= p.rows) { return; }
  let end = (row + 1u) * p.cols;
  let whole = end - p.cols % 8u;
  var largest = -3.4e38;
  var sum = 0.0;
  var i = row * p.cols;
  for (; i < whole; i += 8u) {
    let u = vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
    let v = vec4f(x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u]);
    let m = max(u, v);
    let top = max(largest, max(max(m.x, m.y), max(m.z, m.w)));
    sum = sum * exp(largest - top) + dot(exp(u - top) + exp(v - top), vec4f(1.0));
    largest = top;
  }
  for (; i < end; i++) {
    let top = max(largest, x[i]);
    sum = sum * exp(largest - top) + exp(x[i] - top);
    largest = top;
  }
  let scale = 1.0 / sum;
  i = row * p.cols;
  for (; i < whole; i += 4u) {
    let v = exp(vec4f(x[i], x[i + 1u], x[i + 2u], x[i + 3u]) - largest) * scale;
    y[i] = v.x;
    y[i + 1u] = v.y;
    y[i + 2u] = v.z;
    y[i + 3u] = v.w;
  }
  for (; i < end; i++) { y[i] = exp(x[i] - largest) * scale; }
}
