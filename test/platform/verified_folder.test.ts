import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { platform } from '#platform';
import { forgetMisses } from '../../src/platform/cache.ts';
import { pattern, sendRange, serve, type TestServer } from './server.ts';

const WEIGHTS = pattern(300_000);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const manifestOf = (files: Record<string, Uint8Array>) =>
  new TextEncoder().encode(
    JSON.stringify({ files: Object.fromEntries(Object.entries(files).map(([name, b]) => [name, { sha256: sha256(b), bytes: b.length }])) }),
  );

let folder: string;
let server: TestServer;
let files: Map<string, Uint8Array>;
const before = process.env.XDG_CACHE_HOME;

beforeEach(async () => {
  forgetMisses();
  folder = mkdtempSync(join(tmpdir(), 'melody-verified-'));
  process.env.XDG_CACHE_HOME = folder;
  files = new Map();
  server = await serve((request, response) => {
    const file = files.get(request.url?.split('/').at(-1) ?? '');
    if (file) sendRange(file, request, response, { etag: `"${sha256(file).slice(0, 8)}"` });
    else response.writeHead(404).end();
  });
});
afterEach(async () => {
  process.env.XDG_CACHE_HOME = before;
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (file: string) => platform.openFolder(`${server.origin}/model/`, { cache: true }).open(file);
const read = async (file: string) => {
  const source = await open(file);
  return source && sha256(await source.read(0, source.size));
};

test('what the manifest names is given; what it does not name is given unchecked; what is missing is missing', async () => {
  files
    .set('model.safetensors', WEIGHTS)
    .set('README.md', pattern(10))
    .set('manifest.json', manifestOf({ 'model.safetensors': WEIGHTS }));
  expect(await read('model.safetensors')).toBe(sha256(WEIGHTS));
  expect((await open('model.safetensors'))?.sha256).toBe(sha256(WEIGHTS));
  expect(await read('README.md')).toBe(sha256(pattern(10)));
  expect(await open('other.json')).toBeUndefined();
});

test('weights that are not those of an honest manifest are refused, and nothing of them is kept', async () => {
  const cut = WEIGHTS.slice();
  cut.fill(0, 100_000);
  files.set('model.safetensors', cut).set('manifest.json', manifestOf({ 'model.safetensors': WEIGHTS }));
  await expect(open('model.safetensors')).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining(sha256(cut)) });
  files.set('model.safetensors', WEIGHTS);
  expect(await read('model.safetensors')).toBe(sha256(WEIGHTS));
});

test('a new version on the server replaces the kept one; offline the kept one plays', async () => {
  files.set('model.safetensors', WEIGHTS).set('manifest.json', manifestOf({ 'model.safetensors': WEIGHTS }));
  expect(await read('model.safetensors')).toBe(sha256(WEIGHTS));
  const newer = pattern(WEIGHTS.length).reverse();
  files.set('model.safetensors', newer).set('manifest.json', manifestOf({ 'model.safetensors': newer }));
  expect(await read('model.safetensors')).toBe(sha256(newer));
  await server.close();
  expect(await read('model.safetensors')).toBe(sha256(newer));
});

test('a server that fails is asked for the manifest once, and said to fail, where nothing is kept', async () => {
  let asked = 0;
  await server.close();
  server = await serve((_request, response) => {
    asked++;
    response.writeHead(500).end();
  });
  await expect(open('config.json')).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('manifest.json: got status 500'),
  });
  expect(asked).toBe(1); // a silent one would cost another 20 s
});

test('a model without a manifest is read as it is', async () => {
  files.set('model.safetensors', WEIGHTS);
  expect(await read('model.safetensors')).toBe(sha256(WEIGHTS));
  expect(await open('manifest.json')).toBeUndefined();
});

test('a manifest that is none is said to be so', async () => {
  files.set('model.safetensors', WEIGHTS).set('manifest.json', new TextEncoder().encode('{"files": {"../x": {}}}'));
  await expect(open('model.safetensors')).rejects.toMatchObject({
    code: 'weights',
    message: expect.stringContaining('is not the name of a file'),
  });
});
