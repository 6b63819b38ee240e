// ddpm_step: one ancestral step from angle a to angle b < a where mask[l] is not 0 (Ho et al. 2020, alpha-bar = cos^2 of the angle)
//   x0 = cos(a) z - sin(a) v      beta = 1 - cos^2 a / cos^2 b = sin(a - b) sin(a + b) / cos^2 b
//   z' = (cos(b) beta x0 + sqrt(1 - beta) sin^2(b) z) / sin^2(a) + sqrt(beta) sin(b) / sin(a) noise
//
// z, v_cond, v_null, noise [n / dim, dim] (with GUIDED = 0 v = v_cond and v_null is not read)    mask [frames], repeated over the items
// grid  [n / (WG * PER)]   PER elements a thread, WG apart; z is a state, updated in place: a frame with mask 0 is not touched

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread
override GUIDED = 1u;   // meaning: 1: both velocities count, 0: v_cond alone

struct Params { n: u32, dim: u32, frames: u32, angle: f32, next: f32, guidance: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       v_cond: array<f32>;
@group(0) @binding(2) var<storage, read>       v_null: array<f32>;
@group(0) @binding(3) var<storage, read>       noise: array<f32>;
@group(0) @binding(4) var<storage, read>       mask: array<f32>;
@group(0) @binding(5) var<storage, read_write> z: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  let a = sincos(p.angle);
  let b = sincos(p.next);
  let beta = sincos(p.angle - p.next).x * sincos(p.angle + p.next).x / (b.y * b.y);   // no difference of nearly equal squares
  for (var i = block + lid; i < end; i += WG) {
    if (mask[i / p.dim % p.frames] == 0.0) { continue; }
    var v = v_cond[i];
    if (GUIDED == 1u) { v = p.guidance * v + (1.0 - p.guidance) * v_null[i]; }
    let x0 = a.y * z[i] - a.x * v;
    let mean = (b.y * beta * x0 + max(a.y, 0.0) / b.y * b.x * b.x * z[i]) / (a.x * a.x);   // sqrt(1 - beta) = cos a / cos b
    z[i] = mean + sqrt(max(beta, 0.0)) * b.x / a.x * noise[i];
  }
}
