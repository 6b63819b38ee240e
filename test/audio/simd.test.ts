// The loops in WebAssembly against the JavaScript beside them: the same bits, whatever the sound is and however long.
import { inflateSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { hann, powerFrames, windowedFft } from '../../src/audio/fft.ts';
import { Leveller, levelled } from '../../src/audio/leveller.ts';
import { limit, limiterReach } from '../../src/audio/limiter.ts';
import { loudness, truePeak } from '../../src/audio/loudness.ts';
import { measureClip } from '../../src/audio/measure.ts';
import { hopBuzz } from '../../src/audio/measures/joins.ts';
import { resample } from '../../src/audio/resample.ts';
import { simd, useSimd } from '../../src/audio/simd.ts';
import { SOUND } from '../../src/audio/simd_module.gen.ts';
import { quicken } from '../../src/audio/simd_module.ts';

quicken(new Uint8Array(inflateSync(Buffer.from(SOUND, 'base64'))));
const module = simd();
afterEach(() => useSimd(module));

/** Noise with tones and strokes in it, louder in places than the limiter lets through. */
function sound(length: number, seed: number): Float32Array {
  let state = seed;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Float32Array.from({ length }, (_, n) => {
    const stroke = n % 9000 < 900 ? 1.6 : 0.2;
    return stroke * (0.5 * Math.sin(n / 17) + 0.3 * Math.sin(n / 5.3) + 0.3 * noise());
  });
}

/** What `make` gives with the module, and with JavaScript alone. */
function both<T>(make: () => T): [T, T] {
  useSimd(module);
  const fast = make();
  useSimd(undefined);
  return [fast, make()];
}

const bits = (values: Float32Array | Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

test('the module is there', () => expect(module).toBeDefined());

test.each([64, 128, 256, 1024, 2048, 8192, 65536])('power spectra of %i points', (size) => {
  const spectra = () => {
    const found: string[] = [];
    powerFrames(sound(3 * size + 77, size), size, size / 2 + 3, (power) => found.push(bits(power)));
    powerFrames(sound(size - 5, size), size, size, (power) => found.push(bits(power)));
    return found;
  };
  const [fast, slow] = both(spectra);
  expect(fast.length).toBeGreaterThan(4);
  expect(fast).toEqual(slow);
});

test('a windowed transform tells the energy of its samples', () => {
  const x = sound(700, 3);
  const power = new Float64Array(513);
  const [fast, slow] = both(() => windowedFft(1024, new Float64Array(700).fill(0.25))(x, power));
  expect(fast).toBe(slow);
  expect(fast).toBeGreaterThan(1);
});

test.each([
  [48_000, 22_050, 100_003],
  [44_100, 22_050, 30_000],
  [22_050, 48_000, 20_001],
  [32_000, 22_050, 5],
  [48_000, 44_100, 70_000],
])('resampling from %i to %i Hz', (from, to, length) => {
  const [fast, slow] = both(() => bits(resample(sound(length, from), from, to)));
  expect(fast).toBe(slow);
});

test.each([1, 2])('loudness and true peak, %i channels', (count) => {
  const channels = Array.from({ length: count }, (_, c) => sound(240_017, c + 1));
  const [fast, slow] = both(() => ({ loudness: loudness(channels, 48_000), peaks: channels.map(truePeak) }));
  expect(fast).toEqual(slow);
});

test.each([10, 5000, 65_536, 65_537, 200_001])('the limiter over %i samples', (length) => {
  const reach = limiterReach(48_000);
  const channels = [1, 2].map((seed) => sound(length + 2 * reach, seed).map((value) => 1.4 * value));
  const [fast, slow] = both(() => limit(channels, 48_000).map(bits));
  expect(fast).toEqual(slow);
});

test('a quiet sound comes out of the limiter as it went in', () => {
  const reach = limiterReach(48_000);
  const x = sound(90_000, 4).map((value) => 0.1 * value);
  const [fast, slow] = both(() => bits(limit([x], 48_000)[0]));
  expect(fast).toBe(slow);
  expect(fast).toBe(bits(x.slice(reach, x.length - reach)));
});

test.each([false, true])('a levelled clip, circular %s', (circular) => {
  const channels = [1, 2].map((seed) => sound(144_000, seed));
  const [fast, slow] = both(() => levelled(channels, 48_000, { target: -9, circular }).audio.map(bits));
  expect(fast).toEqual(slow);
});

test('a levelled stream, in pieces', () => {
  const [fast, slow] = both(() => {
    const leveller = new Leveller(48_000, -12, 2);
    return [0, 1, 2, 3].flatMap((i) =>
      leveller
        .push(
          [1, 2].map((seed) => sound(50_001, seed + 7 * i)),
          i === 3,
        )
        .map(bits),
    );
  });
  expect(fast).toEqual(slow);
});

test.each([960, 320, 12])('buzz at %i samples', (period) => {
  const [fast, slow] = both(() => hopBuzz(sound(50_000, period), period));
  expect(fast).toBe(slow);
});

test('every measure of a clip', () => {
  const channels = [1, 2].map((seed) => sound(14 * 32_000 + 11, seed));
  const [fast, slow] = both(() => measureClip(channels, 32_000, { periods: [640], joins: [0], bpm: 100 }));
  expect(fast).toEqual(slow);
});

test('samples that are not finite, and some at full scale', () => {
  const clip = [sound(150_001, 7), sound(150_001, 8)];
  clip[0].fill(1, 70_000, 70_100);
  clip[1].set([Number.NaN, Infinity, -Infinity], 65_535);
  const [fast, slow] = both(() => measureClip(clip, 48_000, { periods: [960] }));
  expect(fast).toEqual(slow);
  expect(fast.nonFinite).toBe(3);
  expect(fast.clipping.share).toBeGreaterThan(100 / 300_002);
});

test.each([64, 16_320, 48_000])('a Hann window of %i', (size) => {
  const [fast, slow] = both(() => bits(hann(size)));
  expect(fast).toBe(slow);
});
