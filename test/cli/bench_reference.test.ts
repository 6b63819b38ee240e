// The benchmark's f64 references, against laws that do not share their loops.
import { describe, expect, it } from 'vitest';
import { transpose } from '../../src/cli/bench/arrays.ts';
import { inputsOf, MODEL_CASES, makeCase, PEER_CASES, referenceOf, uniform } from '../../src/cli/bench/cases.ts';
import * as reference from '../../src/cli/bench/reference.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);
const none = (n: number) => new Float32Array(n);

describe('references', () => {
  it('matmul by a permutation matrix permutes columns', () => {
    const a = uniform(6, 1);
    const swap = [0, 1, 0, 0, 0, 1, 1, 0, 0]; // column j of the product is column source(j) of a
    expect([...reference.matmul(a, swap, 2, 3, 3)]).toEqual([a[2], a[0], a[1], a[5], a[3], a[4]]);
  });

  it('softmax rows sum to one, keep ratios and stand large values', () => {
    const y = reference.softmax([0, Math.log(3), 1000, 1000], 2, 2);
    expect([...y]).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12), 0.5, 0.5]);
  });

  it('norms have the moments they promise', () => {
    const x = uniform(64, 1, 5).map((v) => v + 2);
    const ones = none(64).fill(1);
    const layer = reference.layerNorm(x, ones, none(64), 1, 64, 0);
    expect(dot(layer, ones) / 64).toBeCloseTo(0, 10);
    expect(dot(layer, layer) / 64).toBeCloseTo(1, 10);
    const rms = reference.rmsNorm(x, ones, 1, 64, 0);
    expect(dot(rms, rms) / 64).toBeCloseTo(1, 10);
    expect(rms[3] / rms[4]).toBeCloseTo(x[3] / x[4], 10);
  });

  it('a transposed convolution is the adjoint of the convolution', () => {
    const shape = { inChannels: 3, outChannels: 2, length: 22, kernel: 5, stride: 3, dilation: 2, padding: 4 };
    const long = reference.convLength(shape);
    const back = { ...shape, inChannels: 2, outChannels: 3, length: long };
    expect(reference.convTransposeLength(back)).toBe(22);
    const x = uniform(3 * 22, 1);
    const y = uniform(2 * long, 2);
    const w = uniform(2 * 3 * 5, 3); // [2, 3, 5] is Conv1d's [out, in, K] and ConvTranspose1d's [in, out, K]
    const forward = dot(reference.conv1d(x, w, none(2), shape), y);
    expect(dot(reference.convTranspose1d(y, w, none(3), back), x)).toBeCloseTo(forward, 10);
  });

  it('a convolution with one tap picks and scales', () => {
    const shape = { inChannels: 1, outChannels: 1, length: 4, kernel: 3, stride: 1, dilation: 1, padding: 1 };
    expect([...reference.conv1d([1, 2, 3, 4], [0, 0, 2], [10], shape)]).toEqual([14, 16, 18, 10]);
  });

  it('attention to equal keys is the mean of the values, to one key its value', () => {
    const v = uniform(2 * 3 * 4, 1);
    const mean = reference.attention(uniform(2 * 1 * 4, 2), none(24), v, 2, 1, 3, 4);
    expect(mean[5]).toBeCloseTo((v[13] + v[17] + v[21]) / 3, 10);
    expect([...reference.attention(uniform(4, 3), uniform(4, 4), v.subarray(0, 4), 1, 1, 1, 4)]).toEqual([...v.subarray(0, 4)]);
  });

  it('the element-wise chain has a closed form for constants', () => {
    const c = makeCase('chain', { op: 'elementwise_chain', steps: 200, size: 1 });
    const inputs = { x: Float32Array.of(1), a: Float32Array.of(0.5), b: Float32Array.of(1) };
    expect(referenceOf(c, inputs)[0]).toBeCloseTo(2, 12); // the fixed point of x/2 + 1
  });

  it('transpose moves every element to its place', () => {
    const y = transpose(
      Float32Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
      [2, 0, 1],
    );
    expect(y[(3 * 2 + 1) * 3 + 2]).toBe((1 * 3 + 2) * 4 + 3);
    expect([...y].sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });
});

describe('cases', () => {
  it('have unique names, finite work and inputs that repeat', () => {
    const all = [...PEER_CASES, ...MODEL_CASES];
    expect(new Set(all.map((c) => c.name)).size).toBe(all.length);
    for (const c of all) expect(c.flops * c.bytes, c.name).toBeGreaterThan(0);
    const small = makeCase('small', { op: 'rms_norm', rows: 2, cols: 3, eps: 0 });
    expect(inputsOf(small)).toEqual(inputsOf(small));
  });

  it('count the work of known shapes', () => {
    const of = (name: string) => PEER_CASES.find((c) => c.name === name);
    expect(of('matmul_512')?.flops).toBe(2 * 512 ** 3);
    expect(of('conv1d_k7_d3')?.flops).toBe(2 * 128 * 128 * 7 * 4096);
    expect(of('attention_8x512x64')?.flops).toBe(4 * 8 * 512 * 512 * 64);
    expect(of('softmax_1024')?.bytes).toBe(8 * 1024 * 1024);
  });
});
