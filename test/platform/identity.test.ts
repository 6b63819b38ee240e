// What names the very bytes of a model: its manifest's hash, or where files were changed beside it, what they are.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { weightsIdentity } from '../../src/platform/node_hash.ts';
import { memoryFolder } from '../../tools/memory_folder.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const text = (value: string) => new TextEncoder().encode(value);

const WEIGHTS = text('weights');
const MANIFEST = text(JSON.stringify({ files: { 'model.safetensors': { sha256: sha256(WEIGHTS), bytes: WEIGHTS.length } } }));
const folder = (weights: Uint8Array) =>
  memoryFolder(
    'model',
    new Map([
      ['manifest.json', MANIFEST],
      ['model.safetensors', weights],
    ]),
  );

test('weights as their manifest states them go by its hash', async () => {
  expect(await weightsIdentity(folder(WEIGHTS), false)).toEqual({ hash: sha256(MANIFEST), changed: [] });
});

test('weights that were changed beside an old manifest do not pass for those that it names', async () => {
  const scaled = await weightsIdentity(folder(text('weightz')), false);
  expect(scaled?.changed).toEqual(['model.safetensors']);
  expect(scaled?.hash).not.toBe(sha256(MANIFEST));
  expect((await weightsIdentity(folder(text('weightz')), false))?.hash).toBe(scaled?.hash);
  expect((await weightsIdentity(folder(text('weighty')), false))?.hash).not.toBe(scaled?.hash);
});

test('a folder without a manifest has no name, and of one that is checked as it is read nothing but the manifest is read', async () => {
  expect(await weightsIdentity(memoryFolder('model', new Map([['model.safetensors', WEIGHTS]])), false)).toBeUndefined();
  const alone = memoryFolder('model', new Map([['manifest.json', MANIFEST]]));
  expect(await weightsIdentity(alone, true)).toEqual({ hash: sha256(MANIFEST), changed: [] });
});

test('recipes of the library name the tensors that made them, and warn where they are made again with others', async () => {
  const place = mkdtempSync(join(tmpdir(), 'melody-identity-'));
  const events: string[] = [];
  const asked = { prompt: 'piano', steps: 1, seed: 3, durationSeconds: 2 };
  const onEvent = (event: { type: string; code?: string }) => event.code === 'other_weights' && events.push(event.code);
  try {
    cpSync('weights/melody-tiny', place, { recursive: true });
    const first = await MeLoDy.load(place, TEST_CPU);
    const { recipe } = first.stream(asked);
    expect(recipe.weights).toBe(sha256(readFileSync('weights/melody-tiny/manifest.json')));
    expect((await first.generate({ ...recipe, onEvent })).recipe.weights).toBe(recipe.weights);
    first.dispose();

    // Every value changed a little, and manifest.json left as it was.
    const file = join(place, 'model.safetensors');
    const bytes = readFileSync(file);
    const start = 8 + Number(bytes.readBigUInt64LE());
    for (let at = start; at < bytes.length; at += 2) bytes[at] ^= 1; // the last bit of an f16
    writeFileSync(file, bytes);
    const scaled = await MeLoDy.load(place, TEST_CPU);
    expect(scaled.stream(asked).recipe.weights).not.toBe(recipe.weights);
    expect(events).toEqual([]);
    await scaled.generate({ ...recipe, onEvent });
    expect(events).toEqual(['other_weights']);
    scaled.dispose();
  } finally {
    rmSync(place, { recursive: true });
  }
}, 180_000);
