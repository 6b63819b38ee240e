// conv1d_depthwise: y[t,c] = act(sum_j act_pre(x[t * stride + j * dilation - left, c]) w[j,c] + bias[c]) + residual[t,c]
//
// x  [batch, len, cols]    w [taps, cols]    y, residual [batch, out, cols]
// grid  [batch * out * cols / WG]            one thread per element
//
// @use act

override WG = 64u;       // threads per workgroup
override ACT = 0u;       // meaning: activation of the result, see lib/act
override PRE = 0u;       // meaning: activation of x as it is read
override RESIDUAL = 0u;  // meaning: 1: add residual, shaped as y

struct Params { n: u32, cols: u32, len: u32, out: u32, taps: u32, stride: u32, dilation: u32, left: u32, bias: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       w: array<f32>;
@group(0) @binding(3) var<storage, read>       bias: array<f32>;
@group(0) @binding(4) var<storage, read>       residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.n) { return; }
  let c = i % p.cols;
  let row = i / p.cols;
  let t = row % p.out;
  let x_start = (row / p.out) * p.len * p.cols + c;
  var sum = 0.0;
  if (p.bias == 1u) { sum = bias[c]; }
  for (var j = 0u; j < p.taps; j++) {
    let s = t * p.stride + j * p.dilation - p.left;     // wraps when in the left padding
    if (s < p.len) { sum += act1(PRE, x[x_start + s * p.cols]) * w[j * p.cols + c]; }
  }
  var out = act1(ACT, sum);
  if (RESIDUAL == 1u) { out += residual[i]; }
  y[i] = out;
}
