// partial_rope: columns (i, i + half) of every head turn by the angle of their row: (a cos - b sin, a sin + b cos); columns from 2 half on stay
//
// x, y   [n / row, row], row = heads * dh, rows of `len` places an item
// turns  [len, 2 half]: cosines, then sines
// grid   [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, row: u32, len: u32, dh: u32, half: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       turns: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let column = i % p.row % p.dh;
    var value = x[i];
    if (column < 2u * p.half) {
      let pair = column % p.half;
      let turn = (i / p.row % p.len) * 2u * p.half + pair;
      if (column < p.half) { value = value * turns[turn] - x[i + p.half] * turns[turn + p.half]; }
      else { value = x[i - p.half] * turns[turn + p.half] + value * turns[turn]; }
    }
    y[i] = value;
  }
}
