// sampler_step: clean = skip x + out v;  x = a x + b clean + c before + d noise;  before = clean,  with v = v_null + guidance (v_cond - v_null)
//
// v       [2, n]: v_cond, v_null, or [n] with GUIDED = 0    noise [n]
// x       [n], a state, updated in place
// before  [n], a state: what the step before found clean, then what this one did; not read where c is 0
// grid    [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread
override GUIDED = 1u;   // meaning: 1: v has two rows, 0: one

struct Params { n: u32, guidance: f32, skip: f32, out: f32, a: f32, b: f32, c: f32, d: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       v: array<f32>;
@group(0) @binding(2) var<storage, read>       noise: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> before: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    var velocity = v[i];
    if (GUIDED == 1u) {
      let free = v[p.n + i];
      velocity = free + p.guidance * (velocity - free);
    }
    let clean = p.skip * x[i] + p.out * velocity;
    var next = p.a * x[i] + p.b * clean + p.d * noise[i];
    if (p.c != 0.0) { next += p.c * before[i]; }
    x[i] = next;
    before[i] = clean;
  }
}
