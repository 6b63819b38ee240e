// Running phases: the gain of a frame against its formula in double precision, and sums that are exact in any parts.
import { describe, expect, it } from 'vitest';
import { hannLine, phaseAdvance, phaseAdvanceReference, phaseSum, pitchTurns, polarTurns } from '../../src/ops/phase.ts';
import { randomWords } from '../../src/ops/random.ts';
import { halfOf } from '../../src/ops/spectrum.ts';
import { expectClose, randomArray } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const MODEL = { size: 960, hop: 240, sampleRate: 24000 };
const turn = 2 ** 32;
/** Distance of two phases in turns, at most 1/2. */
const apart = (a: number, b: number) => Math.abs(a - b - Math.round(a - b));

interface Shape {
  rows: number;
  bins: number;
  directed?: number;
  pitches: { lowest: number; count: number; bins: number; smooth?: number; per_semitone?: number };
  more?: number; // columns of x and eps behind what is read
}

/** The formula of weights/FORMAT.md (istft_running), written again: a flat loop over complex numbers. */
function formula(x: Float32Array, eps: Float32Array, row: number, epsRow: number, s: Shape, framing: typeof MODEL, tuning: number) {
  const { bins, pitches, directed = bins } = s;
  const hz = (p: number, a4: number) => a4 * 2 ** ((pitches.lowest + p / (pitches.per_semitone ?? 1) - 69) / 12);
  return Array.from({ length: s.rows * bins }, (_, i) => {
    const [t, k] = [Math.floor(i / bins), i % bins];
    const at = (c: number) => x[t * row + bins + c];
    const mean = (c: number) => {
      let [sum, count] = [0, 0];
      for (let r = t - (pitches.smooth ?? 0); r <= t + (pitches.smooth ?? 0); r++)
        if (r >= 0 && r < s.rows) [sum, count] = [sum + x[r * row + bins + c], count + 1];
      return sum / count;
    };
    if (k < pitches.bins) {
      let [best, most] = [0, -Infinity];
      for (let p = 0; p < pitches.count; p++) {
        const value = mean(2 * directed + p) + Math.log(hannLine((hz(p, 440) * framing.size) / framing.sampleRate - k) + 1e-4);
        if (value > most) [best, most] = [p, value];
      }
      return (hz(best, tuning) * framing.hop) / framing.sampleRate;
    }
    const [a, b] = k < directed ? [at(k), at(directed + k)] : [0, 0];
    const quarter = (2 * Math.PI * k * framing.hop) / framing.size;
    const [re, im] = [a * Math.cos(quarter) - b * Math.sin(quarter), a * Math.sin(quarter) + b * Math.cos(quarter)];
    const [angle, size] = a === 0 && b === 0 ? [0, 0] : [Math.atan2(im, re), Math.hypot(re, im)];
    const sigma = Math.sqrt(-2 * Math.log(Math.min(0.9999, Math.max(0.01, size))));
    return (angle + sigma * eps[t * epsRow + k]) / (2 * Math.PI);
  });
}

async function advance(x: Float32Array, eps: Float32Array, s: Shape, framing = MODEL, tuning = 440): Promise<Uint32Array> {
  const turns = pitchTurns(s.pitches, framing, tuning);
  const { raw } = await runGraph(
    gpu(),
    (g) => {
      const at = (name: string, data: Float32Array) => g.input(name, [s.rows, data.length / s.rows]);
      const options = { ...framing, ...s, reference: 440 };
      return { u: phaseAdvance(g, at('x', x), at('eps', eps), g.input('turns', [s.pitches.count], 'u32'), options) };
    },
    { x, eps, turns },
  );
  return new Uint32Array(raw.u);
}

