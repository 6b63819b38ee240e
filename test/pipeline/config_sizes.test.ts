// A config.json is 2 kB of numbers from anywhere: none of them may hang, allocate, or leave a part of a network out without a word.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import { layerFaults, sizeFaults } from '../../src/pipeline/config_sizes.ts';
import { checkConfig, type ModelConfig } from '../../src/pipeline/model.ts';
import { parseJsonObject } from '../../src/weights/json.ts';

type Json = Record<string, unknown>;
const TINY: Json = JSON.parse(readFileSync('weights/melody-tiny/config.json', 'utf8'));
const PAPER: Json = JSON.parse(readFileSync('tools/train/melody_train/configs/paper.json', 'utf8'));

/** A copy with the field at `path` set, or removed where the value is undefined. */
function changed(config: Json, path: readonly string[], value: unknown): Json {
  const copy = structuredClone(config);
  let at = copy;
  for (const name of path.slice(0, -1)) at = at[name] as Json;
  const last = path[path.length - 1] as string;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

/** Paths of all fields, inner ones and list items included. */
function paths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([name, inner]) => [[...path, name], ...paths(inner, [...path, name])]);
}

test('configs of every size are within bounds', () => {
  for (const config of [TINY, PAPER]) expect(sizeFaults(config)).toEqual([]);
});

test.each([
  [['text_tower', 'layers'], 1e15],
  [['semantic_lm', 'layers'], 1e15],
  [['semantic_lm', 'layers'], -1],
  [['semantic_lm', 'layers'], undefined],
  [['dual_path', 'blocks'], 'x'],
  [['dual_path', 'token_layers'], 2.5],
  [['vae_decoder', 'low_layers'], null],
  [['semantic_lm', 'rope_theta'], 1e300],
])('%s = %s is refused by name', (path, value) => {
  const config = changed(TINY, path as string[], value);
  expect(() => checkConfig(config as unknown as ModelConfig, 'model')).toThrow(
    expect.objectContaining({ code: 'weights', message: expect.stringContaining((path as string[]).join('.')) }),
  );
});

// Found by tools/fuzz_readers.ts: objects out of our JSON reader have no prototype, so calculating with them throws.
test.each([
  ['vae_decoder', 'fft_size'],
  ['vae_decoder', 'hop_length'],
  ['semantic_lm', 'words'],
])('%s.%s that is an object: a typed error', (...path) => {
  const bytes = new TextEncoder().encode(JSON.stringify(changed(TINY, path, {})));
  const config = parseJsonObject(bytes, 'config.json', 64) as unknown as ModelConfig;
  expect(() => checkConfig(config, 'model')).toThrow(expect.objectContaining({ code: 'weights' }));
});

test('10,000 changed fields: each is refused with a typed error or taken at once, none hangs', () => {
  const all = paths(TINY);
  const odd = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(1e15, -1, 0, 2 ** 31, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 0.5),
    fc.string(),
    fc.constant(null),
    fc.constant(undefined),
    fc.constant([]),
    fc.array(fc.integer(), { maxLength: 5 }),
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.nat({ max: all.length - 1 }), odd, (index, value) => {
      const started = performance.now();
      try {
        checkConfig(changed(TINY, all[index] as string[], value) as unknown as ModelConfig, 'model');
      } catch (error) {
        if (!(error instanceof MelodyError)) throw error;
        refused += 1;
      }
      return performance.now() - started < 1000;
    }),
    { numRuns: 10_000, seed: 14 },
  );
  expect(refused).toBeGreaterThan(3000);
});

test('more or fewer layers than the weights have are told, both numbers named', () => {
  const names = new Set([0, 1, 2, 3, 4].map((i) => `semantic_lm.layers.${i}.norm1.weight`));
  const weights = { has: (name: string) => names.has(name) };
  expect(layerFaults({ semantic_lm: { layers: 5 } }, weights)).toEqual([]);
  expect(layerFaults({ semantic_lm: { layers: 1 } }, weights)).toEqual(['semantic_lm.layers is 1, the weights have 5']);
  expect(layerFaults({ semantic_lm: { layers: 6 } }, weights)).toEqual(['semantic_lm.layers is 6, the weights have 5']);
  expect(layerFaults({ text_tower: { layers: 2 } }, weights)).toEqual([]); // not in these weights at all
  expect(layerFaults({ semantic_lm: { layers: 5 } }, { has: () => true })).toHaveLength(1); // and it ends
});
