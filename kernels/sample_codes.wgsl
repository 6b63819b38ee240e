// sample_codes: id[r] ~ softmax(guided logits of row r / temperature), the top k and the top-p nucleus of it; pad where row r has no frame
// @use draw
// @use philox
//
// logits [1 or 2, rows, vocab], vocab ≤ N: those of a condition, and behind them at null_at those of none (0: there are none)
//        guided = none + guidance · (condition − none)
// exp2_table [257]: round(2^20 · 2^(-i/256))     id [rows] at `at`
// grid   [rows]         a workgroup each, which sorts and scans `size` keys: a power of two ≥ vocab and WG
//
// The delay pattern (Copet et al. 2023): in column c row r speaks of frame c − (r >> shift), if that is one of `frames`. The first `known` of them
// are there and stay.
// Row r draws by the counter position + r; see sample_token for the arithmetic.

const N = 2048u;         // most words
override WG = 256u;      // threads

struct Params { vocab: u32, size: u32, top_k: u32, top_p: u32, rate: u32, position: u32, stream: u32, seed_low: u32, seed_high: u32, at: u32, rows: u32, null_at: u32, guidance: f32, column: u32, frames: u32, known: u32, shift: u32, pad: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       logits: array<f32>;
@group(0) @binding(2) var<storage, read>       exp2_table: array<u32>;
@group(0) @binding(3) var<storage, read_write> id: array<u32>;

var<private> row: u32;

fn steps(i: u32) -> i32 {                   // guided logit in units of 2^-12, of 2^-20 for the likeliest alone, saturated; NaN becomes the lowest
  let at = row * p.vocab + i;
  var logit = logits[at];
  if (p.null_at > 0u) {
    let none = logits[p.null_at + at];
    logit = none + p.guidance * (logit - none);
  }
  let bits = bitcast<u32>(logit);
  if ((bits & 0x7f800000u) == 0x7f800000u) { return select(-0x3fffffff, 0x3fffffff, bits == 0x7f800000u); }
  return i32(clamp(round(logit * select(4096.0, 1048576.0, p.top_k == 1u)), -1.0e9, 1.0e9));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  row = wid.x;
  let frame = p.column - (wid.x >> p.shift);   // before its first frame the difference wraps around
  if (frame >= p.frames && lid == 0u) { id[p.at + wid.x] = p.pad; }
  if (frame >= p.frames || frame < p.known) { return; }
  let token = draw(lid, p.position + wid.x);
  if (lid == 0u) { id[p.at + wid.x] = token; }
}
