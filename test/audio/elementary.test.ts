// The engine's own elementary functions against Math's, whose last bits are the host's.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { argTurns, cosTurns, exp, exp2, log, log2, log10, sinTurns } from '../../src/elementary.ts';

/** Evenly spread from low to high, the ends included. */
const spread = (low: number, high: number, count = 20_011) =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
const worst = (points: readonly number[], error: (x: number) => number) => points.reduce((most, x) => Math.max(most, error(x)), 0);
const relative = (got: number, expected: number) => Math.abs(got - expected) / Math.abs(expected);

describe('elementary functions', () => {
  it('powers and logarithms are Math’s to the last bits, and exact where the result is whole', () => {
    expect(worst(spread(-1, 1), (x) => relative(exp2(x), 2 ** x))).toBeLessThan(9e-16);
    expect(worst(spread(-40, 40), (x) => relative(exp2(x), 2 ** x))).toBeLessThan(3e-15);
    expect(worst(spread(-20, 20), (x) => relative(exp(x), Math.exp(x)))).toBeLessThan(8e-15);
    const positive = [...spread(1e-3, 3), ...spread(-300, 300).map((e) => 10 ** e)];
    expect(worst(positive, (x) => Math.abs(log2(x) - Math.log2(x)) / Math.max(1, Math.abs(Math.log2(x))))).toBeLessThan(5e-16);
    expect(worst(spread(0.9, 1.1), (x) => (x === 1 ? 0 : relative(log(x), Math.log(x))))).toBeLessThan(9e-16);
    expect(worst(positive, (x) => Math.abs(log10(x) - Math.log10(x)) / Math.max(1, Math.abs(Math.log10(x))))).toBeLessThan(9e-16);
    for (let n = -1074; n < 1024; n++) {
      expect(exp2(n)).toBe(2 ** n);
      expect(log2(2 ** n)).toBe(n);
    }
    expect([exp2(-Infinity), exp2(Infinity), exp2(Number.NaN)]).toEqual([0, Infinity, Number.NaN]);
    expect([log2(0), log2(-1), log2(Infinity), log2(Number.NaN)]).toEqual([-Infinity, Number.NaN, Infinity, Number.NaN]);
  });

  it('sine, cosine and angle are Math’s to the last bits, and exact at quarters of a turn', () => {
    const turns = spread(-3, 3);
    expect(worst(turns, (t) => Math.abs(sinTurns(t) - Math.sin(2 * Math.PI * (t - Math.round(t)))))).toBeLessThan(7e-16);
    expect(worst(turns, (t) => Math.abs(cosTurns(t) - Math.cos(2 * Math.PI * (t - Math.round(t)))))).toBeLessThan(7e-16);
    expect([0, 0.25, 0.5, 0.75, 1000.25, -0.25].map((t) => [sinTurns(t) + 0, cosTurns(t) + 0])).toEqual([
      [0, 1],
      [1, 0],
      [0, -1],
      [-1, 0],
      [1, 0],
      [-1, 0],
    ]);
    const circle = spread(0, 2 * Math.PI).map((a) => [3 * Math.sin(a), 3 * Math.cos(a)] as const);
    for (const [y, x] of circle) expect(Math.abs(argTurns(y, x) - Math.atan2(y, x) / (2 * Math.PI))).toBeLessThan(2e-16);
    expect([argTurns(0, 0), argTurns(0, 2), argTurns(2, 0), argTurns(0, -2), argTurns(-2, 0)]).toEqual([0, 0, 0.25, 0.5, -0.25]);
  });

  it('have these bits in every engine', () => {
    const values = spread(-9, 9, 4001).flatMap((x) => [
      exp2(x),
      exp(x),
      log2(x + 10),
      sinTurns(x),
      cosTurns(x),
      argTurns(x, 1),
      argTurns(1, x),
    ]);
    const hash = createHash('sha256')
      .update(new Uint8Array(Float64Array.from(values).buffer))
      .digest('hex');
    expect(hash).toBe('d261763c10859d764d885c411b3345d0b1a0aa14c4411d89ad65c5128b9f35c0');
  });
});
