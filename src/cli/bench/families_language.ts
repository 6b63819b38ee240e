// Families of the language model and the towers: gates, positions, caches, tables, tokens, codes.
import { state } from '../../graph/tensor.ts';
import { attention, kvAppend, rope } from '../../ops/attention.ts';
import { embedding, meanRows } from '../../ops/gather.ts';
import { swiglu } from '../../ops/matmul.ts';
import { rvqDecode, rvqEncode } from '../../ops/quantize.ts';
import { normalNoise, normalNoiseReference, seedWords } from '../../ops/random.ts';
import { sampleToken, sampleTokenReference, samplingParams } from '../../ops/sample.ts';
import { transpose } from './arrays.ts';
import { uniform } from './cases.ts';
import { generate, knownIds, named, sigmoid } from './family.ts';
import type { Named } from './measure.ts';
import { weight } from './own.ts';
import * as reference from './reference.ts';
import * as families from './reference_families.ts';

export const swigluCase = (name: string, rows: number, dim: number, ffn: number): Named =>
  named({
    name,
    flops: 4 * rows * dim * ffn,
    values: rows * (dim + ffn) + 2 * dim * ffn,
    record(g, input) {
      const [x, values] = input('x', [rows, dim]);
      const gate = uniform(ffn * dim, 9, 1 / Math.sqrt(dim));
      const up = uniform(ffn * dim, 10, 1 / Math.sqrt(dim));
      const y = swiglu(g, x, weight('gate', gate, [ffn, dim]), weight('up', up, [ffn, dim]));
      const product = (m: Float32Array, r: number, f: number) => {
        let sum = 0;
        for (let k = 0; k < dim; k++) sum += values[r * dim + k] * m[f * dim + k];
        return sum;
      };
      return [
        y,
        () =>
          generate(rows * ffn, (i) => {
            const [r, f] = [Math.floor(i / ffn), i % ffn];
            const h = product(gate, r, f);
            return h * sigmoid(h) * product(up, r, f);
          }),
      ];
    },
  });

export const ropeCase = (name: string, length: number, heads: number, headDim: number): Named =>
  named({
    name,
    flops: 3 * length * heads * headDim,
    values: 2 * length * heads * headDim,
    record(g, input) {
      const [x, values] = input('x', [1, length, heads * headDim]);
      const half = headDim / 2;
      return [
        rope(g, x, { heads }),
        () =>
          generate(values.length, (i) => {
            const d = i % headDim;
            const angle = Math.floor(i / (heads * headDim)) * 10_000 ** (-(d % half) / half);
            return d < half
              ? values[i] * Math.cos(angle) - values[i + half] * Math.sin(angle)
              : values[i] * Math.cos(angle) + values[i - half] * Math.sin(angle);
          }),
      ];
    },
  });

/** Decoding: one query over a cache that `filled` keys and values were appended to. */
export const cachedAttentionCase = (name: string, filled: number, heads: number, headDim: number): Named =>
  named({
    name,
    flops: 4 * filled * heads * headDim,
    values: (4 * filled + 2) * heads * headDim,
    record(g, input) {
      const row = heads * headDim;
      const [[q, qs], [k, ks], [v, vs]] = [input('q', [1, 1, row], 2), input('k', [1, filled, row], 2), input('v', [1, filled, row])];
      const [keys, values] = ['keys', 'values'].map((cache) => state(cache, [1, filled + 3, row])); // room for what is still to come
      kvAppend(g, keys, k, 0);
      kvAppend(g, values, v, 0);
      const y = attention(g, q, keys, values, { heads, causal: true, keys: filled, queryOffset: filled - 1 });
      const byHead = (x: Float32Array) => transpose(x, [filled, heads, headDim], [1, 0, 2]);
      return [y, () => reference.attention(qs, byHead(ks), byHead(vs), heads, 1, filled, headDim)];
    },
  });

export const embeddingCase = (name: string, words: number, dim: number, count: number): Named =>
  named({
    name,
    flops: 0,
    values: 2 * count * dim,
    record(g) {
      const table = uniform(words * dim, 9);
      const ids = knownIds(g, [count], words);
      const y = embedding(g, weight('table', table, [words, dim]), ids.tensor);
      return [y, () => generate(count * dim, (i) => table[ids.values[Math.floor(i / dim)] * dim + (i % dim)])];
    },
  });

export const meanCase = (name: string, length: number, dim: number): Named =>
  named({
    name,
    flops: length * dim,
    values: (length + 1) * dim,
    record(g, input) {
      const [x, values] = input('x', [length, dim]);
      const mean = (d: number) => generate(length, (t) => values[t * dim + d]).reduce((a, b) => a + b) / length;
      return [meanRows(g, x), () => generate(dim, mean)];
    },
  });

export const rvqCase = (name: string, items: number, levels: number, entries: number, dim: number): Named =>
  named({
    name,
    flops: 3 * items * levels * entries * dim,
    values: items * (dim + levels) + levels * entries * dim,
    record(g, input) {
      const [x, values] = input('x', [items, dim]);
      const books = uniform(levels * entries * dim, 9);
      return [
        rvqEncode(g, x, weight('books', books, [levels, entries, dim])),
        () => families.rvqEncode(values, books, { items, levels, entries, dim }),
      ];
    },
  });

export const rvqDecodeCase = (name: string, items: number, levels: number, entries: number, dim: number): Named =>
  named({
    name,
    flops: items * levels * dim,
    values: items * (levels + 1) * dim,
    record(g) {
      const books = uniform(levels * entries * dim, 9);
      const codes = knownIds(g, [items, levels], entries);
      const entry = (item: number, level: number, d: number) => books[(level * entries + codes.values[item * levels + level]) * dim + d];
      const one = (i: number) => generate(levels, (level) => entry(Math.floor(i / dim), level, i % dim)).reduce((a, b) => a + b);
      return [rvqDecode(g, codes.tensor, weight('books', books, [levels, entries, dim])), () => generate(items * dim, one)];
    },
  });

export const noiseCase = (name: string, n: number): Named =>
  named({
    name,
    flops: 0,
    values: n,
    record: (g) => [normalNoise(g, [n], { seed: seedWords(42), stream: 0 }), () => Float64Array.from(normalNoiseReference(n, 42, 0))],
  });

export const sampleCase = (name: string, vocab: number): Named =>
  named({
    name,
    flops: 0,
    values: vocab,
    record(g, input) {
      const sampling = { temperature: 0.9, topK: Math.ceil(vocab / 2), topP: 0.9 };
      const [logits, values] = input('logits', [vocab], 4);
      const into = g.temp([1], 'u32', 'token');
      sampleToken(g, logits, { ...samplingParams(sampling), seed: seedWords(42), position: 5, into });
      return [into, () => Float64Array.of(sampleTokenReference(values, sampling, 42, 5))];
    },
  });
