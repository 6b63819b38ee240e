import { describe, expect, it } from 'vitest';
import { readFloats } from '../../src/graph/stock.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';
import { PIECE_BYTES } from '../../src/weights/tensor_stream.ts';

function moments(values: Float32Array): [mean: number, deviation: number] {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)];
}

describe('random weights', () => {
  it('are normal with variance 1 / fan-in', async () => {
    const values = await readFloats(randomWeights(1, 'f32').get('w', [512, 64, 4]));
    const [mean, deviation] = moments(values);
    expect(Math.abs(mean)).toBeLessThan((4 / 16) * 0.01);
    expect(deviation * 16).toBeCloseTo(1, 2);
    for (const [sigmas, share] of [
      [1, 0.6827],
      [2, 0.9545],
      [3, 0.9973],
    ]) {
      expect(values.filter((x) => Math.abs(x) < sigmas / 16).length / values.length).toBeCloseTo(share, 2);
    }
  });

  it('vectors lie around 1 for gains and 0 for biases', async () => {
    const weights = randomWeights(1).at('norm');
    expect(moments(await readFloats(weights.get('weight', [4096])))[0]).toBeCloseTo(1, 2);
    expect(moments(await readFloats(weights.get('bias', [4096])))[0]).toBeCloseTo(0, 2);
  });

  it('depend on seed and name, and on nothing else', async () => {
    const at = (seed: number, name: string) => readFloats(randomWeights(seed).get(name, [64, 8]));
    expect(await at(1, 'a')).toEqual(await at(1, 'a'));
    expect(await at(1, 'a')).not.toEqual(await at(2, 'a'));
    expect(await at(1, 'a')).not.toEqual(await at(1, 'b'));
  });

  it('come in pieces of at most 4 MiB, reproducibly across their borders', async () => {
    const shape = [3, 1024, 1024];
    const ref = randomWeights(7).get('big', shape);
    expect(randomWeights(7).get('big', shape)).not.toBe(ref);
    let elements = 0;
    for await (const { offset, data } of ref.read()) {
      expect(offset).toBe(elements);
      expect(data.byteLength).toBeLessThanOrEqual(PIECE_BYTES);
      elements += data.length;
    }
    expect(elements).toBe(3 * 1024 * 1024);
  });

  it('never miss, share one object per tensor, and report nothing unused', async () => {
    const weights = randomWeights(0);
    await weights.prepare(['anything']);
    expect(weights.has('whatever')).toBe(true);
    expect(weights.get('a.b', [2, 2])).toBe(weights.at('a').get('b', [2, 2]));
    weights.check();
    expect(weights.misfits()).toEqual([]);
    expect(weights.unused()).toEqual([]);
  });
});
