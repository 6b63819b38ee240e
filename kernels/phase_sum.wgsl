// phase_sum: y[t,k] = start[k] + sum of (u[j,k] + drift[k]) over first <= j <= t, mod 2^32;  start[k] before `first`
//            next[k] = y[end - 1, k], or start[k] where end = 0
//
// u, y  [rows, bins]     start, drift, next [bins]     turns times 2^32: wrapping sums are exact in any order and parts
// grid  [bins / WG]      one thread per bin, serial over the rows; neighbours read neighbouring bins

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, first: u32, end: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       u: array<u32>;
@group(0) @binding(2) var<storage, read>       start: array<u32>;
@group(0) @binding(3) var<storage, read>       drift: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;
@group(0) @binding(5) var<storage, read_write> next: array<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let bin = (wid.x + wid.y * nwg.x) * WG + lid;
  if (bin >= p.bins) { return; }
  let own = drift[bin];
  var phase = start[bin];
  var reached = phase;
  for (var row = 0u; row < p.rows; row++) {
    let at = row * p.bins + bin;
    if (row >= p.first) { phase += u[at] + own; }
    y[at] = phase;
    if (row + 1u == p.end) { reached = phase; }
  }
  next[bin] = reached;
}
