// gather_rows: y[r,c] = table[index[r] + offset, c], the last row for an index behind it
//
// table [last + 1, cols]   index [n / cols] u32     y [n / cols, cols]
// grid  [n / (WG * PER)]   PER elements a thread, WG apart

alias word = f32;       //@f16 u32
override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, cols: u32, last: u32, offset: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       table: array<word>;
@group(0) @binding(2) var<storage, read>       index: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn element(i: u32) -> f32 {
  return table[i]; //@f16 unpack2x16float(table[i / 2u])[i % 2u]
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) {
    let row = min(index[i / p.cols] + p.offset, p.last);
    y[i] = element(row * p.cols + i % p.cols);
  }
}
