import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../src/graph/half.ts';
import { readFloats, readWhole } from '../../src/graph/stock.ts';
import type { WeightRef } from '../../src/graph/tensor.ts';
import { convWeight, folded, halved, reshaped, rowsOf, stack, sumOf } from '../../src/weights/references.ts';
import type { Scope } from '../../src/weights/weights.ts';
import { randomArray } from '../helpers/data.ts';

/** A weight that comes in pieces of so many elements. */
function weight(name: string, shape: readonly number[], data: Float32Array, dtype: 'f32' | 'f16' = 'f32', piece = 8): WeightRef {
  const stored = dtype === 'f16' ? f32ToF16(data) : data;
  return {
    name,
    shape,
    dtype,
    async *read() {
      for (let offset = 0; offset < stored.length; offset += piece) yield { offset, data: stored.subarray(offset, offset + piece) };
    },
  };
}

const floats = async (ref: WeightRef) => [...(await readFloats(ref))];
const counting = (n: number) => Float32Array.from({ length: n }, (_, i) => i);

describe('rowsOf', () => {
  it('cuts across pieces', async () => {
    const w = weight('w', [6, 5], counting(30));
    expect(rowsOf(w, 2, 3).shape).toEqual([3, 5]);
    expect(await floats(rowsOf(w, 2, 3))).toEqual([...counting(30).subarray(10, 25)]);
    expect(rowsOf(w, 2, 3)).toBe(rowsOf(w, 2, 3));
    expect(() => rowsOf(w, 4, 3)).toThrow('w: got rows 4 to 7 of [6,5]');
  });

  it('gives halves that begin within a word in one piece', async () => {
    const rows = rowsOf(weight('w', [4, 3], counting(12), 'f16', 4), 1, 2);
    const offsets: number[] = [];
    for await (const { offset } of rows.read()) offsets.push(offset);
    expect(offsets).toEqual([0]);
    expect(await floats(rows)).toEqual([3, 4, 5, 6, 7, 8]);
  });
});

describe('stack and reshaped', () => {
  it('lie behind each other', async () => {
    const part = (i: number) =>
      weight(
        `w${i}`,
        [2, 3],
        counting(6).map((v) => v + 10 * i),
        'f16',
        4,
      );
    const parts = [part(0), part(1), part(2)] as const;
    const all = stack(parts);
    expect(all.shape).toEqual([3, 2, 3]);
    expect(await floats(reshaped(all, [6, 3]))).toEqual([0, 10, 20].flatMap((v) => [...counting(6)].map((i) => v + i)));
    expect(stack([...parts])).toBe(all);
    expect(stack([parts[1], parts[0], parts[2]])).not.toBe(all);
    expect(() => stack([parts[0], weight('x', [3, 2], counting(6))])).toThrow('to stack, expected one shape and dtype');
    expect(() => reshaped(all, [4, 4])).toThrow('expected equal element counts');
  });
});

it('sumOf adds', async () => {
  const [a, b] = [weight('a', [5], counting(5)), weight('b', [5], counting(5), 'f16')];
  expect(await floats(sumOf([a, b]))).toEqual([0, 2, 4, 6, 8]);
});

describe('weight norm', () => {
  const [g, v] = [randomArray(3, 1), randomArray(3 * 4 * 2, 2)];
  const expected = [...v].map((x, i) => {
    const row = Math.floor(i / 8);
    const norm = Math.sqrt(v.subarray(8 * row, 8 * row + 8).reduce((sum, y) => sum + y * y, 0));
    return (x * g[row]) / norm;
  });

  it('has rows of the length of g', async () => {
    const w = await floats(folded(weight('g', [3, 1, 1], g), weight('v', [3, 4, 2], v)));
    w.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 6);
    });
  });

  it('is found in all three spellings', async () => {
    for (const [gains, values] of [
      ['conv.parametrizations.weight.original0', 'conv.parametrizations.weight.original1'],
      ['conv.weight_g', 'conv.weight_v'],
    ]) {
      const there = new Map([
        [gains, weight(gains, [3, 1, 1], g)],
        [values, weight(values, [3, 4, 2], v)],
      ]);
      const scope = { has: (n: string) => there.has(n), get: (n: string) => there.get(n) } as unknown as Scope;
      const w = convWeight(scope, 'conv', [3, 4, 2]);
      expect((await floats(w))[9]).toBeCloseTo(expected[9], 6);
    }
    const plain = weight('conv.weight', [3, 4, 2], v);
    expect(convWeight({ has: () => false, get: () => plain } as unknown as Scope, 'conv', [3, 4, 2])).toBe(plain);
  });
});

describe('halved', () => {
  it('rounds to halves, and leaves what it cannot', async () => {
    const values = randomArray(20, 3);
    const half = halved(weight('w', [4, 5], values));
    expect(half.dtype).toBe('f16');
    expect([...f16ToF32((await readWhole(half)) as Uint16Array)]).toEqual([...f16ToF32(f32ToF16(values))]);
    const odd = weight('odd', [3, 5], randomArray(15, 4));
    expect(halved(odd)).toBe(odd);
  });

  it('refuses a number that a half cannot hold', async () => {
    const w = halved(weight('w', [4], Float32Array.of(1, 2, -7e4, 3)));
    await expect(readWhole(w)).rejects.toThrow('w: got -70000 at element 2, expected at most 65504');
  });
});
