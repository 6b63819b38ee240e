// phase_advance: u[t,k] = 2^32 a mod 2^32, the turns a by which the phase of bin k moves from frame t - 1 to frame t
//   k < locked:  a = turns of pitch p = argmax_p (mean of s[t',p] over |t' - t| <= reach + line[k,p]), the lowest of equals
//   k >= locked: a = (arg c + eps[t,k] sqrt(-2 ln |c|)) / 2 pi,  c = (a[t,k] + i b[t,k]) i^k, |c| kept within 0.01 ... 0.9999;
//                bins from `directed` on have c = 0 and arg c = 0.     i^k: a bin's own turn in a hop of a quarter of the transform
// @use arg
//
// x    [rows, x_row]: log magnitude [bins], a [directed], b [directed], s [pitches]      eps [rows, eps_row] ~ N(0, 1)
// line [locked, pitches]     turns [pitches], 2^32 times the turns a frame     u [rows, bins]
// grid [rows * bins / WG]    steps of 2^-30 turns above `locked`

override WG = 64u;      // threads per workgroup

struct Params { rows: u32, bins: u32, locked: u32, directed: u32, pitches: u32, x_row: u32, eps_row: u32, reach: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       eps: array<f32>;
@group(0) @binding(3) var<storage, read>       line: array<f32>;
@group(0) @binding(4) var<storage, read>       turns: array<u32>;
@group(0) @binding(5) var<storage, read_write> u: array<u32>;

// mean of one column over the rows around `row` that there are
fn around(row: u32, column: u32) -> f32 {
  let first = row - min(row, p.reach);
  let last = min(row + p.reach, p.rows - 1u);
  var sum = 0.0;
  for (var r = first; r <= last; r++) { sum += x[r * p.x_row + column]; }
  return sum / f32(last - first + 1u);
}

fn chosen(row: u32, bin: u32) -> u32 {
  let salience = p.bins + 2u * p.directed;
  var best = 0u;
  var most = around(row, salience) + line[bin * p.pitches];
  for (var j = 1u; j < p.pitches; j++) {
    let value = around(row, salience + j) + line[bin * p.pitches + j];
    if (value > most) { most = value; best = j; }
  }
  return turns[best];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (i >= p.rows * p.bins) { return; }
  let row = i / p.bins;
  let bin = i % p.bins;
  let at = row * p.x_row + p.bins;
  if (bin < p.locked) {
    u[i] = chosen(row, bin);
    return;
  }
  var a = 0.0;
  var b = 0.0;
  if (bin < p.directed) {
    a = x[at + bin];
    b = x[at + p.directed + bin];
  }
  let width = sqrt(-2.0 * log(clamp(sqrt(a * a + b * b), 0.01, 0.9999)));
  let free = arg_turns(a, b) + 0.15915494 * eps[row * p.eps_row + bin] * width;
  let part = free - round(free);   // within a half either way: 2^30 times that fits an integer
  let own = select((bin & 3u) << 30u, 0u, a == 0.0 && b == 0.0);
  u[i] = (bitcast<u32>(i32(round(part * 1073741824.0))) << 2u) + own;
}
