// count_non_finite: counts[at] += number of x[i] that are NaN or infinite
//
// x     [n]             counts [slots]: u32, a state
// grid  [1]             one workgroup; threads stride over x
//
// Exponent bits, not comparisons: WGSL lets a compiler assume that there is no NaN.

override WG = 64u;      // threads

struct Params { n: u32, at: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;

var<workgroup> partial: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lid: u32) {
  var own = 0u;
  for (var i = lid; i < p.n; i += WG) {
    if ((x[i] & 0x7f800000u) == 0x7f800000u) { own += 1u; }
  }
  partial[lid] = own;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lid < half) { partial[lid] += partial[lid + half]; }
    workgroupBarrier();
  }
  if (lid == 0u) { counts[p.at] += partial[0]; }
}
