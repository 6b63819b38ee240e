// kv_append: cache[b, at + t, c] = x[b, t, c]
//
// cache  [batch, capacity, cols]    x [batch, len, cols]     rows at or past capacity are dropped
// grid   [batch * len * cols / WG]  one thread per element

override WG = 64u;      // threads per workgroup

struct Params { n: u32, row: u32, capacity: u32, at: u32, cols: u32 }   // row = len * cols, capacity in rows
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> cache: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.n) { return; }
  let to = i % p.row + p.at * p.cols;    // within the batch item
  if (to < p.capacity * p.cols) { cache[(i / p.row) * p.capacity * p.cols + to] = x[i]; }
}
