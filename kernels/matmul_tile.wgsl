// matmul_tile: y = act(alpha x w + bias) * scale + residual, one workgroup of 8 x 8 threads a tile, TM x TN results a thread
//
// For GPUs: 16 rows of k of both factors pass through workgroup memory, read four values at a time. A thread's rows and columns are
// spread over the tile (4 of every 32), so that neighbours read neighbouring words.
// shapes  see lib/gemm_params.wgsl; any size
// grid    [tiles of 8 TM rows x 8 TN columns, 1, batch * groups], columns first
//
// @use gemm_params
// @use gemm_load
// @use gemm_store
// @use act

alias Word = f32;       //@f16 u32 //@half vec4h
alias Tile4 = vec4f;    //@half vec4h
const TM = 8u;          // rows a thread, a multiple of 4
const TN = 8u;          // columns a thread, a multiple of 4
const TK = 16u;

@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       w: array<Word>;
@group(0) @binding(3) var<storage, read>       bias: array<f32>;
@group(0) @binding(4) var<storage, read>       scale: array<f32>;
@group(0) @binding(5) var<storage, read>       residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

var<workgroup> xs: array<vec4f, TK * 2u * TM>;   // [k][row / 4]
var<workgroup> ws: array<Tile4, TK * 2u * TN>;   // [k][column / 4]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let slice = slice_of(wid.z);
  let tile = wid.x + wid.y * nwg.x;
  let across = (p.cols + 8u * TN - 1u) / (8u * TN);
  let row = (tile / across) * 8u * TM;
  let col = (tile % across) * 8u * TN;
  if (row >= p.rows) { return; }   // uniform: the whole workgroup leaves
  let rows = (min(8u * TM, p.rows - row) + 3u) / 4u;   // loops end where the data does: less to load, and less for llvmpipe to unroll
  let tx = lid % 8u;
  let ty = lid / 8u;
  var acc: array<vec4f, TM * TN / 4u>;
  for (var tap = 0u; tap < p.taps; tap++) {
    let start = row * p.row_step + tap * p.tap_step - p.origin;
    let w_start = slice.w + tap * p.inner * p.w_k + col * p.w_n;
    for (var c = 0u; c < p.inner; c += TK) {
      for (var i = lid; i < TK * rows; i += 64u) {
        let k = i % TK;
        let begin = start + (i / TK) * 4u * p.row_step;
        xs[k * 2u * TM + i / TK] = vec4f(x_at(slice.x, begin, c + k), x_at(slice.x, begin + p.row_step, c + k),
          x_at(slice.x, begin + 2u * p.row_step, c + k), x_at(slice.x, begin + 3u * p.row_step, c + k));
      }
      let steps = min(TK, p.inner - c);
      for (var i = lid; i < 2u * TN * steps; i += 64u) {
        ws[i] = Tile4(w4_at(w_start + (c + i / (2u * TN)) * p.w_k + (i % (2u * TN)) * 4u * p.w_n));
      }
      workgroupBarrier();
      for (var k = 0u; k < steps; k++) {
        var b: array<vec4f, TN / 4u>;
        for (var j = 0u; j < TN / 4u; j++) { b[j] = vec4f(ws[k * 2u * TN + j * 8u + tx]); }
        for (var i = 0u; i < TM / 4u; i++) {
          let a = xs[k * 2u * TM + i * 8u + ty];
          for (var j = 0u; j < TN / 4u; j++) {
            let at = i * TN + j;
            acc[at] += a.x * b[j];
            acc[at + TN / 4u] += a.y * b[j];
            acc[at + TN / 2u] += a.z * b[j];
            acc[at + 3u * TN / 4u] += a.w * b[j];
          }
        }
      }
      workgroupBarrier();
    }
  }
  for (var j = 0u; j < TN / 4u; j++) {
    let n = col + (j * 8u + tx) * 4u;
    let offset = bias4(slice, n);
    for (var r = 0u; r < TM; r++) { store4(slice, row + ((r / 4u) * 8u + ty) * 4u + r % 4u, n, acc[r * TN / 4u + j], offset); }
  }
}
