import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { weightsIdentity } from '../../src/cli/generate/recipe_file.ts';
import { memoryFolder } from '../../src/platform/bytes.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (value: string) => new TextEncoder().encode(value);
const never = new AbortController().signal;

const WEIGHTS = text('weights');
const MANIFEST = text(JSON.stringify({ files: { 'model.safetensors': { sha256: sha256(WEIGHTS), bytes: WEIGHTS.length } } }));
const folder = (weights: Uint8Array) =>
  memoryFolder(
    'model',
    new Map([
      ['manifest.json', MANIFEST],
      ['model.safetensors', weights],
      ['README.md', text('---\nlicense: mit\n---\n')],
    ]),
  );

test('weights as their manifest states them go by its hash', async () => {
  expect(await weightsIdentity(folder(WEIGHTS), never)).toEqual({ hash: sha256(MANIFEST), changed: [], licence: 'mit' });
});

test('weights that were changed beside an old manifest do not pass for those that it names', async () => {
  const scaled = await weightsIdentity(folder(text('weightz')), never);
  expect(scaled.changed).toEqual(['model.safetensors']);
  expect(scaled.hash).not.toBe(sha256(MANIFEST));
  expect((await weightsIdentity(folder(text('weightz')), never)).hash).toBe(scaled.hash);
  expect((await weightsIdentity(folder(text('weighty')), never)).hash).not.toBe(scaled.hash);
});

test('a folder without a manifest has no name', async () => {
  expect(await weightsIdentity(memoryFolder('model', new Map([['model.safetensors', WEIGHTS]])), never)).toEqual({ changed: [] });
});
