import { describe, expect, it } from 'vitest';
import { nextWindow, parallelRounds, planWindows, rotations, type WindowSizes } from '../../src/pipeline/stages/schedule.ts';

describe('rotations', () => {
  for (const schedule of ['linear', 'uniform'] as const)
    it(`${schedule}: positive, and their sum is π/2 for every number of steps`, () => {
      for (let steps = 1; steps <= 100; steps++) {
        const omega = rotations(steps, schedule);
        expect(omega).toHaveLength(steps);
        expect(Math.min(...omega)).toBeGreaterThan(0);
        expect(omega.reduce((a, b) => a + b)).toBeCloseTo(Math.PI / 2, 12);
      }
    });

  it('linear: ω_t = π/(6T) + 2πt/(3T(T+1)), largest first', () => {
    expect(rotations(2)).toEqual([Math.PI / 12 + (4 * Math.PI) / 18, Math.PI / 12 + (2 * Math.PI) / 18]);
  });

  it('refuses other counts and schedules', () => {
    for (const steps of [0, -1, 1.5, Number.NaN, 1001])
      expect(() => rotations(steps)).toThrow('steps must be a whole number from 1 to 1000');
    expect(() => rotations(5, 'cosine' as 'linear')).toThrow('schedule must be');
  });
});

describe('planWindows', () => {
  const sizes: WindowSizes = { window: 500, context: 200, grid: 100, first: 500 };
  const unknown = (n: number) => new Array<boolean>(n).fill(false);
  const brief = (known: boolean[], s = sizes) => planWindows(known, s).map((w) => [w.start, w.length, w.fresh.filter(Boolean).length]);

  it('generates: a full window, then windows with context in front', () => {
    expect(brief(unknown(500))).toEqual([[0, 500, 500]]);
    expect(brief(unknown(200))).toEqual([[0, 200, 200]]);
    expect(brief(unknown(1200))).toEqual([
      [0, 500, 500],
      [300, 500, 300],
      [600, 500, 300],
      [900, 300, 100],
    ]);
  });

  it('starts small when asked to sound soon', () => {
    expect(brief(unknown(1000), { ...sizes, first: 100 })).toEqual([
      [0, 100, 100],
      [0, 300, 200],
      [100, 500, 300],
      [400, 500, 300],
      [700, 300, 100],
    ]);
  });

  it('continues behind what is known', () => {
    expect(brief([...new Array<boolean>(400).fill(true), ...unknown(300)])).toEqual([[200, 500, 300]]);
  });

  it('inpaints with context on both sides, frame by frame', () => {
    const known = new Array<boolean>(1000).fill(true).fill(false, 430, 470);
    expect(planWindows(known, sizes)).toEqual([{ start: 200, length: 500, fresh: known.slice(200, 700).map((k) => !k) }]);
  });

  it('makes every unknown frame exactly once and never a known one', () => {
    for (let seed = 1; seed < 60; seed++) {
      const length = 100 * (1 + (seed % 17));
      const known = Array.from({ length }, (_, i) => Math.sin(i * 0.013 * seed + seed) > Math.cos(seed));
      const made = new Array<number>(length).fill(0);
      for (const w of planWindows(known, { ...sizes, first: seed % 2 ? 500 : 100 })) {
        expect(w.length).toBeLessThanOrEqual(500);
        expect(w.fresh).toHaveLength(w.length);
        expect(w.fresh.some(Boolean)).toBe(true);
        w.fresh.forEach((fresh, i) => {
          if (fresh) made[w.start + i] += 1;
        });
      }
      expect(made).toEqual(known.map((k) => (k ? 0 : 1)));
    }
  });

  it('refuses sizes that do not fit together', () => {
    expect(() => nextWindow(unknown(250), 0, sizes)).toThrow('expected multiples of the grid');
    expect(() => nextWindow(unknown(200), 0, { ...sizes, context: 500 })).toThrow('context < window');
  });
});

describe('parallelRounds', () => {
  const sizes: WindowSizes = { window: 500, context: 200, grid: 100, first: 500 };

  it('makes every frame exactly once, gaps only between what the first round made', () => {
    for (let length = 100; length <= 3000; length += 100) {
      const [anchors, bridges] = parallelRounds(length, sizes);
      const made = new Array<number>(length).fill(0);
      const note = (windows: typeof anchors) => {
        for (const w of windows)
          w.fresh.forEach((fresh, i) => {
            if (fresh) made[w.start + i] += 1;
            else expect(made[w.start + i]).toBe(1);
          });
      };
      note(anchors);
      note(bridges);
      expect(made).toEqual(new Array<number>(length).fill(1));
      for (const w of [...anchors, ...bridges]) expect(w.length).toBeLessThanOrEqual(500);
    }
  });
});
