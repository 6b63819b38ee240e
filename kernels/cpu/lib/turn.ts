// Rotary positions of one row: the sines and cosines of its pairs, then every head by them.
import { cos4, exp4, sin4, sp } from './math';
import { scratch } from './scratch';

/** theta^(-2 i / dh) for the pairs of a head, in this thread's scratch. */
export function makeRates(half: u32, logTheta: f32): void {
  const rates = ratesOf(half);
  for (let i: u32 = 0; i < half; i += 4) {
    const index = f32x4.convert_i32x4_s(i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3)));
    v128.store(rates + ((<usize>i) << 2), exp4(f32x4.div(f32x4.mul(sp(-logTheta), index), sp(<f32>half))));
  }
}

/** Sines, then cosines of position times what makeRates made, in this thread's scratch. */
export function makeTurns(position: f32, half: u32): void {
  const sines = scratch + 1024;
  const cosines = cosinesOf(half);
  const rates = ratesOf(half);
  for (let i: u32 = 0; i < half; i += 4) {
    const angle = f32x4.mul(sp(position), v128.load(rates + ((<usize>i) << 2)));
    v128.store(sines + ((<usize>i) << 2), sin4(angle));
    v128.store(cosines + ((<usize>i) << 2), cos4(angle));
  }
}

// @ts-ignore: decorator
@inline
function cosinesOf(half: u32): usize {
  return scratch + 1024 + ((<usize>((half + 3) & ~3)) << 2);
}

// @ts-ignore: decorator
@inline
function ratesOf(half: u32): usize {
  return scratch + 1024 + ((<usize>((half + 3) & ~3)) << 3);
}

/** y = x [heads, 2 half] turned by what makeTurns made; pairs are (i, i + half), or (2i, 2i + 1) when interleaved. */
export function turnHeads(x: usize, y: usize, heads: u32, half: u32, interleaved: bool): void {
  const sines = scratch + 1024;
  const cosines = cosinesOf(half);
  const halfBytes = (<usize>half) << 2;
  for (let head: u32 = 0; head < heads; head++) {
    if ((half & 3) == 0 && !interleaved)
      for (let at: usize = 0; at < halfBytes; at += 16) {
        const a = v128.load(x + at);
        const b = v128.load(x + halfBytes + at);
        const sin = v128.load(sines + at);
        const cos = v128.load(cosines + at);
        v128.store(y + at, f32x4.sub(f32x4.mul(a, cos), f32x4.mul(b, sin)));
        v128.store(y + halfBytes + at, f32x4.add(f32x4.mul(a, sin), f32x4.mul(b, cos)));
      }
    else
      for (let at: usize = 0; at < halfBytes; at += 4) {
        const ia = interleaved ? 2 * at : at;
        const ib = interleaved ? 2 * at + 4 : at + halfBytes;
        const a = load<f32>(x + ia);
        const b = load<f32>(x + ib);
        const sin = load<f32>(sines + at);
        const cos = load<f32>(cosines + at);
        store<f32>(y + ia, a * cos - b * sin);
        store<f32>(y + ib, a * sin + b * cos);
      }
    x += 2 * halfBytes;
    y += 2 * halfBytes;
  }
}
