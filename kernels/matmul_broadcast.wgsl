// matmul_broadcast: y = act(alpha x w + bias) * scale + residual, one subgroup of 8 lanes a tile of 16 rows x 32 columns
//
// For software adapters, where one load costs a dozen multiply-adds and workgroup memory is no cheaper: a lane loads four k of
// its row of x and four columns of w; the subgroup hands the rows round. Four k at a time, eight rows at a time: what fits registers.
// shapes  see lib/gemm_params.wgsl; steps and sizes of x and w are multiples of 4, w_n = 1
// grid    [tiles of 16 rows x 32 columns, 1, batch * groups], columns first; subgroups must be 8 wide
//
// @use gemm_params
// @use gemm_load4
// @use gemm_store
// @use act
enable subgroups;

alias Word4 = vec4f;    //@f16 vec2u //@half vec4h

@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<vec4f>;
@group(0) @binding(2) var<storage, read>       w: array<Word4>;
@group(0) @binding(3) var<storage, read>       bias: array<f32>;
@group(0) @binding(4) var<storage, read>       scale: array<f32>;
@group(0) @binding(5) var<storage, read>       residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

fn mac(sum: vec4f, a: vec4f, b: array<vec4f, 4>) -> vec4f {
  return fma(vec4f(a.w), b[3], fma(vec4f(a.z), b[2], fma(vec4f(a.y), b[1], fma(vec4f(a.x), b[0], sum))));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slice = slice_of(wid.z);
  let tile = wid.x + wid.y * nwg.x;
  let across = (p.cols + 31u) / 32u;
  let row = (tile / across) * 16u;
  let n = (tile % across) * 32u + lane * 4u;
  if (row >= p.rows) { return; }
  var acc: array<vec4f, 16>;
  for (var tap = 0u; tap < p.taps; tap++) {
    let start = (row + lane) * p.row_step + tap * p.tap_step - p.origin;
    let w_start = slice.w + tap * p.inner * p.w_k + n;
    for (var c = 0u; c < p.inner; c += 4u) {
      var b: array<vec4f, 4>;
      for (var k = 0u; k < 4u; k++) { b[k] = w4_at(w_start + (c + k) * p.w_k); }
      for (var h = 0u; h < 16u; h += 8u) {
        let a = x4_at(slice.x, start + h * p.row_step, c);
        acc[h + 0u] = mac(acc[h + 0u], subgroupBroadcast(a, 0u), b);
        acc[h + 1u] = mac(acc[h + 1u], subgroupBroadcast(a, 1u), b);
        acc[h + 2u] = mac(acc[h + 2u], subgroupBroadcast(a, 2u), b);
        acc[h + 3u] = mac(acc[h + 3u], subgroupBroadcast(a, 3u), b);
        acc[h + 4u] = mac(acc[h + 4u], subgroupBroadcast(a, 4u), b);
        acc[h + 5u] = mac(acc[h + 5u], subgroupBroadcast(a, 5u), b);
        acc[h + 6u] = mac(acc[h + 6u], subgroupBroadcast(a, 6u), b);
        acc[h + 7u] = mac(acc[h + 7u], subgroupBroadcast(a, 7u), b);
      }
    }
  }
  let offset = bias4(slice, n);
  var done = acc;   // indexed by a counter here only, so that acc itself stays in registers
  for (var r = 0u; r < min(16u, p.rows - row); r++) { store4(slice, row + r, n, done[r], offset); }
}
