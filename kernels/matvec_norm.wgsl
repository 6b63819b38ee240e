// matvec_norm: y = act(LayerNorm(x) w) for ROWS rows, its columns in up to three tensors: what follows a norm, in one launch
//
// Every workgroup takes mean and variance of the rows for itself (two passes, as layer_norm), then goes on as matvec does.
// x [rows, inner]    scale, bias [inner] of the norm    w [inner, all], packed
// y0 [rows, cols]: columns to cols. y1, y2: the next two times cols, row r from r * step + at on, as in a cache; dropped from `end` on
// grid [all / (32 QUADS)]; inner, cols and steps are multiples of 4
//
// @use act

alias Word4 = vec4f;    //@f16 vec2u //@half vec4h
const ROWS = 1u;        // rows, at most 8
const QUADS = 1u;       // times four columns a thread
override WG = 64u;                  // threads per workgroup, a power of two, at least 8 ROWS QUADS
override SHARED = 1u;               // 1: the threads of a workgroup share the sums of a row; 0: each takes them alone, without barriers
override ACT = 0u;                  // meaning: activation of the result, see lib/act.wgsl
override SUMS = WG * ROWS * QUADS;

struct Params { rows: u32, inner: u32, all: u32, cols: u32, step: u32, at: u32, end: u32, eps: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<vec4f>;
@group(0) @binding(2) var<storage, read>       scale: array<vec4f>;
@group(0) @binding(3) var<storage, read>       bias: array<vec4f>;
@group(0) @binding(4) var<storage, read>       w: array<Word4>;
@group(0) @binding(5) var<storage, read_write> y0: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y1: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y2: array<vec4f>;

var<workgroup> sums: array<vec4f, SUMS>;

fn w4_at(i: u32) -> vec4f {
  let word = w[i / 4u];
  return word; //@f16 vec4f(unpack2x16float(word.x), unpack2x16float(word.y)) //@half vec4f(word)
}

// mean over a row of what its threads have added up; a tree of barriers would cost more than it saves
fn mean_of(own: vec4f, lid: u32) -> f32 {
  var all = own;
  if (SHARED == 1u) {
    workgroupBarrier();
    sums[lid] = own;
    workgroupBarrier();
    all = vec4f(0.0);
    for (var i = 0u; i < WG; i++) { all += sums[i]; }
  }
  return (all.x + all.y + all.z + all.w) / f32(p.inner);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lid: u32) {
  let n = wid.x * 32u * QUADS + (lid % 8u) * 4u;   // then every 32 columns
  let quads = p.inner / 4u;
  var mean: array<f32, ROWS>;
  var inverse: array<f32, ROWS>;
  let first = select(0u, lid, SHARED == 1u);
  let stride = select(1u, WG, SHARED == 1u);
  for (var r = 0u; r < ROWS; r++) {
    let start = min(r, p.rows - 1u) * quads;
    var sum = vec4f(0.0);
    for (var k = first; k < quads; k += stride) { sum += x[start + k]; }
    mean[r] = mean_of(sum, lid);
    sum = vec4f(0.0);
    for (var k = first; k < quads; k += stride) {
      let d = x[start + k] - mean[r];
      sum += d * d;
    }
    inverse[r] = inverseSqrt(mean_of(sum, lid) + p.eps);
  }
  if (SHARED == 1u) { workgroupBarrier(); }
  var acc: array<vec4f, ROWS * QUADS>;
  for (var k = lid / 8u * 4u; k < p.inner; k += WG / 2u) {
    var a: array<vec4f, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
      let v = x[min(r, p.rows - 1u) * quads + k / 4u];
      a[r] = (v - mean[r]) * inverse[r] * scale[k / 4u] + bias[k / 4u];
    }
    for (var j = 0u; j < QUADS; j++) {
      let i = k * p.all + n + j * 32u;
      let b = array(w4_at(i), w4_at(i + p.all), w4_at(i + 2u * p.all), w4_at(i + 3u * p.all));
      for (var r = 0u; r < ROWS; r++) { acc[r * QUADS + j] += a[r].x * b[0] + a[r].y * b[1] + a[r].z * b[2] + a[r].w * b[3]; }
    }
  }
  for (var i = 0u; i < ROWS * QUADS; i++) { sums[i * WG + lid] = acc[i]; }
  workgroupBarrier();
  let piece = lid / 8u;              // one thread a row and quad adds up the slices
  if (piece >= ROWS * QUADS) { return; }
  var sum = vec4f(0.0);
  for (var i = lid % 8u; i < WG; i += 8u) { sum += sums[piece * WG + i]; }
  let row = piece / QUADS;
  let col = n + piece % QUADS * 32u;
  if (row >= p.rows || col >= p.all) { return; }
  let v = act4(ACT, sum);
  if (col < p.cols) {
    y0[(row * p.cols + col) / 4u] = v;
  } else if (p.at < p.end) {
    let to = (row * p.step + p.at + col % p.cols) / 4u;
    if (col < 2u * p.cols) { y1[to] = v; } else { y2[to] = v; }
  }
}
