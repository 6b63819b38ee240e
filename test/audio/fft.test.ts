import { expect, test } from 'vitest';
import { frameCount, powerFrames, RealFft } from '../../src/audio/fft.ts';
import { noise } from './signals.ts';

test.each([4, 8, 64, 512])('power of a random frame of %i equals the plain DFT', (size) => {
  const x = Float64Array.from(noise(size, 3));
  const power = new Float64Array(size / 2 + 1);
  new RealFft(size).power(x, power);
  for (let k = 0; k <= size / 2; k++) {
    let re = 0;
    let im = 0;
    for (let n = 0; n < size; n++) {
      re += x[n] * Math.cos((2 * Math.PI * k * n) / size);
      im -= x[n] * Math.sin((2 * Math.PI * k * n) / size);
    }
    expect(power[k]).toBeCloseTo(re * re + im * im, 9);
  }
});

test('sizes that are not a power of two are refused', () => {
  expect(() => new RealFft(12)).toThrow('power of two');
});

test('frames are whole frames; a short clip gives one padded frame', () => {
  expect(frameCount(2048 + 512 * 3 + 511, 2048, 512)).toBe(4);
  let seen = 0;
  powerFrames(new Float32Array(100).fill(1), 2048, 512, (power) => {
    seen++;
    expect(power[0]).toBeGreaterThan(0);
  });
  expect(seen).toBe(1);
});
