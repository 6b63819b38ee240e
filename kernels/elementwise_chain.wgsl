// elementwise_chain: for each step (kind, operand o, period, alpha, beta) in turn: v = v * o[i mod period], or v * alpha + o[…] * beta
//
// x, y  [n]             a … e: operands, [period] each        program [steps, 4]: kind + 2 * operand, period, alpha, beta (float bits)
// grid  [n / (WG * PER)]   PER elements a thread, WG apart, each kept in a register over all steps
//
// What fuseElementwise (src/ops/fuse.ts) makes of a run of add and mul: one launch in place of many.

override WG = 64u;      // threads per workgroup
override PER = 1u;      // elements per thread

struct Params { n: u32, steps: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       a: array<f32>;
@group(0) @binding(3) var<storage, read>       b: array<f32>;
@group(0) @binding(4) var<storage, read>       c: array<f32>;
@group(0) @binding(5) var<storage, read>       d: array<f32>;
@group(0) @binding(6) var<storage, read>       e: array<f32>;
@group(0) @binding(7) var<storage, read>       program: array<u32>;
@group(0) @binding(8) var<storage, read_write> y: array<f32>;

fn operand(which: u32, i: u32) -> f32 {
  switch which {
    case 0u: { return a[i]; }
    case 1u: { return b[i]; }
    case 2u: { return c[i]; }
    case 3u: { return d[i]; }
    default: { return e[i]; }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let stop = min(block + WG * PER, p.n);
  for (var i = block + lid; i < stop; i += WG) {
    var v = x[i];
    for (var s = 0u; s < p.steps; s++) {
      let what = program[4u * s];
      let period = program[4u * s + 1u];
      var j = i;
      if (period < p.n) { j %= period; }
      let o = operand(what / 2u, j);
      if (what % 2u == 1u) { v *= o; } else { v = v * bitcast<f32>(program[4u * s + 2u]) + o * bitcast<f32>(program[4u * s + 3u]); }
    }
    y[i] = v;
  }
}
