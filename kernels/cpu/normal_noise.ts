// normal_noise: y[i] = Φ⁻¹(philox((block + i/4) mod period, seed)[i mod 4]), in whole steps of 2^-20; period 0: endless
//
// table [31 * 33]       quantiles of the half normal, 32 knots an octave of tail probability (src/ops/random.ts)
// y     [n]
// unit  256 elements
//
// Integer arithmetic only, up to one exact multiplication by 2^-20: the same bytes as on every GPU and in TypeScript.
import { philox } from './lib/philox';
import { scratch } from './lib/scratch';
import { normal_noise as p } from './params.gen';

export function normal_noise_units(c: usize): u32 {
  return (p.n(c) + 255) >> 8;
}

function normal(bits: u32, table: usize): f32 {
  const tail = (bits & 0x7fffffff) | 1; // tail probability in units of 2^-32, never 0
  const zeros = clz<u32>(tail); // 1…31
  const mantissa = tail << zeros; // leading one at bit 31
  const knot = (31 - zeros) * 33 + ((mantissa >> 26) & 31);
  const left = load<u32>(table + ((<usize>knot) << 2));
  const step = left - load<u32>(table + ((<usize>knot) << 2), 4); // quantiles fall as the tail grows
  const value = left - ((step * ((mantissa >> 10) & 0xffff) + 0x8000) >> 16);
  const magnitude = <f32>value * <f32>9.5367431640625e-7; // 2^-20; value < 2^23, so both steps are exact
  return bits >= 0x80000000 ? -magnitude : magnitude;
}

export function normal_noise(c: usize, from: u32, to: u32): void {
  const end = min(to << 8, p.n(c));
  for (let i = from << 8; i < end; i += 4) {
    let block = p.block(c) + i / 4;
    if (p.period(c) != 0) block %= p.period(c);
    philox(block, p.stream(c), p.seed_low(c), p.seed_high(c), scratch);
    for (let j: u32 = 0; j < 4 && i + j < end; j++)
      store<f32>(p.y(c) + ((<usize>(i + j)) << 2), normal(load<u32>(scratch + (j << 2)), p.table(c)));
  }
}
