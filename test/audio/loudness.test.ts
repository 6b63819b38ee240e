import { describe, expect, test } from 'vitest';
import { kFilter, loudness, truePeak } from '../../src/audio/loudness.ts';
import { percentile } from '../../src/audio/statistics.ts';
import { concat, noise, sine } from './signals.ts';

const db = (x: number) => 20 * Math.log10(x);

test('at 48 kHz the K filter is the table of BS.1770-4, within 1e-9', () => {
  const { shelf, highPass } = kFilter(48000);
  const table: [number[], number[]][] = [
    [shelf.b, [1.53512485958697, -2.69169618940638, 1.19839281085285]],
    [shelf.a, [1, -1.69065929318241, 0.73248077421585]],
    [highPass.b, [1, -2, 1]],
    [highPass.a, [1, -1.99004745483398, 0.99007225036621]],
  ];
  for (const [ours, standard] of table) for (const i of [0, 1, 2]) expect(Math.abs(ours[i] - standard[i])).toBeLessThan(1e-9);
});

describe('integrated loudness', () => {
  test('1 kHz stereo sine at -23 dBFS is -23.0 ± 0.1 LUFS', () => {
    const x = sine(20 * 48000, 1000, 48000, 10 ** (-23 / 20));
    expect(Math.abs(loudness([x, x], 48000).integrated + 23)).toBeLessThan(0.1);
  });

  test.each([22050, 24000, 44100, 48000, 96000])('997 Hz mono at 0 dBFS is -3.01 LUFS at %i Hz', (rate) => {
    expect(loudness([sine(5 * rate, 997, rate)], rate).integrated).toBeCloseTo(-3.01, 1);
  });

  test('silence around the music does not count (absolute gate)', () => {
    const x = sine(10 * 24000, 997, 24000, 0.1);
    const padded = concat(new Float32Array(240000), x, new Float32Array(240000));
    expect(Math.abs(loudness([padded], 24000).integrated - loudness([x], 24000).integrated)).toBeLessThan(0.15);
  });

  test('a part 30 dB down does not count (relative gate)', () => {
    const loud = sine(10 * 24000, 997, 24000, 0.3);
    const quiet = sine(10 * 24000, 997, 24000, 0.3 * 10 ** (-30 / 20));
    expect(Math.abs(loudness([concat(loud, quiet)], 24000).integrated - loudness([loud], 24000).integrated)).toBeLessThan(0.15);
  });

  test('surround channels weigh 1.41, the low-frequency channel nothing', () => {
    const x = sine(48000, 997, 48000, 0.1);
    const off = new Float32Array(48000);
    const front = loudness([x, off, off, off, off, off], 48000).integrated;
    expect(loudness([off, off, off, off, x, off], 48000).integrated - front).toBeCloseTo(10 * Math.log10(1.41), 6);
    expect(loudness([off, off, off, x, off, off], 48000).integrated).toBe(-Infinity);
  });

  test('silence is -Infinity; a clip of 50 ms still has a loudness', () => {
    expect(loudness([new Float32Array(48000)], 48000)).toEqual({ integrated: -Infinity, range: 0, drift: 0 });
    expect(loudness([sine(2400, 997, 48000)], 48000).integrated).toBeCloseTo(-3, 0);
  });
});

describe('loudness range and drift', () => {
  test('a constant tone has neither', () => {
    const { range, drift } = loudness([sine(20 * 24000, 440, 24000, 0.2)], 24000);
    expect(range).toBeLessThan(0.01);
    expect(Math.abs(drift)).toBeLessThan(0.02);
  });

  test('nor has one that lasts hardly longer than a window of 3 s', () => {
    for (const seconds of [2.9, 3, 3.1, 3.2, 3.5])
      expect(loudness([sine(Math.round(seconds * 48000), 997, 48000, 0.1)], 48000).range).toBeLessThan(0.05);
  });

  test('two halves 10 dB apart: range 10 LU (EBU Tech 3342, case 1)', () => {
    const x = concat(sine(20 * 48000, 1000, 48000, 0.1), sine(20 * 48000, 1000, 48000, 10 ** (-30 / 20)));
    expect(Math.abs(loudness([x, x], 48000).range - 10)).toBeLessThan(1);
  });

  test('6 dB a minute of fade is read as such', () => {
    const x = sine(30 * 24000, 997, 24000, 0.5).map((v, n) => v * 10 ** ((-6 * n) / 24000 / 60 / 20));
    expect(loudness([x], 24000).drift).toBeCloseTo(-6, 1);
  });
});

describe('true peak', () => {
  test('a sine of fs/4 at 45° has sample peak -3.01 dB and true peak 0 dB', () => {
    const x = sine(4800, 12000, 48000, 1, Math.PI / 4);
    expect(db(Math.max(...x.map(Math.abs)))).toBeCloseTo(-3.01, 2);
    const middle = x.map((v, n) => v * Math.sin((Math.PI * n) / x.length) ** 2); // no edges to ring
    expect(Math.abs(db(truePeak(middle)))).toBeLessThan(0.05);
  });

  test('never below the sample peak, and equal to plain filtering of every sample', () => {
    const x = noise(1000, 3, 0.5);
    x[500] = 0.9;
    let plain = 0;
    for (let n = 0; n < x.length; n++) {
      for (let phase = 0; phase < 4; phase++) {
        let sum = 0;
        for (let m = Math.max(0, n - 15); m <= Math.min(x.length - 1, n + 16); m++) {
          const t = m - n - phase / 4;
          const i0 = (v: number) =>
            Array.from({ length: 40 }, (_, k) => k + 1).reduce(
              ({ term, total }, k) => ({ term: term * (v / (2 * k)) ** 2, total: total + term * (v / (2 * k)) ** 2 }),
              { term: 1, total: 1 },
            ).total;
          sum += x[m] * (t === 0 ? 1 : (Math.sin(Math.PI * t) / (Math.PI * t)) * (i0(8 * Math.sqrt(1 - (t / 16) ** 2)) / i0(8)));
        }
        plain = Math.max(plain, Math.abs(sum));
      }
    }
    expect(truePeak(x)).toBeCloseTo(plain, 9);
    expect(truePeak(x)).toBeGreaterThanOrEqual(Math.fround(0.9));
  });

  test('silence', () => expect(truePeak(new Float32Array(100))).toBe(0));
});

test('percentile is linear between neighbours', () => {
  expect(percentile([0, 10, 20], 0.25)).toBe(5);
  expect(percentile([7], 0.95)).toBe(7);
});
