// The ops that published systems need: mirrored padding, LSTM, attention with a bias, columns of codes.
import { describe, expect, it } from 'vitest';
import { biasedAttentionCase, relativeBiasCase } from '../../src/cases/biased_attention.ts';
import { sampleCodesCase } from '../../src/cases/codes.ts';
import { activationCase } from '../../src/cases/elementwise.ts';
import { lstmCase } from '../../src/cases/lstm.ts';
import { padReflectCase } from '../../src/cases/pad.ts';
import { Graph } from '../../src/graph/graph.ts';
import { biasedAttention } from '../../src/ops/biased_attention.ts';
import { sampleCodes } from '../../src/ops/codes.ts';
import { lstmScan } from '../../src/ops/lstm.ts';
import { padReflect } from '../../src/ops/pad.ts';
import { seedWords } from '../../src/ops/random.ts';
import { samplingParams } from '../../src/ops/sample.ts';
import { checkBothForms, checkCase } from '../helpers/cases.ts';
import { randomArray, weightOf } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('elu', () => {
  for (const n of [1, 255, 1027]) it(`${n} numbers`, () => checkBothForms(gpu(), activationCase('elu', 'elu', n)));
});

describe('padReflect', () => {
  for (const [batch, len, cols, left, right] of [
    [1, 1, 1, 0, 0],
    [1, 5, 3, 4, 4],
    [3, 65, 7, 6, 0],
    [1, 4, 5, 0, 3],
    [1, 3, 2, 3, 2], // not longer than the padding
    [2, 1, 65, 6, 5],
  ])
    it(`${left} before and ${right} behind [${batch}, ${len}, ${cols}]`, () =>
      checkBothForms(gpu(), padReflectCase('pad', { batch, len, cols, left, right })));

  it('refuses what is no sequence', () => {
    const g = new Graph(gpu().caps);
    expect(() => padReflect(g, g.input('x', [4]), 1, 1)).toThrow('pad_reflect: got [4] padded by 1 and 1, expected [B?, L, C]');
    expect(() => padReflect(g, g.input('y', [4, 1]), 1.5, 1)).toThrow('whole numbers from 0');
  });
});

describe('lstmScan', () => {
  for (const [rows, steps, hidden] of [
    [1, 1, 1],
    [2, 7, 5],
    [1, 3, 63],
    [3, 4, 64],
    [1, 2, 257],
  ])
    it(`[${rows}, ${steps}, ${hidden}]`, () => checkBothForms(gpu(), lstmCase('lstm', rows, steps, hidden)));

  it('refuses what does not fit', () => {
    const g = new Graph(gpu().caps);
    const w = weightOf(randomArray(4 * 5 * 5, 1), [20, 5]);
    expect(() => lstmScan(g, g.input('x', [1, 3, 16]), w)).toThrow('lstm_scan: x does not fit; got [1,3,16], expected [*,*,20]');
    expect(() => lstmScan(g, g.input('y', [1, 3, 20]), w, g.input('before', [1, 5]))).toThrow(
      'before does not fit; got [1,5], expected [1,2,5]',
    );
    const small = new Graph({ ...gpu().caps, workgroupMemory: 36 });
    expect(() => lstmScan(small, small.input('x', [1, 3, 20]), w)).toThrow('got 5 units, expected at most 3');
  });
});

describe('biasedAttention', () => {
  for (const [len, keys, heads, dh] of [
    [1, 1, 1, 1],
    [3, 5, 2, 4],
    [33, 33, 3, 7],
    [17, 64, 4, 16],
  ])
    it(`${len} queries, ${keys} keys, ${heads} heads of ${dh}`, () =>
      checkBothForms(gpu(), biasedAttentionCase('attention', { len, keys, heads, dh, scale: 0.7 })));

  for (const len of [1, 2, 33]) it(`bias of ${len} places`, () => checkCase(gpu(), relativeBiasCase('bias', 8, 3, len)));

  it('refuses a bias of other sizes', () => {
    const g = new Graph(gpu().caps);
    const [q, bias] = [g.input('q', [3, 8]), g.input('bias', [2, 4, 3])];
    expect(() => biasedAttention(g, q, q, q, bias, { scale: 1 })).toThrow('biased_attention: q does not fit; got [3,8], expected [4,8]');
  });
});

describe('sampleCodes', () => {
  for (const [rows, vocab, column, frames, channels, guidance] of [
    [1, 1, 0, 1, 1, undefined],
    [4, 2048, 0, 5, 1, 3],
    [4, 2048, 5, 3, 1, undefined],
    [8, 65, 6, 5, 2, 1.5],
    [4, 64, 3, 0, 1, undefined],
  ] as const)
    it(`${rows} × ${vocab}, column ${column} of ${frames} frames`, () =>
      checkCase(gpu(), sampleCodesCase('codes', { rows, vocab, column, frames, channels, ...(guidance && { guidance }) })));

  for (const [column, frames, known] of [
    [3, 9, 2],
    [5, 4, 4],
    [9, 4, 9],
  ])
    it(`leaves ${known} known frames as they are in column ${column} of ${frames} frames`, () =>
      checkCase(gpu(), sampleCodesCase('codes', { rows: 4, vocab: 64, column, frames, known, guidance: 2 })));

  it('tells the likeliest from one that is hardly less likely', async () => {
    const logits = Float32Array.from({ length: 2 * 40 }, (_, i) => (i % 40 === 31 ? 3.00001 : i % 40 === 7 ? 3 : -1));
    for (const [sampling, expected] of [
      [{ temperature: 0, topK: 0, topP: 1 }, [31, 31]],
      [{ temperature: 1, topK: 1, topP: 1 }, [31, 31]],
    ] as const) {
      const { raw } = await runGraph(
        gpu(),
        (g) => {
          const options = { ...samplingParams(sampling), seed: seedWords(1), column: 0, frames: 1, pad: 99 } as const;
          return { ids: sampleCodes(g, g.input('logits', [1, 80]), 2, { ...options, channels: 2, into: g.temp([2], 'u32') }) };
        },
        { logits },
      );
      expect([...new Uint32Array(raw.ids)]).toEqual(expected);
    }
  });

  it('refuses logits of other rows, and places that are not there', () => {
    const g = new Graph(gpu().caps);
    const into = g.temp([3], 'u32');
    const options = {
      ...samplingParams({ temperature: 1, topK: 0, topP: 1 }),
      seed: seedWords(1),
      column: 0,
      frames: 1,
      pad: 9,
      into,
    } as const;
    expect(() => sampleCodes(g, g.input('x', [9]), 2, options)).toThrow('expected 1 × 2 rows of at most 2048');
    expect(() => sampleCodes(g, g.input('y', [16]), 4, options)).toThrow('cannot write 4 codes at 0 of u32 [3]');
  });
});
