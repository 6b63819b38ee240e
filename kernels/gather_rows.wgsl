// gather_rows: y[r,c] = table[index[first + r mod ids] + offset, c], the last row for an index behind it; ADD: + more[at * rows + r, c]
//
// table [last + 1, cols]   index u32, of which `ids` count     more [*, cols] (with ADD = 0 bound but not read)     y [rows, cols]
// grid  [rows / ROWS]   threads of a workgroup stride over the columns of ROWS rows: the index arithmetic is done once a row

override WG = 64u;      // threads per workgroup
override ROWS = 1u;     // rows per workgroup
override ADD = 0u;      // meaning: 1: more is added
alias word = f32;       //@f16 u32

struct Params { rows: u32, cols: u32, last: u32, offset: u32, first: u32, ids: u32, at: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       table: array<word>;
@group(0) @binding(2) var<storage, read>       index: array<u32>;
@group(0) @binding(3) var<storage, read>       more: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

fn element(i: u32) -> f32 {
  return table[i]; //@f16 unpack2x16float(table[i / 2u])[i % 2u]
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let first = (wid.x + wid.y * nwg.x) * ROWS;
  let end = min(first + ROWS, p.rows);
  for (var row = first; row < end; row++) {
    let base = min(index[p.first + row % p.ids] + p.offset, p.last) * p.cols;
    for (var c = lid; c < p.cols; c += WG) {
      var v = element(base + c);
      if (ADD == 1u) { v += more[(p.at * p.rows + row) * p.cols + c]; }
      y[row * p.cols + c] = v;
    }
  }
}
