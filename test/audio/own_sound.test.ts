// A given sound around made music: its own samples, rate and channels, and no edge where the two meet.
import { describe, expect, test } from 'vitest';
import { intoGiven, onFromGiven } from '../../src/audio/own_sound.ts';
import { resample } from '../../src/audio/resample.ts';

/** A sum of tones below 9 kHz, so that 24 kHz hold it all, sampled at `rate`. */
const sound = (rate: number, seconds: number, phase = 0) =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => {
    const t = i / rate;
    return 0.3 * Math.sin(2 * Math.PI * 441.3 * t + phase) + 0.1 * Math.sin(2 * Math.PI * 7123 * t + phase);
  });
const largest = (x: Float32Array, y: Float32Array, from: number, to: number) => {
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(x[i] - y[i]));
  return most;
};

describe('a region', () => {
  test.each([
    [44_100, 24_000],
    [48_000, 24_000],
    [22_050, 24_000],
    [24_000, 24_000],
  ])('of %i Hz, made at %i Hz', (rate, made) => {
    const given = { channels: [sound(rate, 5.3), sound(rate, 5.3, 1)], sampleRate: rate };
    const region = { start: 1.7, end: 3.25 };
    const clip = { channels: [sound(made, 5.3, 2)], sampleRate: made };
    const before = given.channels.map((channel) => channel.slice());
    const out = intoGiven(given, clip, [region]);
    const [start, end] = [Math.round(1.7 * rate), Math.round(3.25 * rate)];
    expect(out.map(({ length }) => length)).toEqual(before.map(({ length }) => length));
    for (const [c, channel] of out.entries()) {
      expect(largest(channel, before[c], 0, start)).toBe(0);
      expect(largest(channel, before[c], end, channel.length)).toBe(0);
      const join = Math.round(0.02 * rate);
      expect(largest(channel, sound(rate, 5.3, 2), start + join, end - join)).toBeLessThan(made === rate ? 1e-6 : 2e-4);
      expect(largest(given.channels[c], before[c], 0, channel.length)).toBe(0); // what was given is not written into
    }
  });

  test('at both ends of the sound, and two at once', () => {
    const given = { channels: [sound(44_100, 3)], sampleRate: 44_100 };
    const clip = { channels: [sound(24_000, 3, 2)], sampleRate: 24_000 };
    const out = intoGiven(given, clip, [
      { start: 0, end: 0.5 },
      { start: 2.5, end: 3 },
    ])[0];
    const own = sound(44_100, 3, 2);
    expect(largest(out, own, 200, 20_000)).toBeLessThan(2e-4);
    expect(largest(out, given.channels[0], 22_050, 110_250)).toBe(0);
    expect(largest(out, own, 112_000, 132_000)).toBeLessThan(2e-4);
  });
});

describe('after the given sound', () => {
  test.each([44_100, 22_050, 96_000, 24_000])('of %i Hz', (rate) => {
    // One tone that goes on, of which the second part was made at 24 kHz from where the first, converted, ends.
    const own = sound(rate, 5.123);
    const { length } = own;
    const converted = Math.ceil((length * 24_000) / rate);
    const whole = sound(24_000, 9);
    const expected = sound(rate, 9).subarray(length);
    const made = { channels: [whole.slice(converted)], sampleRate: 24_000 };
    const out = onFromGiven({ channels: [own, own], sampleRate: rate }, made, expected.length);
    expect(out.map((channel) => channel.length)).toEqual([expected.length, expected.length]);
    const end = expected.length - Math.round(0.01 * rate); // where the made part stops, conversion has an edge
    expect(largest(out[1], expected, 0, end)).toBeLessThan(0.04); // high tones alone: a step would be ten times that
    expect(largest(out[1], expected, Math.ceil(0.02 * rate), end)).toBeLessThan(1e-5);
  });

  test('shorter than a second', () => {
    const own = sound(44_100, 0.3);
    const made = { channels: [resample(sound(44_100, 1), 44_100, 24_000)], sampleRate: 24_000 };
    const [out] = onFromGiven({ channels: [own], sampleRate: 44_100 }, made, 44_100);
    expect(out.length).toBe(44_100);
    expect(Math.abs(out[0] - own[own.length - 1])).toBeLessThan(0.1);
  });

  test('of two channels at the rate of the one that is made: neither has a step', () => {
    const [left, right] = [sound(24_000, 1).map((x) => x + 0.2), sound(24_000, 1).map((x) => x - 0.2)];
    const made = { channels: [sound(24_000, 2).slice(24_000)], sampleRate: 24_000 };
    for (const [c, channel] of onFromGiven({ channels: [left, right], sampleRate: 24_000 }, made, 24_000).entries())
      expect(Math.abs(channel[0] - [left, right][c][23_999])).toBeLessThan(0.1); // 0.2 beside it
  });
});
