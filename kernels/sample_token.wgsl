// sample_token: id ~ softmax(logits / temperature) restricted to the top k and the top-p nucleus
// @use draw
// @use philox
//
// logits [vocab], vocab ≤ N, or [2, vocab] when GUIDED: guidance * the first row + rest * the second
// exp2_table [257]: round(2^20 · 2^(-i/256))        id [1]
// grid   [1]                       one workgroup sorts and scans `size` keys: a power of two ≥ vocab and WG
//
// Logits are rounded to steps of 2^-12 nat; from there on all is integer arithmetic, so equal logits give equal tokens on every
// device, and src/ops/sample.ts repeats the steps in TypeScript.

const N = 2048u;         // most words
override WG = 256u;      // threads
override GUIDED = 0u;    // meaning: 1: logits are mixed of two rows

struct Params { vocab: u32, size: u32, top_k: u32, top_p: u32, rate: u32, position: u32, stream: u32, seed_low: u32, seed_high: u32, at: u32, guidance: f32, rest: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       logits: array<f32>;
@group(0) @binding(2) var<storage, read>       exp2_table: array<u32>;
@group(0) @binding(3) var<storage, read_write> id: array<u32>;

fn steps(i: u32) -> i32 {                   // logit in units of 2^-12, saturated; NaN becomes the lowest
  var logit = logits[i];
  if (GUIDED == 1u) { logit = logit * p.guidance + logits[p.vocab + i] * p.rest; }
  let bits = bitcast<u32>(logit);
  if ((bits & 0x7f800000u) == 0x7f800000u) { return select(-0x3fffffff, 0x3fffffff, bits == 0x7f800000u); }
  return i32(clamp(round(logit * 4096.0), -1.0e9, 1.0e9));
}

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lid: u32) {
  let token = draw(lid, p.position);
  if (lid == 0u) { id[p.at] = token; }
}
