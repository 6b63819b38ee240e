import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { seedWords } from '../../src/ops/random.ts';
import { type Sampling, sampleToken, sampleTokenReference, samplingParams } from '../../src/ops/sample.ts';
import { randomArray } from '../helpers/data.ts';
import { runGraph, runnerOf, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();
const all: Sampling = { temperature: 1, topK: 0, topP: 1 };

/** Draws of positions 0…count−1 on the GPU from one row of logits. */
async function draw(logits: Float32Array, sampling: Sampling, seed: number, count: number): Promise<number[]> {
  const { residents, compile } = runnerOf(gpu());
  const ids = state('ids', [count], 'u32');
  const g = new Graph(gpu().caps);
  const s = (name: string) => g.scalar(name);
  sampleToken(g, g.input('logits', [logits.length]), {
    topK: s('topK'),
    topP: s('topP'),
    rate: s('rate'),
    seed: [s('low'), s('high')],
    position: s('position'),
    into: ids,
    at: s('position'),
  });
  const plan = await compile(g);
  const [low, high] = seedWords(seed);
  plan.write('logits', logits);
  for (let position = 0; position < count; position++) plan.run({ ...samplingParams(sampling), low, high, position });
  const drawn = [...new Uint32Array(await residents.read(ids))];
  plan.dispose();
  residents.dispose();
  return drawn;
}

describe('sampleToken', () => {
  const cases: [string, number, Sampling][] = [
    ['one word', 1, all],
    ['all words', 1024, all],
    ['an odd vocabulary', 65, all],
    ['one less than the threads', 255, all],
    ['as many as the threads', 256, all],
    ['the largest vocabulary', 2048, all],
    ['top-k', 1024, { temperature: 1, topK: 5, topP: 1 }],
    ['top-p', 1024, { temperature: 1, topK: 0, topP: 0.6 }],
    ['both, hot', 1000, { temperature: 1.7, topK: 50, topP: 0.9 }],
    ['cold', 257, { temperature: 0.3, topK: 0, topP: 1 }],
    ['greedy', 1024, { temperature: 0, topK: 0, topP: 1 }],
  ];
  for (const [name, vocab, sampling] of cases)
    it(`equals the TypeScript reference: ${name}`, async () => {
      const logits = randomArray(vocab, vocab, 4);
      const expected = Array.from({ length: 40 }, (_, position) => sampleTokenReference(logits, sampling, 123456789012, position));
      expect(await draw(logits, sampling, 123456789012, 40)).toEqual(expected);
    });

  it('writes one word, and none beside or behind it', async () => {
    const logits = randomArray(1024, 3, 4);
    const { raw } = await runGraph(
      gpu(),
      (g) => {
        const id = g.temp([3], 'u32');
        const seed = seedWords(9);
        sampleToken(g, g.input('logits', [1024]), { ...samplingParams(all), seed, position: 4, into: id, at: 1 });
        return { id };
      },
      { logits },
    );
    const poison = 0x7fc0dead;
    expect([...new Uint32Array(raw.id)]).toEqual([poison, sampleTokenReference(logits, all, 9, 4), poison]);
  });

  it('holds with ties, huge, infinite and NaN logits', async () => {
    for (const logits of [
      new Float32Array(100),
      Float32Array.of(1e30, -1e30, 0, 5, Infinity, Number.NaN, -Infinity),
      Float32Array.of(-Infinity, 2, 2, Number.NaN),
    ]) {
      const expected = Array.from({ length: 16 }, (_, position) => sampleTokenReference(logits, all, 3, position));
      expect(await draw(logits, all, 3, 16)).toEqual(expected);
    }
  });
});

describe('sampleTokenReference', () => {
  const n = 20_000;
  const frequencies = (logits: Float32Array, sampling: Sampling) => {
    const counts = new Float64Array(logits.length);
    for (let position = 0; position < n; position++) counts[sampleTokenReference(logits, sampling, 9, position)] += 1 / n;
    return counts;
  };
  const softmax = (logits: Float32Array, temperature: number) => {
    const e = Array.from(logits, (l) => Math.exp(l / temperature));
    const sum = e.reduce((a, b) => a + b);
    return e.map((v) => v / sum);
  };

  it('draws with the probabilities of the softmax', () => {
    const logits = Float32Array.of(2, 1, 0, -1, 0.5);
    for (const temperature of [0.5, 1, 2]) {
      const expected = softmax(logits, temperature);
      frequencies(logits, { temperature, topK: 0, topP: 1 }).forEach((f, i) => {
        expect(Math.abs(f - expected[i])).toBeLessThan(4 * Math.sqrt(expected[i] / n) + 1e-4);
      });
    }
  });

  it('keeps the k most likely, the nucleus, or the best alone', () => {
    const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log); // probabilities themselves
    const support = (sampling: Sampling) => [...frequencies(logits, sampling)].flatMap((f, i) => (f > 0 ? [i] : []));
    expect(support({ temperature: 1, topK: 2, topP: 1 })).toEqual([2, 3]);
    expect(support({ temperature: 1, topK: 0, topP: 0.5 })).toEqual([2, 3]); // 0.4 < 0.5 < 0.7
    expect(support({ temperature: 1, topK: 0, topP: 0.35 })).toEqual([3]);
    expect(support({ temperature: 0, topK: 0, topP: 1 })).toEqual([3]);
  });
});
