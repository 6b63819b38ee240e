import { describe, expect, it } from 'vitest';
import { istftReference, stftReference } from '../../src/cases/spectrum.ts';
import { complexPower, filterBank, halfOf, istft, logFloor, onsetRise, peakNormalise, polar, stft } from '../../src/ops/spectrum.ts';
import { expectClose, randomArray, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('stft', () => {
  for (const [size, hop, frames] of [
    [8, 2, 1],
    [64, 16, 5],
    [60, 20, 7],
    [512, 240, 3],
    [1024, 480, 2],
  ])
    it(`size ${size}, hop ${hop}, ${frames} frames`, async () => {
      const x = randomArray(frames * hop, 1);
      const { y } = await runGraph(gpu(), (g) => ({ y: stft(g, g.input('x', [x.length]), { size, hop }) }), { x });
      expectClose(y, stftReference({ frames: x.length / hop, size: size, hop: hop, bins: size / 2 + 1 }, x));
    });

  it('computes only the bins asked for', async () => {
    const x = randomArray(4 * 32, 2);
    const { y } = await runGraph(gpu(), (g) => ({ y: stft(g, g.input('x', [128]), { size: 128, hop: 32, bins: 9 }) }), { x });
    expectClose(y, stftReference({ frames: x.length / 32, size: 128, hop: 32, bins: 9 }, x));
  });

  it('a long window over a short signal, few bins of it', async () => {
    const x = randomArray(3 * 480, 9);
    const { y } = await runGraph(gpu(), (g) => ({ y: stft(g, g.input('x', [x.length]), { size: 8192, hop: 480, bins: 31 }) }), { x });
    expectClose(y, stftReference({ frames: x.length / 480, size: 8192, hop: 480, bins: 31 }, x));
  });

  it.each([0, 34, 1.5])('refuses %s bins of 33', async (bins) => {
    await expect(runGraph(gpu(), (g) => ({ y: stft(g, g.input('x', [64]), { size: 64, hop: 16, bins }) }))).rejects.toThrow(
      `stft: got ${bins} bins, expected a whole number from 1 to 33`,
    );
  });

  it('refuses part of a hop', async () => {
    await expect(runGraph(gpu(), (g) => ({ y: stft(g, g.input('x', [100]), { size: 64, hop: 16 }) }))).rejects.toThrow(
      'stft: got 100 samples',
    );
  });
});

describe('istft', () => {
  it('gives back what stft took, away from the ends', async () => {
    const [size, hop, frames] = [64, 16, 20];
    const x = randomArray(frames * hop, 3);
    const { y } = await runGraph(gpu(), (g) => ({ y: istft(g, stft(g, g.input('x', [x.length]), { size, hop }), { size, hop }) }), { x });
    expect(y.length).toBe(x.length);
    expectClose(y.slice(2 * hop, -2 * hop), x.slice(2 * hop, -2 * hop));
  });

  for (const [size, frames] of [
    [16, 1],
    [56, 5],
    [960, 4],
  ])
    it(`equals the inverse DFT, windowed and overlap-added: size ${size}, ${frames} frames`, async () => {
      const hop = size / 4;
      const bins = size / 2 + 1;
      const half = halfOf(bins);
      const spectrum = randomArray(frames * 2 * half, 4); // what stands behind the bins must not be heard
      const { y } = await runGraph(gpu(), (g) => ({ y: istft(g, g.input('s', [frames, 2 * half]), { size, hop }) }), { s: spectrum });
      expectClose(y, istftReference({ frames, size, hop }, spectrum));
    });
});

const LIMIT = 0.1; // of the rises

describe('spectra', () => {
  for (const [rows, bins] of [
    [1, 1],
    [1, 63],
    [2, 32],
    [1, 65],
    [3, 65],
    [63, 33],
    [500, 481],
  ]) {
    const half = halfOf(bins);
    const s = randomArray(rows * 2 * half, 5, 2);
    const at = (i: number) => Math.floor(i / bins) * 2 * half + (i % bins);
    const power = Float64Array.from({ length: rows * bins }, (_, i) => s[at(i)] ** 2 + s[at(i) + half] ** 2);

    it(`power, magnitude and log magnitude of [${rows}, ${bins}]`, async () => {
      const { p, m, l } = await runGraph(
        gpu(),
        (g) => {
          const x = g.input('s', [rows, 2 * half]);
          return {
            p: complexPower(g, x, { bins, mode: 'power' }),
            m: complexPower(g, x, { bins, mode: 'magnitude', eps: 1e-3 }),
            l: complexPower(g, x, { bins, mode: 'log', eps: 1e-8, floor: 1e-2 }),
          };
        },
        { s },
      );
      expectClose(p, power);
      expectClose(
        m,
        power.map((v) => Math.sqrt(v + 1e-3)),
      );
      expectClose(
        l,
        power.map((v) => Math.log(Math.sqrt(v + 1e-8) + 1e-2)),
      );
    });

    it(`polar of [${rows}, ${bins}], magnitude limited`, async () => {
      const row = 2 * bins + 3; // columns behind the phases are not read
      const x = randomArray(rows * row, 8, 2);
      const { y } = await runGraph(gpu(), (g) => ({ y: polar(g, g.input('x', [rows, row]), { bins, limit: 1.5 }) }), { x });
      const expected = new Float64Array(rows * 2 * half);
      for (let i = 0; i < rows * bins; i++) {
        const from = Math.floor(i / bins) * row + (i % bins);
        const magnitude = Math.exp(Math.min(x[from], 1.5));
        expected[at(i)] = magnitude * Math.cos(x[from + bins]);
        expected[at(i) + half] = magnitude * Math.sin(x[from + bins]);
      }
      expectClose(y, expected);
    });
  }

  it('polar keeps a magnitude that is NaN, and lets its neighbours be', async () => {
    const bins = 33;
    const x = Float32Array.from({ length: 2 * bins }, (_, i) => (i === 7 ? Number.NaN : 0));
    const { y } = await runGraph(gpu(), (g) => ({ y: polar(g, g.input('x', [1, 2 * bins]), { bins, limit: 1.5 }) }), { x });
    expect([...y].flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([7, halfOf(bins) + 7]);
  });

  // one, odd, around a workgroup of 64 threads (rows, elements), the model's: 40 mel bands and 12 pitch classes of 500 frames
  for (const [frames, bins, bands] of [
    [2, 1, 1],
    [6, 9, 4],
    [62, 5, 1],
    [64, 5, 2],
    [66, 5, 3],
    [1000, 201, 40],
    [500, 65, 12],
  ])
    it(`filter bank, logs, peaks and rises of [${frames}, ${bins}] to ${bands}`, async () => {
      const power = randomArray(frames * bins, 6).map(Math.abs);
      const filters = randomArray((bins + 3) * bands, 7, 1 / bins).map(Math.abs); // three rows more than bins
      const { f, l, n, r } = await runGraph(
        gpu(),
        (g) => {
          const banded = filterBank(g, g.input('p', [frames, bins]), weightOf(filters, [bins + 3, bands]));
          const logs = logFloor(g, banded, 1e-3);
          return { f: banded, l: logs, n: peakNormalise(g, banded, 1e-8), r: onsetRise(g, logs, 2, LIMIT) };
        },
        { p: power },
      );
      const expected = new Float64Array(frames * bands);
      for (let t = 0; t < frames; t++)
        for (let b = 0; b < bands; b++)
          for (let k = 0; k < bins; k++) expected[t * bands + b] += power[t * bins + k] * filters[k * bands + b];
      expectClose(f, expected);
      const logs = expected.map((v) => Math.log(v + 1e-3));
      expectClose(l, logs);
      const roots = expected.map((v) => Math.sqrt(v + 1e-8));
      expectClose(
        n,
        roots.map((v, i) => v / Math.max(1, ...roots.subarray(i - (i % bands), i - (i % bands) + bands))),
      );
      const rises = Float64Array.from({ length: (frames / 2) * bands }, (_, i) => {
        const [t, b] = [2 * Math.floor(i / bands), i % bands];
        const rise = (at: number) => (at === 0 ? 0 : Math.max(logs[at * bands + b] - logs[(at - 1) * bands + b], 0));
        return Math.min(rise(t) + rise(t + 1), LIMIT);
      });
      if (frames > 6) expect(rises.some((v) => v === LIMIT) && rises.some((v) => v > 0 && v < LIMIT)).toBe(true);
      expectClose(r, rises);
    });
});
