// The f64 references of the cases, against laws that do not share their loops; the peers' plain data.
import { describe, expect, it } from 'vitest';
import { inputsOf, PEER_CASES, peerCase, referenceOf } from '../../bench/peer_cases.ts';
import { transpose } from '../../bench/transpose.ts';
import { paperCases } from '../../src/cases/all.ts';
import { attentionReference } from '../../src/cases/attention.ts';
import { softmaxReference } from '../../src/cases/biased_attention.ts';
import { uniform } from '../../src/cases/case.ts';
import { convLength, convReference, convTransposeLength, convTransposeReference } from '../../src/cases/conv.ts';
import { groupNormReference } from '../../src/cases/group_norm.ts';
import { product } from '../../src/cases/matmul.ts';
import { normReference } from '../../src/cases/norm.ts';
import { rvqReference } from '../../src/cases/quantise.ts';
import { scanReference } from '../../src/cases/recurrent.ts';
import { istftReference, stftReference } from '../../src/cases/spectrum.ts';

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);
const none = (n: number) => new Float32Array(n);

describe('references', () => {
  it('matmul by a permutation matrix permutes columns', () => {
    const a = uniform(6, 1);
    const swap = [0, 0, 1, 1, 0, 0, 0, 1, 0]; // row j says which column of a becomes column j of the product
    expect([...product(a, swap, 2, 3, 3)]).toEqual([a[2], a[0], a[1], a[5], a[3], a[4]]);
  });

  it('softmax rows sum to one, keep ratios and stand large values', () => {
    const y = softmaxReference([0, Math.log(3), 1000, 1000], 2);
    expect([...y]).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12), 0.5, 0.5]);
  });

  it('norms have the moments they promise', () => {
    const x = uniform(64, 1, 5).map((v) => v + 2);
    const ones = none(64).fill(1);
    const layer = normReference(x, ones, none(64), 0, true);
    expect(dot(layer, ones) / 64).toBeCloseTo(0, 10);
    expect(dot(layer, layer) / 64).toBeCloseTo(1, 10);
    const rms = normReference(x, ones, undefined, 0, false);
    expect(dot(rms, rms) / 64).toBeCloseTo(1, 10);
    expect(rms[3] / rms[4]).toBeCloseTo(x[3] / x[4], 10);
  });

  it('a transposed convolution is the adjoint of the convolution', () => {
    const shape = { cin: 3, cout: 2, len: 22, taps: 5, stride: 3, padding: [2, 2] as const };
    const long = convLength(shape);
    const back = { ...shape, cin: 2, cout: 3, len: long };
    expect(convTransposeLength(back)).toBe(22);
    const x = uniform(3 * 22, 1);
    const y = uniform(2 * long, 2);
    const w = uniform(2 * 3 * 5, 3); // [2, 3, 5] is Conv1d's [out, in, K] and ConvTranspose1d's [in, out, K]
    const forward = dot(convReference(shape, x, w, none(2)), y);
    expect(dot(convTransposeReference(back, y, w, none(3)), x)).toBeCloseTo(forward, 10);
  });

  it('a convolution with one tap picks and scales', () => {
    const shape = { cin: 1, cout: 1, len: 4, taps: 3, padding: [1, 1] as const };
    expect([...convReference(shape, [1, 2, 3, 4], [0, 0, 2], [10])]).toEqual([14, 16, 18, 10]);
  });

  it('attention to equal keys is the mean of the values, to one key its value', () => {
    const v = uniform(2 * 3 * 4, 1);
    const mean = attentionReference({ tq: 1, tk: 3, heads: 2, dh: 4 }, uniform(2 * 1 * 4, 2), none(24), v);
    expect(mean[5]).toBeCloseTo((v[5] + v[13] + v[21]) / 3, 10);
    expect([...attentionReference({ tq: 1, tk: 1, heads: 1, dh: 4 }, uniform(4, 3), uniform(4, 4), v.subarray(0, 4))]).toEqual([
      ...v.subarray(0, 4),
    ]);
  });

  it('the element-wise chain has a closed form for constants', () => {
    const c = peerCase('chain', { op: 'elementwise_chain', steps: 200, size: 1 });
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
    expect(new Set(PEER_CASES.map((c) => c.name)).size).toBe(PEER_CASES.length);
    for (const c of PEER_CASES) expect(c.flops * c.bytes, c.name).toBeGreaterThan(0);
    const timed = paperCases();
    expect(new Set(timed.map((c) => `${c.name}.${c.storage}`)).size).toBe(timed.length);
    for (const c of timed) expect(c.values, c.name).toBeGreaterThan(0);
    const small = peerCase('small', { op: 'softmax', rows: 2, cols: 3 });
    expect(inputsOf(small)).toEqual(inputsOf(small));
  });

  it('count the work of known shapes', () => {
    const of = (name: string) => PEER_CASES.find((c) => c.name === name);
    for (const { name, flops, bytes } of PEER_CASES) {
      const ours = paperCases().find((c) => c.name === name);
      expect([ours?.flops, 4 * (ours?.values ?? 0)], name).toEqual([flops, bytes]);
    }
    expect(of('matmul_512')?.flops).toBe(2 * 512 ** 3);
    expect(of('conv1d_k7_d3')?.flops).toBe(2 * 128 * 128 * 7 * 4096);
    expect(of('attention_8x512x64')?.flops).toBe(4 * 8 * 512 * 512 * 64);
    expect(of('softmax_1024')?.bytes).toBe(8 * 1024 * 1024);
  });
});