describe('phaseAdvance', () => {
  const cases: [string, Shape, typeof MODEL, number][] = [
    ['one bin of each kind', { rows: 1, bins: 2, pitches: { lowest: 30, count: 1, bins: 1 } }, { size: 4, hop: 1, sampleRate: 100 }, 440],
    [
      'none tuned to a pitch',
      { rows: 3, bins: 9, pitches: { lowest: 60, count: 2, bins: 0 }, more: 3 },
      { size: 16, hop: 4, sampleRate: 8000 },
      440,
    ],
    [
      'odd, some without a direction',
      { rows: 7, bins: 33, directed: 21, pitches: { lowest: 69, count: 13, bins: 8, smooth: 3 }, more: 5 },
      { size: 64, hop: 16, sampleRate: 12000 },
      466,
    ],
    ['three in a semitone', { rows: 9, bins: 65, pitches: { lowest: 30, count: 90, bins: 20, smooth: 1, per_semitone: 3 } }, MODEL, 442],
    ['the model', { rows: 37, bins: 481, pitches: { lowest: 24, count: 60, bins: 40 } }, MODEL, 415.3],
  ];
  it.each(cases)('%s', async (_, s, framing, tuning) => {
    if (s.pitches.bins === 0)
      return expect(advance(new Float32Array(99), new Float32Array(99), s, framing)).rejects.toThrow('positive integer');
    const { bins, pitches, directed = bins, more = 0 } = s;
    const [row, epsRow] = [bins + 2 * directed + pitches.count + more, bins + more];
    const x = randomArray(s.rows * row, 11, 1.2);
    const eps = randomArray(s.rows * epsRow, 12, 3);
    const u = await advance(x, eps, s, framing, tuning);
    const expected = formula(x, eps, row, epsRow, s, framing, tuning);
    const own = phaseAdvanceReference(x, eps, pitchTurns(pitches, framing, tuning), { ...framing, ...s, reference: 440, row, epsRow });
    expected.forEach((turns, i) => {
      expect(apart(u[i] / turn, turns)).toBeLessThan(2e-6);
      expect(apart(own[i], turns)).toBeLessThan(1e-9);
    });
  });

  it('directions at the axes, of no length, very short and very long', async () => {
    const points = [
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, -1],
      [1, 1],
      [-1, 1],
      [-1, -1],
      [1, -1],
      [0, 0],
      [1e-30, -1e-30],
      [-1e15, 1e14],
      [0.4142, 1],
      [1, 0.4143],
      [0, -0],
    ];
    const bins = points.length + 1; // bin 0 has a pitch
    const s = { rows: 1, bins, pitches: { lowest: 30, count: 1, bins: 1 } };
    const x = Float32Array.from([...new Array(bins).fill(0), 0, ...points.map(([a]) => a), 0, ...points.map(([, b]) => b), 0]);
    const zeros = new Float32Array(bins);
    const u = await advance(x, zeros, s, { size: 960, hop: 240, sampleRate: 24000 });
    points.forEach(([a, b], i) => {
      const expected = a === 0 && b === 0 ? 0 : Math.atan2(b, a) / (2 * Math.PI) + (i + 1) / 4;
      expect(apart(u[i + 1] / turn, expected)).toBeLessThan(2e-7);
    });
    // the width is the clamped one: 0.01 and 0.9999
    const noisy = await advance(
      x,
      zeros.map(() => 1),
      s,
    );
    const width = (i: number) => apart(noisy[i + 1] / turn, u[i + 1] / turn) * 2 * Math.PI;
    expect(width(8)).toBeCloseTo(
      Math.abs(Math.sqrt(-2 * Math.log(0.01)) - 2 * Math.PI * Math.round(Math.sqrt(-2 * Math.log(0.01)) / (2 * Math.PI))),
      4,
    );
    expect(width(0)).toBeCloseTo(Math.sqrt(-2 * Math.log(0.9999)), 4);
  });

  it('of equals the lowest pitch is chosen', async () => {
    const pitches = { lowest: 69, count: 4, bins: 1 }; // far from bin 0: all lines are equal there
    const s = { rows: 2, bins: 1, pitches };
    const row = 3 + 4;
    const x = Float32Array.from([0, 1, 0, 2, 2, 2, 2, 0, 1, 0, 1, 3, 2, 3]);
    expect(x.length).toBe(2 * row);
    const u = await advance(x, new Float32Array(2), s);
    const turns = pitchTurns(pitches, MODEL, 440);
    expect([...u]).toEqual([turns[0], turns[1]]);
  });

  it('tuning moves pitches by its ratio and changes no choice', () => {
    const pitches = { lowest: 24, count: 60, bins: 40 };
    const at = (a4: number) => pitchTurns(pitches, MODEL, a4);
    const [plain, high] = [at(440), at(442)];
    expect(plain[45]).toBe(Math.round((((440 * 240) / 24000) % 1) * turn));
    plain.forEach((_, p) => {
      const hz = 440 * 2 ** ((p - 45) / 12);
      expect(apart(high[p] / turn - plain[p] / turn, ((hz * 2) / 440) * 0.01)).toBeLessThan(1e-9);
    });
  });

  it.each([
    ['too few columns', { size: 960, hop: 240 }, 8],
    ['another hop', { size: 960, hop: 480 }, 99],
  ])('refuses %s', async (_, framing, columns) => {
    const options = { ...framing, sampleRate: 24000, pitches: { lowest: 24, count: 2, bins: 1 }, reference: 440, bins: 3 };
    await expect(
      runGraph(gpu(), (g) => ({ u: phaseAdvance(g, g.input('x', [1, columns]), g.input('e', [1, 3]), g.input('t', [2], 'u32'), options) })),
    ).rejects.toThrow(/^phase_advance: got x/);
  });
});

