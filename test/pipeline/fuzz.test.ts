// Recipes and tokenizers from elsewhere, in every shape that JSON has (docs/requirements.md §2.10): typed errors or none, never a crash or a hang.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { platform } from '#platform';
import { MelodyError } from '../../src/errors.ts';
import { type Model, openModel } from '../../src/pipeline/model.ts';
import { recipeOptions, resolve } from '../../src/pipeline/recipe.ts';
import { Tokenizer } from '../../src/pipeline/stages/tokenizer.ts';

const RUNS = 2000;
let model: Model;
beforeAll(async () => {
  model = await openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));
});

/** The error's code, or undefined; anything but a MelodyError goes on. */
function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof MelodyError) return error.code;
    throw error;
  }
}

const good = {
  version: 1,
  model: 'melody-tiny',
  prompt: 'calm piano',
  blend: { text: 'techno', weight: 0.5 },
  negativePrompt: 'drums',
  durationSeconds: 3,
  seed: 7,
  steps: 3,
  guidanceScale: 2,
  schedule: 'linear',
  sampler: 'rotation',
  temperature: 1,
  topK: 0,
  topP: 0.9,
  lmGuidanceScale: 2,
  firstWindowSeconds: 0.8,
  parallelWindows: 2,
  tempo: 90,
  key: 'A minor',
  metre: '3/4',
  steered: [
    { atSeconds: 1, prompt: 'rock', tempo: 120 },
    { atSeconds: 2, prompt: 'harp', blend: { text: 'flute', weight: 1 } },
  ],
};
const odd = fc.oneof(
  fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text)),
  fc.constantFrom(null, Number.MAX_VALUE, -0, -1, 1e-320, 2 ** 53, '', '\u0000', '__proto__', [], {}, [[[]]], 'a'.repeat(70_000)),
  fc.double(),
  fc.string({ unit: 'binary' }),
);

describe('a recipe', () => {
  test('as it is written: taken', () => {
    expect(codeOf(() => resolve(recipeOptions(good), model, 'generate'))).toBeUndefined();
  });

  test('any JSON, or a good one with some values changed: its options, or `invalid_argument`', () => {
    const changed = fc
      .dictionary(fc.constantFrom(...Object.keys(good), '__proto__', 'constructor', 'inpaint', 'loop', 'wholeWindows'), odd, { maxKeys: 3 })
      .map((changes) => ({ ...good, ...changes }));
    const deep = fc.tuple(fc.constantFrom('atSeconds', 'prompt', 'blend', 'tempo', 'key'), odd).map(([name, value]) => ({
      ...good,
      steered: [{ ...good.steered[0], [name]: value }],
    }));
    fc.assert(
      fc.property(fc.oneof(odd, changed, deep), (recipe) => {
        const code = codeOf(() => resolve(recipeOptions(recipe), model, 'generate'));
        expect([undefined, 'invalid_argument']).toContain(code);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a tokenizer', () => {
  test('any JSON, or a good one with some values changed: texts become ids in range, or `weights`; prompts are taken or `invalid_argument`', () => {
    const file = fc.record(
      {
        type: fc.oneof({ weight: 9, arbitrary: fc.constant('melody_wordpiece') }, { weight: 1, arbitrary: odd }),
        normalization: fc.constant('NFC'),
        lowercase: fc.constant(true),
        vocab: fc.oneof(
          { weight: 5, arbitrary: fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 6 }), { minLength: 2, maxLength: 40 }) },
          { weight: 1, arbitrary: odd },
        ),
        max_tokens: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 64 }) }, { weight: 1, arbitrary: odd }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(odd, file), fc.string({ unit: 'binary', maxLength: 200 }), (json, prompt) => {
        let tokenizer: Tokenizer | undefined;
        const code = codeOf(() => {
          tokenizer = new Tokenizer(json);
        });
        expect([undefined, 'weights']).toContain(code);
        if (!tokenizer) return;
        const { size, maxTokens } = tokenizer;
        let ids = new Uint32Array();
        const refused = codeOf(() => {
          ids = new Uint32Array((tokenizer as Tokenizer).encode(prompt).ids);
        });
        expect([undefined, 'invalid_argument']).toContain(refused);
        expect(ids.length).toBeLessThanOrEqual(maxTokens);
        expect(ids.every((id) => id < size)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  test('of a million pieces', () => {
    const vocab = Array.from({ length: 1_000_000 }, (_, i) => `p${i}`);
    const file = { type: 'melody_wordpiece', normalization: 'NFC', lowercase: true, vocab, max_tokens: 8 };
    expect(new Tokenizer(file).size).toBe(1_000_000);
  });
});
