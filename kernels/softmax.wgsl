// softmax: y[r,c] = exp(x[r,c] - max_c x) / sum_c exp(x[r,c] - max_c x)
//
// x, y  [rows, cols]
// grid  [rows]            one workgroup per row; threads stride over cols

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
  for (var c = lid; c < p.cols; c += WG) { largest = max(largest, x[base + c]); }
  largest = workgroup_max(largest, lid);
  var sum = 0.0;
  for (var c = lid; c < p.cols; c += WG) {
    let e = exp(x[base + c] - largest);
    y[base + c] = e;               // each thread reads back only what it wrote itself
    sum += e;
  }
  let scale = 1.0 / workgroup_sum(sum, lid);
  for (var c = lid; c < p.cols; c += WG) { y[base + c] *= scale; }
}
