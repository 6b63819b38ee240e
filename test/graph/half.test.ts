import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../src/graph/half.ts';

/** The value of f16 bits by the definition of IEEE 754. */
function definedValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

const ALL = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const FINITE = [...ALL.subarray(0, 0x7c00)].map(definedValue); // ascending

/** The nearest non-negative f16 by search, ties to even bits; from halfway past the largest on, infinity. */
function nearest(value: number): number {
  if (value >= 65_520) return 0x7c00;
  let low = 0;
  let high = FINITE.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (FINITE[middle] <= value) low = middle;
    else high = middle;
  }
  if (low === FINITE.length - 1) return low;
  const [down, up] = [value - FINITE[low], FINITE[low + 1] - value];
  return down < up || (down === up && low % 2 === 0) ? low : low + 1;
}

describe('f16', () => {
  it('widens all 65,536 values exactly, the sign of zero and NaN payloads too', () => {
    const wide = f16ToF32(ALL);
    expect(ALL.filter((bits) => !Object.is(wide[bits], definedValue(bits)))).toHaveLength(0);
    const singles = new Uint32Array(f16ToF32(Uint16Array.of(0x7e01, 0xfc01, 0x7d55)).buffer);
    expect([...singles]).toEqual([0x7fc02000, 0xff802000, 0x7faaa000]);
  });

  it('narrows what it widened back to the same bits, NaN to a quiet NaN of the same sign', () => {
    const back = f32ToF16(f16ToF32(ALL));
    const isNotANumber = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0;
    expect(ALL.filter((bits) => back[bits] !== (isNotANumber(bits) ? bits | 0x200 : bits))).toHaveLength(0);
  });

  it('rounds to the nearest, ties to even: around every f16, halfway and one float beside', () => {
    const wanted: number[] = [];
    const probes: number[] = [];
    const bits = new Uint32Array(1);
    const single = new Float32Array(bits.buffer);
    for (let i = 0; i < FINITE.length; i++) {
      single[0] = i + 1 < FINITE.length ? (FINITE[i] + FINITE[i + 1]) / 2 : 65_520;
      for (const step of [-1, 0, 1]) {
        const beside = new Float32Array(Uint32Array.of(bits[0] + step).buffer)[0];
        probes.push(beside, -beside);
        wanted.push(nearest(beside), nearest(beside) | 0x8000);
      }
    }
    expect(f32ToF16(Float32Array.from(probes))).toEqual(Uint16Array.from(wanted));
  });

  it('keeps signed zero and infinity, and flushes what is under half of the smallest', () => {
    const values = Float32Array.of(0, -0, Infinity, -Infinity, 2 ** -25, -(2 ** -25), 2 ** -149, 3.4e38);
    expect([...f32ToF16(values)]).toEqual([0, 0x8000, 0x7c00, 0xfc00, 0, 0x8000, 0, 0x7c00]);
  });

  it('reads a view that does not start its buffer', () => {
    expect([...f32ToF16(Float32Array.of(9, 1, 2).subarray(1))]).toEqual([0x3c00, 0x4000]);
  });
});
