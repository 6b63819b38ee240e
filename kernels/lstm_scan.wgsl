// lstm_scan: for t from 0, with (h, c) = before:  (i, f, g, o) = x[t] + h · w
//   c = sigmoid(f) c + sigmoid(i) tanh(g)   h = sigmoid(o) tanh(c)   y[t] = h           (Hochreiter & Schmidhuber 1997; PyTorch's order of gates)
// @use act
//
// x     [rows, steps, 4, hidden]    w [hidden, hidden, 4]: from unit, to unit, gate      y [rows, steps, hidden]
// before, after [rows, 2, hidden]: h and c before the first step and behind the last
// grid  [rows]          a workgroup each, serial over the steps; threads stride over the units

override WG = 64u;      // threads per workgroup
override HIDDEN = 64u;  // room for the units

struct Params { rows: u32, steps: u32, hidden: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       w: array<vec4f>;
@group(0) @binding(3) var<storage, read>       before: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<storage, read_write> after: array<f32>;

var<workgroup> h: array<f32, HIDDEN>;
var<workgroup> next: array<f32, HIDDEN>;
var<workgroup> cell: array<f32, HIDDEN>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let row = wid.x + wid.y * nwg.x;
  if (row >= p.rows) { return; }   // uniform: every thread of the workgroup leaves together
  let state = row * 2u * p.hidden;
  for (var j = lid; j < p.hidden; j += WG) {
    h[j] = before[state + j];
    cell[j] = before[state + p.hidden + j];
  }
  workgroupBarrier();
  for (var t = 0u; t < p.steps; t++) {
    let start = (row * p.steps + t) * 4u * p.hidden;
    for (var j = lid; j < p.hidden; j += WG) {
      var gates = vec4f(x[start + j], x[start + p.hidden + j], x[start + 2u * p.hidden + j], x[start + 3u * p.hidden + j]);
      for (var k = 0u; k < p.hidden; k++) { gates += h[k] * w[k * p.hidden + j]; }
      let open = sigmoid4(gates);
      let c = open.y * cell[j] + open.x * act1(6u, gates.z);
      cell[j] = c;
      next[j] = open.w * act1(6u, c);
    }
    workgroupBarrier();
    for (var j = lid; j < p.hidden; j += WG) {
      h[j] = next[j];
      y[(row * p.steps + t) * p.hidden + j] = next[j];
    }
    workgroupBarrier();
  }
  for (var j = lid; j < p.hidden; j += WG) {
    after[state + j] = h[j];
    after[state + p.hidden + j] = cell[j];
  }
}
