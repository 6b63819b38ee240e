// The limiter and the levellers: nothing over the ceiling between samples either, one loudness, and the same bytes in whatever pieces they come.
import { describe, expect, it, test } from 'vitest';
import * as levels from '../../src/audio/leveller.ts';
import * as limiter from '../../src/audio/limiter.ts';
import { truePeak } from '../../src/audio/loudness.ts';

const RATE = 24000;
const CEILING_DB = -1;
// Of one channel.
const limit = (x: Float32Array, rate: number) => limiter.limit([x], rate)[0];
const loudnessOf = (x: Float32Array, rate: number) => levels.loudnessOf([x], rate);
const matched = (made: Float32Array, beside: Float32Array, rate: number) => levels.matched([made], [beside], rate)[0];
const levelled = (x: Float32Array, rate: number, options: Parameters<typeof levels.levelled>[2]) => {
  const { audio, short } = levels.levelled([x], rate, options);
  return { audio: audio[0], short };
};
class Leveller extends levels.Leveller {
  pushOne(x: Float32Array, last = false): Float32Array {
    return this.push([x], last)[0];
  }
}
const peakDb = (x: Float32Array) => 20 * Math.log10(truePeak(x));
const make = (seconds: number, at: (t: number, n: number) => number) =>
  Float32Array.from({ length: Math.round(seconds * RATE) }, (_, n) => at(n / RATE, n));
const sine = (frequency: number, amplitude: number, seconds = 2, phase = 0) =>
  make(seconds, (t) => amplitude * Math.sin(2 * Math.PI * frequency * t + phase));
