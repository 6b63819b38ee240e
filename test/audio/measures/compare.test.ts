import { describe, expect, test } from 'vitest';
import { features } from '../../../src/audio/measures/features.ts';
import { defaultShrink, eigen, fitGaussian, frechetDistance, type Gaussian } from '../../../src/audio/measures/frechet.ts';
import { descriptor, diversity, mfcc } from '../../../src/audio/measures/timbre.ts';
import { parity } from '../../helpers/parity.ts';
import { beats, chord, clicks, gaussian, mix, sine } from '../signals.ts';

const RATE = 24000;

describe('parity', () => {
  const x = gaussian(RATE, 1);
  test('identical clips: 0 and infinity', () => {
    expect(parity(x, x)).toEqual({ maxAbs: 0, snrDb: Infinity, siSdrDb: Infinity, logSpectralDistanceDb: 0 });
  });
  test('half the level: SNR and log-spectral distance 6.02 dB, SI-SDR infinite', () => {
    const p = parity(
      x.map((v) => v / 2),
      x,
    );
    expect(p.snrDb).toBeCloseTo(6.02, 2);
    expect(p.logSpectralDistanceDb).toBeCloseTo(6.02, 2);
    expect(p.siSdrDb).toBe(Infinity);
  });
  test('independent noise 20 dB down: both ratios 20 dB', () => {
    const p = parity(mix(x, gaussian(RATE, 9, 0.01)), x);
    expect(p.snrDb).toBeCloseTo(20, 0);
    expect(p.siSdrDb).toBeCloseTo(20, 0);
  });
  test('unequal lengths are refused', () => expect(() => parity(x, x.subarray(1))).toThrow('samples against'));
});

describe('Fréchet distance', () => {
  const normal = (n: number, d: number, seed: number, shift = 0, scale = 1) => {
    const values = gaussian(n * d, seed, scale);
    return Array.from({ length: n }, (_, i) => Float64Array.from({ length: d }, (_, k) => values[i * d + k] + shift));
  };
  test('X against X is 0', () => {
    const g = fitGaussian(normal(200, 8, 1));
    expect(frechetDistance(g, g)).toBeLessThan(1e-9);
  });
  test('equal covariance, means apart by delta: |delta|^2', () => {
    const a = fitGaussian(normal(200, 8, 1));
    const b = { ...a, mean: a.mean.map((v, i) => v + i) };
    expect(frechetDistance(a, b)).toBeCloseTo(140, 6); // 0 + 1 + 4 + … + 49
  });
  test('one dimension: (m1 - m2)^2 + (s1 - s2)^2', () => {
    const one = (mean: number, sigma: number): Gaussian => ({ mean: Float64Array.of(mean), covariance: Float64Array.of(sigma * sigma) });
    expect(frechetDistance(one(1, 2), one(4, 7))).toBeCloseTo(9 + 25, 9);
  });
  test('symmetric, and unchanged by a rotation of both sets', () => {
    const a = normal(100, 2, 1);
    const b = normal(100, 2, 2, 0.5, 2);
    const turn = (v: Float64Array) => Float64Array.of(0.6 * v[0] - 0.8 * v[1], 0.8 * v[0] + 0.6 * v[1]);
    const d = frechetDistance(fitGaussian(a), fitGaussian(b));
    expect(frechetDistance(fitGaussian(b), fitGaussian(a))).toBeCloseTo(d, 9);
    expect(frechetDistance(fitGaussian(a.map(turn)), fitGaussian(b.map(turn)))).toBeCloseTo(d, 9);
  });
  test('fewer vectors than dimensions: finite, and shrinkage keeps the variances', () => {
    const few = normal(6, 64, 3);
    const shrunk = fitGaussian(few, defaultShrink(6, 64));
    const plain = fitGaussian(few);
    expect(shrunk.covariance[65]).toBe(plain.covariance[65]);
    expect(Math.abs(shrunk.covariance[1])).toBeLessThan(Math.abs(plain.covariance[1]));
    expect(Number.isFinite(frechetDistance(shrunk, fitGaussian(normal(6, 64, 4), defaultShrink(6, 64))))).toBe(true);
  });
  test('one vector is refused', () => expect(() => fitGaussian([[1, 2]])).toThrow('at least 2'));
  test('eigen decomposition rebuilds the matrix', () => {
    const d = 16;
    const { covariance } = fitGaussian(normal(50, d, 5));
    const { values, vectors } = eigen(covariance, d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += values[k] * vectors[i * d + k] * vectors[j * d + k];
        expect(sum).toBeCloseTo(covariance[i * d + j], 10);
      }
    }
  });
});

describe('descriptor and diversity', () => {
  const beat = (bpm: number, notes: number[]) => descriptor(features(mix(clicks(6, RATE, beats(6, bpm)), chord(6, RATE, notes)), RATE));
  const calm = beat(80, [60, 64, 67]);
  const bright = beat(150, [78, 82, 85]);
  test('64 finite numbers', () => {
    expect(calm.length).toBe(64);
    for (const x of [calm, bright, descriptor(features(new Float32Array(RATE), RATE))]) expect(x.every(Number.isFinite)).toBe(true);
  });
  test('copies have diversity 0, different clips more than nearly equal ones', () => {
    expect(diversity([calm, calm, calm])).toBe(0);
    expect(diversity([calm, bright])).toBeGreaterThan(3 * diversity([calm, beat(81, [60, 64, 67])]));
  });
  test('MFCC of a constant spectrum has only coefficient 0', () => {
    const c = mfcc(new Float32Array(128).fill(3), 5);
    expect(c[0]).toBeCloseTo(3 * Math.sqrt(128), 9);
    for (const v of c.subarray(1)) expect(v).toBeCloseTo(0, 9);
  });
  test('a sine away from silence moves the descriptor', () => {
    expect(diversity([descriptor(features(sine(RATE, 440, RATE, 0.1), RATE)), calm])).toBeGreaterThan(1);
  });
});
