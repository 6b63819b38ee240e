// qkv_append: q = turn(x q), k[b, at + t] = turn(x k), v[b, at + t] = x v: what attention to a cache needs of one product; turn as in rope
//
// x     [batch, len, 3, heads * dh]: queries, keys, values side by side       q [batch, len, heads * dh]
// k, v  [batch, capacity, heads * dh], caches; rows at or past capacity are dropped
// grid  [rows / ROWS], rows = batch * len     threads of a workgroup share ROWS rows: LANES of them side by side over i, the rest over the heads

// @use sincos

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup
override LANES = 16u;   // a divisor of WG
override TURN = 1u;     // meaning: 0: nothing turns, positions are in x already

struct Params { rows: u32, len: u32, heads: u32, half_dh: u32, capacity: u32, at: u32, log_theta: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;
@group(0) @binding(3) var<storage, read_write> k: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  let width = p.heads * 2u * p.half_dh;
  for (var row = first; row < end; row++) {
    let place = p.at + row % p.len;
    let cached = (row / p.len * p.capacity + place) * width;
    for (var i = lid % LANES; i < p.half_dh; i += LANES) {
      var turn = vec2f(0.0, 1.0);   // (sin, cos), the same for every head
      if (TURN == 1u) { turn = sincos(f32(place) * exp(-p.log_theta * f32(i) / f32(p.half_dh))); }
      for (var head = lid / LANES; head < p.heads; head += WG / LANES) {
        let a = head * 2u * p.half_dh + i;
        let b = a + p.half_dh;
        let start = row * 3u * width;
        let qa = x[start + a];
        let qb = x[start + b];
        q[row * width + a] = qa * turn.y - qb * turn.x;
        q[row * width + b] = qa * turn.x + qb * turn.y;
        if (place < p.capacity) {
          let ka = x[start + width + a];
          let kb = x[start + width + b];
          k[cached + a] = ka * turn.y - kb * turn.x;
          k[cached + b] = ka * turn.x + kb * turn.y;
          v[cached + a] = x[start + 2u * width + a];
          v[cached + b] = x[start + 2u * width + b];
        }
      }
    }
  }
}
