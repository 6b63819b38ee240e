// softmax: y[r,c] = exp(x[r,c] - max_c x) / sum_c exp(x[r,c] - max_c x)
//
// x, y  [rows, cols]
// grid  [rows]            one workgroup per row; threads stride over cols
//
// One pass finds maximum and sum: the sum so far is rescaled when the maximum grows (Milakov & Gimelshein 2018).

override WG = 64u;      // threads per workgroup, a power of two

struct Params { cols: u32, rows: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// @use reduce

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = wid.x + wid.y * nwg.x;
  if (row >= p.rows) { return; }   // uniform: every thread of the workgroup leaves together
  let base = row * p.cols;
  var largest = -3.4e38;
  var sum = 0.0;
  for (var c = lid; c < p.cols; c += WG) {
    let v = x[base + c];
    let top = max(largest, v);
    sum = sum * exp(largest - top) + exp(v - top);
    largest = top;
  }
  let top = workgroup_max(largest, lid);
  let scale = 1.0 / workgroup_sum(sum * exp(largest - top), lid);
  for (var c = lid; c < p.cols; c += WG) { y[base + c] = exp(x[base + c] - top) * scale; }
}
