// Timbre words on a narrow model with random weights, against PyTorch (tools/train, goldens_timbre.py) on both executors.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { timbreTokens } from '../../src/models/semantic_encoder.ts';
import { joinTokens, timbreRows, wordsOf } from '../../src/models/timbre.ts';
import { checkConfig, type Model, type ModelConfig } from '../../src/pipeline/model.ts';
import { extendTokens, type LanguageRequest } from '../../src/pipeline/stages/language.ts';
import { openEngine } from '../../src/systems/system.ts';
import type { Weights } from '../../src/weights/weights.ts';
import { type Golden, golden, modelFolder, runModel } from '../helpers/goldens.ts';
import { useGpu } from '../helpers/gpu.ts';
import { checkDualPath } from '../helpers/networks.ts';

const gpu = useGpu();
let weights: Weights;
let c: ModelConfig;
beforeAll(async () => {
  ({ weights, config: c } = await modelFolder<ModelConfig>('test/goldens/timbre_mini'));
});

it('a token holds its word and the row of its timbre word, or none', () => {
  const rows = Uint32Array.of(0, 6, 7);
  const tokens = joinTokens(Uint32Array.of(0, 23, 5), rows, c.semantic_lm);
  expect(tokens).toEqual(Uint32Array.of(24, 23 + 24 * 7, 5));
  expect(wordsOf(tokens, c.semantic_lm)).toEqual(Uint32Array.of(0, 23, 5));
  expect(timbreRows(tokens, c.semantic_lm)).toEqual(rows);
  const { timbre_words: _, timbre_frames: __, ...plain } = c.semantic_lm;
  expect(wordsOf(Uint32Array.of(0, 23), plain)).toEqual(Uint32Array.of(0, 23));
});

it('the tokeniser hears one timbre word a block, of a short last one too', async () => {
  const gold = await golden('timbre_mini/semantic_encoder');
  const [frames, width] = gold.shape('in.features');
  const { raw } = await runModel(
    gpu(),
    weights,
    (g) => {
      const [features, ids] = [g.input('features', [frames, width]), g.input('ids', [frames], 'u32')];
      return { timbre: timbreTokens(g, weights.at('semantic_encoder'), features, ids, c.semantic_encoder) };
    },
    { features: gold.get('in.features'), ids: gold.ids('out.tokens') },
  );
  const blocks = new Uint32Array(raw.timbre);
  expect(blocks).toHaveLength(8);
  expect(gold.ids('out.tokens').map((_, i) => blocks[Math.floor(i / 4)])).toEqual(gold.ids('out.timbre'));
});

it('dual path: rows of both levels, those without a timbre among them', async () => {
  await checkDualPath(gpu(), weights, await golden('timbre_mini/dual_path'), c.dual_path);
});

describe.each(['gpu', 'cpu'] as const)('the language model draws timbre words: %s', (device) => {
  let engine: Engine<Model>;
  let gold: Golden;
  const request = (guidance: number): LanguageRequest => ({
    style: [...gold.ids('in.style')],
    guidance,
    sampling: { temperature: 0, topK: 0, topP: 1 },
    seed: 1,
    guide: {
      clockAt: (seconds) => ({ beat: (seconds * 100) / 60, beatsPerBar: 4 }),
      tempo: 100,
      key: 9,
      instruments: { flute: 1, drums: 1 },
    },
  });
  /** Pairs [word, timbre word] of a golden as tokens. */
  const tokensOf = (name: string) => {
    const pairs = gold.ids(name);
    const column = (at: number) => Uint32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i + at]);
    return joinTokens(column(0), column(1), c.semantic_lm);
  };
  beforeAll(async () => {
    gold = await golden('timbre_mini/semantic_lm');
    engine = await openEngine({ name: 'timbre-mini', config: c, weights } as unknown as Model, { device });
  });
  afterAll(() => engine.dispose());

  it.each([1, 2])('the likeliest words of both heads, guidance %d', async (guidance) => {
    const expected = tokensOf(`out.greedy_${guidance}`);
    expect(await extendTokens(engine, 0, new Uint32Array(0), expected.length, request(guidance))).toEqual(expected);
  });

  it('a block that began in what was given keeps its timbre', async () => {
    const known = tokensOf('in.known');
    const expected = tokensOf('out.continued');
    const made = await extendTokens(engine, 0, known, known.length + expected.length, request(2));
    expect(made.subarray(0, known.length)).toEqual(known);
    expect(made.subarray(known.length)).toEqual(expected);
    expect(timbreRows(expected, c.semantic_lm)[1]).toBe(timbreRows(known, c.semantic_lm).at(-1));
  });

  it('in parts it is what it is at once, drawn at random', async () => {
    const random = { ...request(2), sampling: { temperature: 1, topK: 0, topP: 1 } };
    const whole = await extendTokens(engine, 0, new Uint32Array(0), 130, random);
    let parts: Uint32Array = new Uint32Array(0);
    for (const end of [1, 7, 8, 50, 61, 130]) parts = await extendTokens(engine, 0, parts, end, random);
    expect(parts).toEqual(whole);
    expect(new Set(timbreRows(whole, c.semantic_lm)).size).toBeGreaterThan(3);
  });
});

it('a config whose parts do not agree on timbre words is refused', async () => {
  const { config } = await modelFolder<ModelConfig>('weights/melody-tiny');
  const told = { timbre_words: 64, timbre_frames: 10 };
  const check = (lm: object, path: object, encoder: object) => () =>
    checkConfig(
      {
        ...config,
        semantic_lm: { ...config.semantic_lm, ...lm },
        dual_path: { ...config.dual_path, ...path },
        semantic_encoder: { ...config.semantic_encoder, ...encoder },
      },
      'toy',
    );
  expect(check({}, {}, {})).not.toThrow();
  expect(check(told, told, told)).not.toThrow();
  expect(check(told, {}, told)).toThrow(/dual_path.timbre_words is undefined, semantic_lm.timbre_words is 64/);
  expect(check(told, told, { ...told, timbre_frames: 5 })).toThrow(/semantic_encoder.timbre_frames is 5, semantic_lm.timbre_frames is 10/);
  for (const wrong of [{ timbre_words: 64 }, { timbre_frames: 10 }, { ...told, timbre_words: 4096 }, { ...told, timbre_frames: 0 }])
    expect(check(wrong, wrong, wrong)).toThrow(/semantic_lm.timbre_words and timbre_frames must be whole numbers up to 2048 and 1024/);
});
