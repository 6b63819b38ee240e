// transpose2d: y[b,c,r] = x[b,r,c]   (bits, so any 4-byte type)
//
// x     [n / (rows * cols), rows, cols]    y [n / (rows * cols), cols, rows]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, rows: u32, cols: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let line = i / p.rows;   // b * cols + c
    y[i] = x[(line / p.cols * p.rows + i % p.rows) * p.cols + line % p.cols];
  }
}
