// rope: (a, b) -> (a cos t - b sin t, a sin t + b cos t), t = position * theta^(-2 i / dh), for pair i of every head
//
// x, y       [rows, heads * dh], rows = batch * len; pairs are (i, i + dh/2), or (2i, 2i + 1) when INTERLEAVED
// positions  [batch or 1, len] when POSITIONS, else bound but not read: position = offset + row in its item
// grid       [rows / ROWS]     threads of a workgroup share ROWS rows: LANES of them side by side over i, the rest over the heads

// @use sincos

override WG = 64u;          // threads per workgroup
override ROWS = 1u;         // rows per workgroup
override LANES = 16u;       // a divisor of WG
override INTERLEAVED = 0u;  // meaning: 1: pairs are (2i, 2i + 1)
override POSITIONS = 0u;    // meaning: 1: positions are read

struct Params { rows: u32, len: u32, heads: u32, half_dh: u32, pos_batch: u32, offset: f32, log_theta: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       positions: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let t = row % p.len;
    var position = p.offset + f32(t);
    if (POSITIONS == 1u) { position = positions[(row / p.len) * p.pos_batch + t]; }
    for (var i = lid % LANES; i < p.half_dh; i += LANES) {
      let turn = sincos(position * exp(-p.log_theta * f32(i) / f32(p.half_dh)));   // (sin, cos), the same for every head
      for (var head = lid / LANES; head < p.heads; head += WG / LANES) {
        let base = (row * p.heads + head) * 2u * p.half_dh;
        var ia = base + i;
        var ib = base + i + p.half_dh;
        if (INTERLEAVED == 1u) {
          ia = base + 2u * i;
          ib = ia + 1u;
        }
        let a = x[ia];
        let b = x[ib];
        y[ia] = a * turn.y - b * turn.x;
        y[ib] = a * turn.x + b * turn.y;
      }
    }
  }
}
