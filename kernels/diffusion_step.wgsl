// diffusion_step: z[l,d] = cos(omega) z[l,d] - sin(omega) v[l,d] where mask[l] is not 0,  v = guidance v_cond + (1 - guidance) v_null
//
// z, v_cond, v_null [n / dim, dim] (with GUIDED = 0 v = v_cond and v_null is not read)    mask [frames], repeated over the items
// grid  [n / (WG * PER)]   PER elements a thread, WG apart; z is a state, updated in place: a frame with mask 0 is not touched

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread
override GUIDED = 1u;   // meaning: 1: both velocities count, 0: v_cond alone

struct Params { n: u32, dim: u32, frames: u32, omega: f32, guidance: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       v_cond: array<f32>;
@group(0) @binding(2) var<storage, read>       v_null: array<f32>;
@group(0) @binding(3) var<storage, read>       mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> z: array<f32>;

// @use sincos

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  let turn = sincos(p.omega);
  for (var i = block + lid; i < end; i += WG) {
    if (mask[i / p.dim % p.frames] == 0.0) { continue; }
    var v = v_cond[i];
    if (GUIDED == 1u) { v = p.guidance * v + (1.0 - p.guidance) * v_null[i]; }
    z[i] = turn.y * z[i] - turn.x * v;
  }
}
