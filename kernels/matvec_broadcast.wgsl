// matvec_broadcast: y = act(alpha x w + bias) * scale + residual for ROWS rows; GATED: scale = silu(x gate), computed here; NORM: of RMSNorm(x)
//
// For software adapters (see matmul_broadcast): one subgroup of 8 lanes goes through all of k. A lane loads four k of every row and hands
// them round, so that nearly all loads are of w; no workgroup memory, no barrier.
// shapes  see lib/gemm_params.wgsl with one tap and one group, all sizes and steps multiples of 4; gate is packed as w; norm [inner]
// grid    [cols / (32 QUADS), rows / ROWS, batch]; subgroups must be 8 wide
//
// @use gemm_params
// @use gemm_load4
// @use gemm_store4
// @use act
enable subgroups;

alias Word4 = vec4f;    //@f16 vec2u //@half vec4h
const ROWS = 1u;        // rows a subgroup, at most 8
const QUADS = 1u;       // times four columns a lane
override GATED = 0u;  // meaning: 1: multiply by silu(x gate)
override NORM = 0u;   // meaning: 1: x is x * rsqrt(mean(x^2) + eps) * norm, mean over a row

@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<vec4f>;
@group(0) @binding(2) var<storage, read>       w: array<Word4>;
@group(0) @binding(3) var<storage, read>       bias: array<vec4f>;
@group(0) @binding(4) var<storage, read>       scale: array<vec4f>;
@group(0) @binding(5) var<storage, read>       residual: array<vec4f>;
@group(0) @binding(6) var<storage, read>       gate: array<Word4>;
@group(0) @binding(7) var<storage, read>       norm: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> y: array<vec4f>;

fn gate4_at(i: u32) -> vec4f {
  let word = gate[i / 4u];
  return word; //@f16 vec4f(unpack2x16float(word.x), unpack2x16float(word.y)) //@half vec4f(word)
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slice = slice_of(wid.z);
  let n = wid.x * 32u * QUADS + lane * 4u;   // then every 32 columns
  let row = wid.y * ROWS;
  var acc: array<vec4f, ROWS * QUADS>;
  var acc_gate: array<vec4f, ROWS * QUADS>;
  var squares: array<f32, ROWS>;
  for (var k = 0u; k < p.inner; k += 32u) {
    var mine: array<vec4f, ROWS>;
    for (var r = 0u; r < ROWS; r++) { mine[r] = x4_at(slice.x, (row + r) * p.row_step - p.origin, k + lane * 4u); }
    if (NORM == 1u && k + lane * 4u < p.inner) {
      for (var r = 0u; r < ROWS; r++) {
        squares[r] += dot(mine[r], mine[r]);
        mine[r] *= norm[k / 4u + lane];
      }
    }
    for (var s = 0u; s < min(8u, (p.inner - k) / 4u); s++) {
      for (var j = 0u; j < QUADS; j++) {
        let at = slice.w + (k + s * 4u) * p.w_k + n + j * 32u;
        let b = array(w4_at(at), w4_at(at + p.w_k), w4_at(at + 2u * p.w_k), w4_at(at + 3u * p.w_k));
        for (var r = 0u; r < ROWS; r++) {
          let a = subgroupShuffle(mine[r], s);
          acc[r * QUADS + j] += a.x * b[0] + a.y * b[1] + a.z * b[2] + a.w * b[3];
        }
        if (GATED == 1u) {
          let b_gate = array(gate4_at(at), gate4_at(at + p.w_k), gate4_at(at + 2u * p.w_k), gate4_at(at + 3u * p.w_k));
          for (var r = 0u; r < ROWS; r++) {
            let a = subgroupShuffle(mine[r], s);
            acc_gate[r * QUADS + j] += a.x * b_gate[0] + a.y * b_gate[1] + a.z * b_gate[2] + a.w * b_gate[3];
          }
        }
      }
    }
  }
  var factors: array<f32, ROWS>;   // what rows are multiplied by
  for (var r = 0u; r < ROWS; r++) {
    factors[r] = 1.0;
    if (NORM == 1u) { factors[r] = inverseSqrt(subgroupAdd(squares[r]) / f32(p.inner) + p.eps); }
  }
  for (var j = 0u; j < QUADS; j++) {
    let col = n + j * 32u;
    let offset = bias4(slice, col);
    for (var r = 0u; r < ROWS; r++) {
      var sum = acc[r * QUADS + j] * factors[r];
      if (GATED == 1u) { sum *= act4(3u, acc_gate[r * QUADS + j] * factors[r]); }
      store4(slice, row + r, col, sum, offset);
    }
  }
}
