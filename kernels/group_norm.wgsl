// group_norm: y[b,l,c] = (x[b,l,c] - mean) * rsqrt(var + eps) * w[c] + bias[c],  mean and var over l and the channels of c's group
//
// x, y  [items, length, channels]    w, bias [channels]
// grid  [items * groups]             one workgroup per item and group; the variance is that of x - mean (two passes)

override WG = 64u;      // threads per workgroup, a power of two

struct Params { items: u32, length: u32, channels: u32, groups: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       w: array<f32>;
@group(0) @binding(3) var<storage, read>       bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// @use reduce

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let number = wid.x + wid.y * nwg.x;
  if (number >= p.items * p.groups) { return; }   // uniform: every thread of the workgroup leaves together
  let width = p.channels / p.groups;
  let first = number % p.groups * width;
  let base = number / p.groups * p.length * p.channels + first;
  let count = p.length * width;
  var sum = 0.0;
  for (var i = lid; i < count; i += WG) { sum += x[base + i / width * p.channels + i % width]; }
  let mean = workgroup_sum(sum, lid) / f32(count);
  var square = 0.0;
  for (var i = lid; i < count; i += WG) {
    let d = x[base + i / width * p.channels + i % width] - mean;
    square += d * d;
  }
  let scale = inverseSqrt(workgroup_sum(square, lid) / f32(count) + p.eps);
  for (var i = lid; i < count; i += WG) {
    let at = base + i / width * p.channels + i % width;
    let c = first + i % width;
    y[at] = (x[at] - mean) * scale * w[c] + bias[c];
  }
}