describe('references of the families', () => {
  it('the inverse Fourier transform undoes the transform away from the ends', () => {
    const shape = { frames: 9, size: 32, hop: 8 };
    const x = uniform(72, 1);
    const back = istftReference(shape, stftReference(shape, x));
    for (let i = 16; i < 56; i++) expect(back[i]).toBeCloseTo(x[i], 6);
  });

  it('a pure tone lands in its bin', () => {
    const x = Float64Array.from({ length: 64 }, (_, i) => Math.cos((2 * Math.PI * 4 * i) / 32));
    const y = stftReference({ frames: 8, size: 32, hop: 8 }, x);
    const power = Array.from({ length: 17 }, (_, k) => Math.hypot(y[4 * 36 + k], y[4 * 36 + 18 + k]));
    expect(power.indexOf(Math.max(...power))).toBe(4);
    expect(power[4]).toBeCloseTo(8, 6); // half the sum of the window
  });

  it('a scan with open gates passes its input, with closed ones it holds', () => {
    const shape = { rows: 1, steps: 3, width: 2 };
    const lanes = (u0: number, u1: number, u2: number, u3: number) => [u0, u0, u1, u1, u2, u2, u3, u3];
    const open = [1, 2, 3].flatMap((t) => lanes(t, -100, 100, 9)); // f = 0: c = u0; r = 1: y = c
    expect([...scanReference(shape, open, [0, 0, 0, 0], [0, 0, 0, 0])]).toEqual([1, 1, 2, 2, 3, 3]);
    const held = [1, 2, 3].flatMap((t) => lanes(t, t === 1 ? -100 : 100, 100, 9));
    const y = scanReference(shape, held, [0, 0, 0, 0], [0, 0, 0, 0]);
    expect([y[0], y[2], y[4]]).toEqual([1, 1, 1]); // forward lane keeps what it took first
    expect([y[1], y[3], y[5]]).toEqual([1, 0, 0]); // backward lane starts from zero at the end
  });

  it('group norm over one group of all is a norm of everything', () => {
    const y = groupNormReference({ length: 6, channels: 4, groups: 1, eps: 0 }, uniform(24, 1, 4), none(4).fill(1), none(4));
    expect(y.reduce((a, b) => a + b) / 24).toBeCloseTo(0, 10);
    expect(y.reduce((a, b) => a + b * b, 0) / 24).toBeCloseTo(1, 10);
  });

  it('the quantiser finds codes that were summed', () => {
    const books = [0, 0, 10, 0, 0, 1, 0, 2]; // two levels of two codes in two dimensions
    expect([...rvqReference({ items: 2, levels: 2, entries: 2, dim: 2 }, [10, 2.1, 0.2, 0.9], books)]).toEqual([1, 1, 0, 0]);
  });
});