/** Same numbers every time, −1…1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}
const hiss = (amplitude: number, seconds: number, seed = 1) => {
  const next = noise(seed);
  return make(seconds, () => amplitude * next());
};
const padded = (x: Float32Array) => {
  const reach = limiter.limiterReach(RATE);
  const out = new Float32Array(x.length + 2 * reach);
  out.set(x, reach);
  return out;
};
const limited = (x: Float32Array) => limit(padded(x), RATE);
const inPieces = (x: Float32Array, sizes: readonly number[], target?: number) => {
  const leveller = new Leveller(RATE, target);
  const out = new Float32Array(x.length);
  let length = 0;
  for (let at = 0, i = 0; at < x.length; i++) {
    const size = sizes[i % sizes.length];
    const done = leveller.pushOne(x.subarray(at, at + size), at + size >= x.length);
    out.set(done, length); // throws where there are too many
    length += done.length;
    at += size;
  }
  expect(length).toBe(x.length);
  return out;
};

describe('limiter', () => {
  it.each([false, true])('limits a clip piece by piece as at once, circular %s', (circular) => {
    const x = sine(330, 1.5, 150_000 / RATE).map((value, n) => (n % 7000 < 90 ? 1.3 : 0.6) * value);
    const around = padded(x);
    const reach = limiter.limiterReach(RATE);
    if (circular)
      for (let i = 0; i < reach; i++) {
        around[i] = x[x.length - reach + i];
        around[reach + x.length + i] = x[i];
      }
    expect(x.length).toBeGreaterThan(2 * 65_536);
    const { audio } = levelled(x, RATE, { target: 0, most: 0, circular });
    expect(audio).toEqual(limit(around, RATE));
    expect(audio).not.toEqual(x);
  });

  it('leaves alone what is under the ceiling: silence, a soft sine, a lone soft click', () => {
    for (const x of [new Float32Array(RATE), sine(440, 0.5), make(1, (_, n) => (n === 5000 ? 0.8 : 0))]) expect(limited(x)).toEqual(x);
  });

  test.each<[name: string, x: Float32Array]>([
    ['a loud sine', sine(997, 2)],
    ['a bass far too loud', sine(41, 8)],
    ['a square wave', make(1, (t) => 1.5 * Math.sign(Math.sin(2 * Math.PI * 220 * t)))],
    ['an impulse', make(1, (_, n) => (n === 12_000 ? 4 : 0))],
    ['an impulse on the first sample', make(0.2, (_, n) => (n === 0 ? 4 : 0))],
    ['an impulse on the last sample', make(0.2, (_, n) => (n === 4799 ? -4 : 0))],
    [
      'a quarter of the rate, whose peaks lie between the samples',
      make(1, (_, n) => 0.95 * Math.SQRT2 * Math.sin((Math.PI / 2) * n + Math.PI / 4)),
    ],
    ['white noise', hiss(2, 2)],
    ['bursts', make(2, (t, n) => (Math.floor(t * 8) % 2 ? 3 : 0.1) * Math.sin(n))],
  ])('%s stays under −1 dBTP and loses no more than it must', (_name, x) => {
    expect(peakDb(x)).toBeGreaterThan(CEILING_DB);
    const out = limited(x);
    expect(out.length).toBe(x.length);
    expect(peakDb(out)).toBeLessThanOrEqual(CEILING_DB);
    expect(peakDb(out)).toBeGreaterThan(CEILING_DB - 0.6);
  });

  it('does not bend a steady tone: beside the tone, less than −60 dB', () => {
    const out = limited(sine(100, 2, 2)).subarray(RATE / 2, (3 * RATE) / 2);
    let [re, im, all] = [0, 0, 0];
    out.forEach((v, n) => {
      re += v * Math.cos((2 * Math.PI * 100 * n) / RATE);
      im += v * Math.sin((2 * Math.PI * 100 * n) / RATE);
      all += v * v;
    });
    const tone = (2 * (re * re + im * im)) / RATE;
    expect(10 * Math.log10((all - tone) / all)).toBeLessThan(-60);
  });
});

describe('a finished clip', () => {
  test.each<[name: string, x: Float32Array]>([
    ['a quiet lullaby', sine(330, 0.02, 4)],
    ['a loud tone', sine(500, 0.9, 4)],
    ['noise', hiss(0.02, 4)],
    ['a soft bed with a few strokes', make(4, (t, n) => 0.01 * Math.sin(n / 9) + (t % 0.5 < 0.02 ? 0.6 * Math.sin(n / 3) : 0))],
  ])('%s comes out at −16 LUFS', (_name, x) => {
    const { audio, short } = levelled(x, RATE, {});
    expect(Math.abs(loudnessOf(audio, RATE) + 16)).toBeLessThan(1);
    expect(peakDb(audio)).toBeLessThanOrEqual(CEILING_DB);
    expect(short).toBeLessThan(1);
  });

  it('silence stays silence; what is nearly silent is raised by 24 dB, and that it stays too quiet is told', () => {
    expect(levelled(new Float32Array(RATE), RATE, {}).audio).toEqual(new Float32Array(RATE));
    const faint = sine(440, 0.001, 3);
    const { audio, short } = levelled(faint, RATE, {});
    expect(loudnessOf(audio, RATE) - loudnessOf(faint, RATE)).toBeCloseTo(24, 1);
    expect(short).toBeCloseTo(-16 - loudnessOf(audio, RATE), 5);
    expect(short).toBeGreaterThan(10);
  });

  it('another target is met', () => {
    expect(loudnessOf(levelled(sine(440, 0.3), RATE, { target: -23 }).audio, RATE)).toBeCloseTo(-23, 1);
  });

  it('a loop comes out the same from wherever it starts: the seam is like any other place', () => {
    const x = make(2, (t, n) => 0.05 * Math.sin(2 * Math.PI * 50 * t) + (n < 100 || n > 47_950 ? 0.9 * Math.sin(n) : 0));
    const half = x.length / 2;
    const turned = (y: Float32Array) => Float32Array.from([...y.subarray(half), ...y.subarray(0, half)]);
    const reach = limiter.limiterReach(RATE);
    const around = (y: Float32Array) => Float32Array.from([...y.subarray(y.length - reach), ...y, ...y.subarray(0, reach)]);
    const loud = x.map((v) => 3 * v);
    expect(turned(limit(around(loud), RATE))).toEqual(limit(around(turned(loud)), RATE));
    const { audio } = levelled(x, RATE, { circular: true });
    expect(peakDb(Float32Array.from([...audio, ...audio]))).toBeLessThanOrEqual(CEILING_DB);
  });

  it('beside given music it is as loud as that, by at most 12 dB', () => {
    const beside = sine(440, 0.05);
    expect(loudnessOf(matched(sine(300, 0.1), beside, RATE), RATE)).toBeCloseTo(loudnessOf(beside, RATE), 1);
    const faint = sine(300, 0.002);
    expect(loudnessOf(matched(faint, beside, RATE), RATE) - loudnessOf(faint, RATE)).toBeCloseTo(12, 1);
    const loud = sine(300, 0.8);
    expect(loudnessOf(matched(loud, sine(440, 0.01), RATE), RATE) - loudnessOf(loud, RATE)).toBeCloseTo(-12, 1);
    expect(matched(faint, new Float32Array(RATE), RATE)).toEqual(faint);
  });
});

describe('two channels', () => {
  const left = make(4, (t, n) => 0.02 * Math.sin(2 * Math.PI * 220 * t) + (n % 9000 < 60 ? 0.9 * Math.sin(n) : 0));
  const right = left.map((v) => v / 2);

  it('get one gain: nothing moves', () => {
    const leveller = new Leveller(RATE, -16, 2);
    for (const [l, r] of [levels.levelled([left, right], RATE, {}).audio, leveller.push([left, right], true)])
      expect(Math.max(...l.map((v, i) => Math.abs(v / 2 - r[i])).subarray(0, 90_000))).toBeLessThan(1e-7);
  });

  it('are measured together: two alike are 3 dB over one', () => {
    const tone = sine(440, 0.1, 3);
    const loud = (channels: Float32Array[]) => levels.loudnessOf(levels.levelled(channels, RATE, {}).audio, RATE);
    expect(loud([tone, tone])).toBeCloseTo(-16, 1);
    const out = new Leveller(RATE, -16, 2).push([tone, tone], true);
    expect(levels.loudnessOf(out, RATE)).toBeCloseTo(-16, 0);
  });
});

describe('a stream', () => {
  const swelling = make(12, (t, n) => (0.02 + 0.01 * t) * Math.sin(2 * Math.PI * 220 * t) + (n % 9000 < 60 ? 0.8 : 0) * Math.sin(n));

  it('gives the same bytes in whatever pieces it comes, all of them and no more', () => {
    const whole = inPieces(swelling, [swelling.length]);
    expect(whole.length).toBe(swelling.length);
    for (const sizes of [[1920], [480], [7001, 13], [100_000]]) expect(inPieces(swelling, sizes)).toEqual(whole);
  });

  it('what was heard does not hang on what comes later', () => {
    const leveller = new Leveller(RATE);
    const first = leveller.pushOne(swelling.subarray(0, 6 * RATE));
    expect(first.length).toBeGreaterThan(5.5 * RATE);
    expect(inPieces(swelling, [9999]).slice(0, first.length)).toEqual(first);
  });

  it('is near −16 LUFS from its first second on, under the ceiling, and moves by 1 dB a second at most', () => {
    for (const x of [sine(440, 0.03, 8), sine(440, 0.7, 8), hiss(0.1, 8)]) {
      const out = inPieces(x, [4800]);
      for (const second of [0, 3, 7])
        expect(Math.abs(loudnessOf(out.slice(second * RATE, (second + 1) * RATE), RATE) + 16)).toBeLessThan(1);
      expect(peakDb(out)).toBeLessThanOrEqual(CEILING_DB);
    }
  });

  it('follows a jump of 9 dB by 1 dB a second at most, and gets there', () => {
    const jump = make(24, (t) => (t < 5 ? 0.02 : 0.055) * Math.sin(2 * Math.PI * 440 * t));
    const out = inPieces(jump, [4800]);
    const second = (x: Float32Array, n: number) => loudnessOf(x.slice(n * RATE, (n + 1) * RATE), RATE);
    const gains = Array.from({ length: 24 }, (_, n) => second(out, n) - second(jump, n));
    expect(peakDb(out)).toBeLessThan(CEILING_DB - 0.2); // no limiting, so the gain is the slow one
    for (let n = 1; n < 24; n++) expect(Math.abs(gains[n] - gains[n - 1])).toBeLessThanOrEqual(1.05);
    expect(gains[4] - gains[23]).toBeGreaterThan(7);
    expect(Math.abs(second(out, 23) + 16)).toBeLessThan(2);
  });

  it('silence stays silence, and a short one comes out whole', () => {
    expect(inPieces(new Float32Array(3 * RATE), [4800])).toEqual(new Float32Array(3 * RATE));
    const brief = sine(440, 0.05, 0.4);
    expect(Math.abs(loudnessOf(inPieces(brief, [480]), RATE) + 16)).toBeLessThan(1);
    expect(inPieces(brief, [480]).length).toBe(brief.length);
  });
});
