// matmul_register: y = act(alpha x w + bias) * scale + residual, one thread a tile of 8 rows x 4 columns, no shared memory
//
// shapes  see lib/gemm_params.wgsl: plain products, convolutions and transposed convolutions are one index function
// grid    [tiles of 8 rows x (4 WG) columns, 1, batch * groups], columns first
//
// @use gemm_params
// @use gemm_load
// @use gemm_store
// @use act

alias Word = f32;       //@f16 u32 //@half vec4h
override WG = 8u;       // threads per workgroup: each has 4 columns

@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       w: array<Word>;
@group(0) @binding(3) var<storage, read>       bias: array<f32>;
@group(0) @binding(4) var<storage, read>       scale: array<f32>;
@group(0) @binding(5) var<storage, read>       residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let slice = slice_of(wid.z);
  let tile = wid.x + wid.y * nwg.x;
  let across = (p.cols + 4u * WG - 1u) / (4u * WG);
  let row = (tile / across) * 8u;
  let n = (tile % across) * 4u * WG + lid * 4u;
  if (row >= p.rows) { return; }
  let step = p.row_step;
  var acc: array<vec4f, 8>;
  for (var tap = 0u; tap < p.taps; tap++) {
    let start = row * step + tap * p.tap_step - p.origin;
    let w_start = slice.w + tap * p.inner * p.w_k + n * p.w_n;
    for (var c = 0u; c < p.inner; c++) {
      let b = w4_at(w_start + c * p.w_k);
      for (var r = 0u; r < 8u; r++) { acc[r] += x_at(slice.x, start + r * step, c) * b; }
    }
  }
  let offset = bias4(slice, n);
  for (var r = 0u; r < 8u; r++) { store4(slice, row + r, n, acc[r], offset); }
}
