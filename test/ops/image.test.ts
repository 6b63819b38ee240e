// Pan and width of bands: the bands are PyTorch's, and what two channels are made with is what is found in them.
import { describe, expect, it } from 'vitest';
import { imageReference, spectraReference } from '../../src/cases/image.ts';
import { type Bands, erbBands, stereoImage, stereoSpectra } from '../../src/ops/image.ts';
import { halfOf } from '../../src/ops/spectrum.ts';
import { expectClose, randomArray } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const MODEL: Bands = { size: 1920, sampleRate: 48000, bands: 24 };

describe('bands', () => {
  it('are those of erb_bands in tools/train', () => {
    // python: torch.searchsorted(erb_bands(48000, 1920, 24), torch.arange(24)), and of (4800, 192, 6)
    expect([...erbBands(MODEL)]).toEqual([
      0, 2, 4, 7, 11, 15, 20, 27, 34, 43, 55, 68, 85, 105, 130, 160, 196, 240, 293, 358, 436, 532, 648, 789, 961,
    ]);
    expect([...erbBands({ size: 192, sampleRate: 4800, bands: 6 })]).toEqual([0, 5, 12, 22, 37, 61, 97]);
  });

  it.each([0, 1.5, 962])('are not %s of 961 bins', (bands) => {
    expect(() => erbBands({ ...MODEL, bands })).toThrow(`erb_bands: got ${bands} bands of 961 bins, expected a whole number from 1 to 961`);
  });
});

/** Channels of a mid [T, 2·half] under an image [T, row]. */
async function channels(s: Bands, mid: Float32Array, x: Float32Array, frames: number, first = 0) {
  const { left, right } = await runGraph(
    gpu(),
    (g) => stereoSpectra(g, g.input('mid', [frames, mid.length / frames]), g.input('x', [frames, x.length / frames]), { ...s, first }),
    { mid, x },
  );
  return { left, right };
}

describe('stereoSpectra', () => {
  it.each([
    ['one band of two bins', { size: 2, sampleRate: 100, bands: 1 }, 1],
    ['a band a bin', { size: 16, sampleRate: 48000, bands: 9 }, 3],
    ['the model', MODEL, 21],
  ])('%s: both channels', async (_, s, frames) => {
    const [columns, first] = [2 * halfOf(s.size / 2 + 1), 5];
    const [mid, x] = [randomArray(frames * columns, 1), randomArray(frames * (first + 2 * s.bands + 2), 2, 3)];
    const { left, right } = await channels(s, mid, x, frames, first);
    const expected = spectraReference({ ...s, frames }, mid, x, first);
    expectClose(left, expected.subarray(0, mid.length));
    expectClose(right, expected.subarray(mid.length));
  });

  it('is the mid alone where pan is 0 and width nothing, one channel where pan is 1, and the mean of both is the mid', async () => {
    const s = { size: 16, sampleRate: 8000, bands: 2 };
    const mid = randomArray(3 * 2 * halfOf(9), 3);
    const x = Float32Array.from([0, 0, -200, -200, 1, 1, -200, -200, 0.4, -7, 0.5, -1]);
    const { left, right } = await channels(s, mid, x, 3);
    const row = mid.length / 3;
    for (let i = 0; i < row; i++) {
      if (i % halfOf(9) >= 9) continue; // padding
      expect([left[i], right[i]]).toEqual([mid[i], mid[i]]);
      expect([left[row + i], right[row + i]]).toEqual([2 * mid[row + i], 0]);
      expect((left[2 * row + i] + right[2 * row + i]) / 2).toBeCloseTo(mid[2 * row + i], 6);
    }
  });

  it('keeps what is NaN, in its own band', async () => {
    const s = { size: 16, sampleRate: 8000, bands: 2 };
    const mid = randomArray(2 * halfOf(9), 3);
    const low = erbBands(s)[1];
    for (const place of [0, 2]) {
      const x = Float32Array.of(0, 0, -1, -1);
      x[place] = Number.NaN;
      const { left, right } = await channels(s, mid, x, 1);
      for (const channel of [left, right])
        expect([...channel].slice(0, 9).map(Number.isNaN)).toEqual(Array.from({ length: 9 }, (_, k) => k < low));
    }
  });

  it('refuses spectra of another size, and too few columns', async () => {
    const run = (columns: number, row: number) =>
      runGraph(gpu(), (g) => stereoSpectra(g, g.input('m', [1, columns]), g.input('x', [1, row]), { ...MODEL, first: 3 }));
    await expect(run(1920, 51)).rejects.toThrow('stereo_spectra: got mid [1,1920]');
    await expect(run(1924, 50)).rejects.toThrow('expected 1924 columns of mid, at least 51 of x');
  });
});

describe('stereoImage', () => {
  const image = async (s: Bands, mid: Float32Array, side: Float32Array, frames: number) => {
    const shape = [frames, mid.length / frames];
    const { y } = await runGraph(gpu(), (g) => ({ y: stereoImage(g, g.input('mid', shape), g.input('side', shape), s) }), { mid, side });
    return y;
  };

  it.each([
    ['one band of two bins', { size: 2, sampleRate: 100, bands: 1 }, 1],
    ['a band a bin', { size: 16, sampleRate: 48000, bands: 9 }, 3],
    ['the model', MODEL, 21],
  ])('%s', async (_, s, frames) => {
    const columns = 2 * halfOf(s.size / 2 + 1);
    const [mid, side] = [randomArray(frames * columns, 1), randomArray(frames * columns, 2, 0.6)];
    expectClose(await image(s, mid, side, frames), imageReference({ ...s, frames }, mid, side));
  });

  it('finds the image that a mid was given, and the middle in silence', async () => {
    const frames = 4;
    const mid = randomArray(frames * 2 * halfOf(961), 5);
    const [pan, width] = [0.3, 0.2];
    const x = Float32Array.from({ length: frames * 48 }, (_, i) => (i % 48 < 24 ? pan : Math.log(width)));
    const { left, right } = await channels(MODEL, mid, x, frames);
    const y = await image(
      MODEL,
      mid,
      left.map((v, i) => (v - right[i]) / 2),
      frames,
    );
    // The wide part keeps a share that looks like pan: little in wide bands, where its angles turn all the way round.
    expect(y[23]).toBeCloseTo(pan, 1);
    expect(Math.exp(y[47]) - 0.01).toBeCloseTo(width, 1);
    const nothing = await image(MODEL, new Float32Array(mid.length), new Float32Array(mid.length), frames);
    for (const [i, v] of nothing.entries()) expect(v).toBeCloseTo(i % 48 < 24 ? 0 : Math.log(0.01), 5);
  });

  it('refuses a side of another shape', async () => {
    const run = runGraph(gpu(), (g) => ({ y: stereoImage(g, g.input('m', [2, 1924]), g.input('s', [1, 1924]), MODEL) }));
    await expect(run).rejects.toThrow('stereo_image: got mid [2,1924] and side [1,1924]');
  });
});
