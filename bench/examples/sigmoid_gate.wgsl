// sigmoid_gate: y[i] = x[i] / (1 + exp(-gate[i])) * p.gain
//
// x, gate, y  [n]
// grid        [n / WG]      one thread per element

override WG = 64u;            // threads per workgroup

struct Params { n: u32, gain: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       gate: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = wid.x * WG + lid;
  if (i >= p.n) { return; }   // the last group may reach past the end
  y[i] = x[i] / (1.0 + exp(-gate[i])) * p.gain;
}
