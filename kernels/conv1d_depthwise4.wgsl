// conv1d_depthwise4: y[t,c] = act(sum_j act_pre(x[t + j - left, c]) w[j,c] + bias[c]) + residual[t,c], stride and dilation 1
//
// x  [batch, len, cols]    w [taps, cols]    y, residual [batch, out, cols]    cols % 4 = 0
// grid  [batch * ceil(out / STEPS) * cols / 4 / WG]    one thread per STEPS outputs of four channels
// A thread walks over its inputs once; the last STEPS taps ride along in a shift register.
//
// @use act

const STEPS = 4u;        // outputs in a row a thread makes
override WG = 64u;       // threads per workgroup
override ACT = 0u;       // meaning: activation of the result, see lib/act
override PRE = 0u;       // meaning: activation of x as it is read
override RESIDUAL = 0u;  // meaning: 1: add residual, shaped as y

struct Params { n: u32, cols4: u32, len: u32, out: u32, taps: u32, left: u32, bias: u32, batch: u32 }   // n threads, cols4 = cols / 4
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<vec4f>;
@group(0) @binding(2) var<storage, read>       w: array<vec4f>;
@group(0) @binding(3) var<storage, read>       bias: array<vec4f>;
@group(0) @binding(4) var<storage, read>       residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let id = (wid.x + wid.y * nwg.x) * WG + lid;
  if (id >= p.n) { return; }
  let c = id % p.cols4;
  let pieces = (p.out + STEPS - 1u) / STEPS;
  let piece = id / p.cols4;
  let batch = piece / pieces;
  let t = piece % pieces * STEPS;
  let x_start = batch * p.len * p.cols4 + c;
  var sum: array<vec4f, STEPS>;
  var tap: array<vec4f, STEPS>;            // tap[i] = w[j - i]
  if (p.bias == 1u) { for (var i = 0u; i < STEPS; i++) { sum[i] = bias[c]; } }
  for (var j = 0u; j < p.taps + STEPS - 1u; j++) {
    for (var i = STEPS - 1u; i > 0u; i--) { tap[i] = tap[i - 1u]; }
    tap[0] = select(vec4f(0.0), w[min(j, p.taps - 1u) * p.cols4 + c], j < p.taps);
    let s = t + j - p.left;                // wraps when in the left padding
    let value = select(vec4f(0.0), act4(PRE, x[x_start + s * p.cols4]), s < p.len);
    for (var i = 0u; i < STEPS; i++) { sum[i] += value * tap[i]; }
  }
  for (var i = 0u; i < STEPS; i++) {
    if (t + i < p.out) {
      let at = (batch * p.out + t + i) * p.cols4 + c;
      var v = act4(ACT, sum[i]);
      if (RESIDUAL == 1u) { v += residual[at]; }
      y[at] = v;
    }
  }
}
