// normal_noise: y[i] = Φ⁻¹(philox((block + i/4) mod period, seed)[i mod 4]), in whole steps of 2^-20; period 0: endless
// @use philox
//
// table [31 * 33]       quantiles of the half normal, 32 knots an octave of tail probability (src/ops/random.ts)
// y     [n]
// grid  [n / 4 / WG]    one thread per four values
//
// Integer arithmetic only, up to one exact multiplication by 2^-20: the same bytes on every GPU and in TypeScript.

override WG = 64u;       // threads per workgroup

struct Params { n: u32, block: u32, period: u32, stream: u32, seed_low: u32, seed_high: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       table: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn normal(bits: u32) -> f32 {
  let tail = (bits & 0x7fffffffu) | 1u;              // tail probability in units of 2^-32, never 0
  let zeros = countLeadingZeros(tail);               // 1…31
  let mantissa = tail << zeros;                      // leading one at bit 31
  let knot = (31u - zeros) * 33u + ((mantissa >> 26u) & 31u);
  let left = table[knot];
  let step = left - table[knot + 1u];                // quantiles fall as the tail grows
  let value = left - ((step * ((mantissa >> 10u) & 0xffffu) + 0x8000u) >> 16u);
  let magnitude = f32(value) * 9.5367431640625e-7;   // 2^-20; value < 2^23, so both steps are exact
  return select(magnitude, -magnitude, bits >= 0x80000000u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = ((wid.x + wid.y * nwg.x) * WG + lid) * 4u;
  if (i >= p.n) { return; }
  var block = p.block + i / 4u;
  if (p.period != 0u) { block %= p.period; }
  let words = philox(vec4u(block, p.stream, 0u, 0u), vec2u(p.seed_low, p.seed_high));
  for (var j = 0u; j < 4u && i + j < p.n; j++) { y[i + j] = normal(words[j]); }
}
