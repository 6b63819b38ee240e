// matvec: y = act(alpha x w + bias) * scale + residual for ROWS rows; GATED: scale = silu(x gate), computed here; NORM: of RMSNorm(x)
//
// For few rows (decoding): 8 lanes of 4 QUADS columns by WG / 8 slices of k, added up through workgroup memory.
// shapes  see lib/gemm_params.wgsl with one tap and one group, all sizes and steps multiples of 4; gate is packed as w; norm [inner]
// grid    [cols / (32 QUADS), rows / ROWS, batch]
//
// @use gemm_params
// @use gemm_load4
// @use gemm_store4
// @use act

alias Word4 = vec4f;    //@f16 vec2u //@half vec4h
const ROWS = 1u;        // rows a workgroup, at most 8
const QUADS = 1u;       // times four columns a thread
override WG = 64u;                  // threads per workgroup, a multiple of 8 and at least 8 ROWS QUADS
override GATED = 0u;                // meaning: 1: multiply by silu(x gate)
override NORM = 0u;                 // meaning: 1: x is x * rsqrt(mean(x^2) + eps) * norm, mean over a row
override SUMS = WG * ROWS * QUADS;  // a name: naga (Firefox, Deno) fails on an override expression as an array's size

@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<vec4f>;
@group(0) @binding(2) var<storage, read>       w: array<Word4>;
@group(0) @binding(3) var<storage, read>       bias: array<vec4f>;
@group(0) @binding(4) var<storage, read>       scale: array<vec4f>;
@group(0) @binding(5) var<storage, read>       residual: array<vec4f>;
@group(0) @binding(6) var<storage, read>       gate: array<Word4>;
@group(0) @binding(7) var<storage, read>       norm: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> y: array<vec4f>;

var<workgroup> sums: array<vec4f, SUMS>;
var<workgroup> gates: array<vec4f, SUMS>;

fn gate4_at(i: u32) -> vec4f {
  let word = gate[i / 4u];
  return word; //@f16 vec4f(unpack2x16float(word.x), unpack2x16float(word.y)) //@half vec4f(word)
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let slice = slice_of(wid.z);
  let n = wid.x * 32u * QUADS + (lid % 8u) * 4u;   // then every 32 columns
  let row = wid.y * ROWS;
  var acc: array<vec4f, ROWS * QUADS>;
  var acc_gate: array<vec4f, ROWS * QUADS>;
  var squares: array<f32, ROWS>;
  for (var k = lid / 8u * 4u; k < p.inner; k += WG / 2u) {
    var a: array<vec4f, ROWS>;
    for (var r = 0u; r < ROWS; r++) { a[r] = x4_at(slice.x, (row + r) * p.row_step - p.origin, k); }
    if (NORM == 1u) {
      for (var r = 0u; r < ROWS; r++) {
        squares[r] += dot(a[r], a[r]);
        a[r] *= norm[k / 4u];
      }
    }
    for (var j = 0u; j < QUADS; j++) {
      let at = slice.w + k * p.w_k + n + j * 32u;
      let b = array(w4_at(at), w4_at(at + p.w_k), w4_at(at + 2u * p.w_k), w4_at(at + 3u * p.w_k));
      for (var r = 0u; r < ROWS; r++) { acc[r * QUADS + j] += a[r].x * b[0] + a[r].y * b[1] + a[r].z * b[2] + a[r].w * b[3]; }
      if (GATED == 1u) {
        let b_gate = array(gate4_at(at), gate4_at(at + p.w_k), gate4_at(at + 2u * p.w_k), gate4_at(at + 3u * p.w_k));
        for (var r = 0u; r < ROWS; r++) { acc_gate[r * QUADS + j] += a[r].x * b_gate[0] + a[r].y * b_gate[1] + a[r].z * b_gate[2] + a[r].w * b_gate[3]; }
      }
    }
  }
  let part = lid / 8u;               // one thread a row and quad adds up the slices
  var factor = 1.0;                  // what the row of a part is multiplied by
  if (NORM == 1u) {
    for (var r = 0u; r < ROWS; r++) { sums[r * WG + lid].x = squares[r]; }
    workgroupBarrier();
    var square = 0.0;
    for (var i = lid % 8u; i < WG; i += 8u) { square += sums[min(part / QUADS, ROWS - 1u) * WG + i].x; }
    factor = inverseSqrt(square / f32(p.inner) + p.eps);
    workgroupBarrier();              // sums are written again
  }
  for (var i = 0u; i < ROWS * QUADS; i++) {
    sums[i * WG + lid] = acc[i];
    if (GATED == 1u) { gates[i * WG + lid] = acc_gate[i]; }
  }
  workgroupBarrier();
  if (part >= ROWS * QUADS) { return; }
  var sum = vec4f(0.0);
  var sum_gate = vec4f(0.0);
  for (var i = lid % 8u; i < WG; i += 8u) {
    sum += sums[part * WG + i];
    if (GATED == 1u) { sum_gate += gates[part * WG + i]; }
  }
  sum *= factor;
  if (GATED == 1u) { sum *= act4(3u, sum_gate * factor); }
  let col = n + part % QUADS * 32u;
  store4(slice, row + part / QUADS, col, sum, bias4(slice, col));
}
