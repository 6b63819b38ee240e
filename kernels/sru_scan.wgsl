// sru_scan: for t in time order of the lane, from c = 0
//   f = sigmoid(u1 + b_f + v_f c)   r = sigmoid(u2 + b_r + v_r c)   c = u0 + (c - u0) f   y = x' + (c - x') r
// x' = u3 (GROUPS = 4) or sqrt(3) x (GROUPS = 3)                                    (Lei et al. 2018, "Simple Recurrent Units")
//
// u     [rows, steps, GROUPS, width], width = directions * hidden; lanes behind `hidden` run backward in time
// x, y  [rows, steps, width] (x is read with GROUPS = 3 only)    v, b [2, width]: the rows f and r
// grid  [rows * width / WG]   one thread per lane, serial over the steps; neighbours read neighbouring lanes

override WG = 64u;      // threads per workgroup
override GROUPS = 4u;   // meaning: blocks of u: 3 with skip x, 4 without

struct Params { rows: u32, steps: u32, width: u32, hidden: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       u: array<f32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;
@group(0) @binding(3) var<storage, read>       v: array<f32>;
@group(0) @binding(4) var<storage, read>       b: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

fn sigmoid(a: f32) -> f32 { return 1.0 / (1.0 + exp(min(-a, 80.0))); }   // exp(89) is infinite in f32

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let lane = (wid.x + wid.y * nwg.x) * WG + lid;
  if (lane >= p.rows * p.width) { return; }
  let row = lane / p.width;
  let j = lane % p.width;
  let forward = j < p.hidden;
  let vf = v[j];
  let vr = v[p.width + j];
  let bf = b[j];
  let br = b[p.width + j];
  var c = 0.0;
  for (var s = 0u; s < p.steps; s++) {
    let at = row * p.steps + select(p.steps - 1u - s, s, forward);
    let group = at * GROUPS * p.width + j;
    let u0 = u[group];
    let f = sigmoid(u[group + p.width] + bf + vf * c);
    let r = sigmoid(u[group + 2u * p.width] + br + vr * c);
    var skip = 0.0;
    if (GROUPS == 4u) { skip = u[group + 3u * p.width]; } else { skip = 1.7320508 * x[at * p.width + j]; }
    c = u0 + (c - u0) * f;
    y[at * p.width + j] = skip + (c - skip) * r;
  }
}