describe('phaseSum', () => {
  const run = async (u: Uint32Array, start: Uint32Array, drift: Uint32Array, scalars: { first: number; end: number }) => {
    const bins = start.length;
    const { raw } = await runGraph(
      gpu(),
      (g) => {
        const from = { start: g.input('start', [bins], 'u32'), drift: g.input('drift', [bins], 'u32') };
        return phaseSum(g, g.input('u', [u.length / bins, bins], 'u32'), { ...from, first: g.scalar('first'), end: g.scalar('end') });
      },
      { u, start, drift },
      scalars,
    );
    return { phase: new Uint32Array(raw.phase), next: new Uint32Array(raw.next) };
  };

  for (const [rows, bins, first, end] of [
    [1, 1, 0, 1],
    [5, 3, 0, 0],
    [9, 65, 4, 7],
    [7, 64, 7, 7],
    [203, 481, 20, 180],
  ])
    it(`[${rows}, ${bins}] from row ${first}, carried before row ${end}: wrapping sums, exact`, async () => {
      const [u, start, drift] = [randomWords(rows * bins, 1, 0), randomWords(bins, 2, 0), randomWords(bins, 3, 0)];
      const { phase, next } = await run(u, start, drift, { first, end });
      const expected = new Uint32Array(rows * bins);
      for (let k = 0; k < bins; k++) {
        let sum = BigInt(start[k]);
        if (end === 0) expect(next[k]).toBe(start[k]);
        for (let t = 0; t < rows; t++) {
          if (t >= first) sum += BigInt(u[t * bins + k]) + BigInt(drift[k]);
          expected[t * bins + k] = Number(sum % 2n ** 32n);
        }
        if (end > 0) expect(next[k]).toBe(expected[(end - 1) * bins + k]);
      }
      expect(phase).toEqual(expected);
    });

  it('two halves with the phase carried equal the whole, bit for bit', async () => {
    const [rows, bins, cut] = [50, 33, 19];
    const [u, start, drift] = [randomWords(rows * bins, 4, 0), randomWords(bins, 5, 0), randomWords(bins, 6, 0)];
    const whole = await run(u, start, drift, { first: 0, end: rows });
    const left = await run(u.slice(0, cut * bins), start, drift, { first: 0, end: cut });
    const right = await run(u.slice((cut - 3) * bins), left.next, drift, { first: 3, end: rows - cut + 3 }); // three rows of context
    expect([...left.phase, ...right.phase.slice(3 * bins)]).toEqual([...whole.phase]);
    expect(right.next).toEqual(whole.next);
  });
});

describe('polarTurns', () => {
  for (const [rows, bins] of [
    [1, 1],
    [5, 33],
    [9, 481],
  ])
    it(`[${rows}, ${bins}], magnitude limited`, async () => {
      const row = bins + 2;
      const [x, phase] = [randomArray(rows * row, 8, 2), randomWords(rows * bins, 9, 0)];
      phase.set([0, 2 ** 31, 2 ** 32 - 1, 2 ** 30].slice(0, phase.length));
      const { y } = await runGraph(
        gpu(),
        (g) => ({ y: polarTurns(g, g.input('x', [rows, row]), g.input('phase', [rows, bins], 'u32'), { limit: 1.5 }) }),
        { x, phase },
      );
      const half = halfOf(bins);
      const expected = new Float64Array(rows * 2 * half);
      for (let i = 0; i < rows * bins; i++) {
        const [t, k] = [Math.floor(i / bins), i % bins];
        const [magnitude, angle] = [Math.exp(Math.min(x[t * row + k], 1.5)), (2 * Math.PI * phase[i]) / turn];
        expected[t * 2 * half + k] = magnitude * Math.cos(angle);
        expected[t * 2 * half + half + k] = magnitude * Math.sin(angle);
      }
      expectClose(y, expected);
    });

  it('keeps a magnitude that is NaN, so that the watch behind the decoder sees it, and lets its neighbours be', async () => {
    const bins = 33;
    const x = Float32Array.from({ length: bins }, (_, k) => (k === 7 ? Number.NaN : 0));
    const phase = new Uint32Array(bins);
    const { y } = await runGraph(
      gpu(),
      (g) => ({ y: polarTurns(g, g.input('x', [1, bins]), g.input('phase', [1, bins], 'u32'), { limit: 1.5 }) }),
      { x, phase },
    );
    expect([...y].flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([7, halfOf(bins) + 7]);
  });
});
