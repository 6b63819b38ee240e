// copy: y[r, to + c] = x[start + r, c]   (bits, so any 4-byte type)
//
// x     [last + 1, cols], rows behind it read the last one    y [n / cols, pitch], of which columns to ... to + cols - 1 are written
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, cols: u32, pitch: u32, to: u32, start: u32, last: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let r = i / p.cols;
    let c = i % p.cols;
    y[r * p.pitch + p.to + c] = x[min(p.start + r, p.last) * p.cols + c];
  }
}
