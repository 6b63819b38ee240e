import { describe, expect, it } from 'vitest';
import { normalNoise, normalNoiseReference, philox, STREAM, seedWords } from '../../src/ops/random.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('philox', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
  it('gives the published words', () => {
    const hex = (words: readonly number[]) => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
    expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    const ones = 0xffffffff;
    expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    );
  });
});

describe('normalNoise', () => {
  for (const [n, seed, block] of [
    [1, 0, 0],
    [63, 1, 0],
    [252, 5, 0],
    [256, 5, 3],
    [257, 2 ** 32 - 1, 7],
    [4096, 2 ** 53 - 1, 1000],
  ])
    it(`${n} values of seed ${seed} equal the TypeScript reference bit for bit`, async () => {
      const [low, high] = seedWords(seed);
      const { raw } = await runGraph(
        gpu(),
        (g) => ({
          y: normalNoise(g, [n], { seed: [g.scalar('low'), g.scalar('high')], stream: STREAM.noise, block: g.scalar('block') }),
        }),
        {},
        { low, high, block },
      );
      expect(new Uint8Array(raw.y)).toEqual(new Uint8Array(normalNoiseReference(n, seed, STREAM.noise, block).buffer));
    });

  it('of a circle begins again after its period', async () => {
    const [n, seed, block, period] = [40, 3, 5, 8];
    const { y } = await runGraph(gpu(), (g) => ({
      y: normalNoise(g, [n], { seed: seedWords(seed), stream: STREAM.jitter, block, period }),
    }));
    const circle = normalNoiseReference(4 * period, seed, STREAM.jitter);
    expect([...y]).toEqual(Array.from({ length: n }, (_, i) => circle[(4 * block + i) % circle.length]));
    expect([...normalNoiseReference(n, seed, STREAM.jitter, block, period)]).toEqual([...y]);
  });

  it('is standard normal: mean, variance, skew, kurtosis, tails', () => {
    const n = 400_000;
    const x = normalNoiseReference(n, 42, STREAM.noise);
    const moment = (k: number) => x.reduce((sum, v) => sum + v ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    for (const [edge, share] of [
      [1, 0.317311],
      [2, 0.0455],
      [3, 0.0026998],
    ]) {
      const count = x.reduce((c, v) => c + Number(Math.abs(v) > edge), 0);
      expect(Math.abs(count / n - share)).toBeLessThan(4 * Math.sqrt(share / n));
    }
  });

  it('continues where an earlier block ended, and streams and seeds differ', () => {
    const whole = normalNoiseReference(64, 5, 0);
    expect(normalNoiseReference(32, 5, 0, 8)).toEqual(whole.slice(32));
    expect(normalNoiseReference(8, 5, 1)).not.toEqual(whole.slice(0, 8));
    expect(normalNoiseReference(8, 6, 0)).not.toEqual(whole.slice(0, 8));
  });

  it('refuses seeds that are not whole numbers of 53 bits', () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53, Infinity]) expect(() => seedWords(seed)).toThrow('seed must be a whole number');
    expect(() => seedWords('7' as unknown as number)).toThrow('seed must be a whole number');
  });
});
