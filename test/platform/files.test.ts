import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { platform } from '../../src/platform/node.ts';
import { pattern } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'melody-test-'));
const file = join(folder, 'model.safetensors');
const FILE = pattern(100_000);
writeFileSync(file, FILE);
afterAll(() => rmSync(folder, { recursive: true }));

test('a path, a file: URL, a Blob, an ArrayBuffer and a Uint8Array read alike', async () => {
  const locations = [file, pathToFileURL(file), new Blob([FILE as Uint8Array<ArrayBuffer>]), FILE.buffer as ArrayBuffer, FILE];
  for (const location of locations) {
    const source = await platform.openBytes(location);
    expect(source.size).toBe(FILE.length);
    expect(await source.read(70_001, 12)).toEqual(FILE.subarray(70_001, 70_013));
    await expect(source.read(99_999, 2)).rejects.toMatchObject({ code: 'io' });
    await expect(source.read(0, 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  }
});

test('a relative path is a path', async () => {
  expect((await platform.openBytes('package.json')).size).toBeGreaterThan(0);
});

test.each([
  ['a file that is not there', join(folder, 'none'), /no such file/],
  ['a folder', folder, /got a folder, expected a file/],
  ['a device', '/dev/null', /got a device or pipe/],
  ['a path through a file', join(file, 'x'), /not a folder/],
  ['a name of 300 characters', join(folder, 'x'.repeat(300)), /too long/],
  ['a NUL in the path', 'a\0b', /NUL/],
])('%s is an io error', async (_name, path, expected) => {
  await expect(platform.openBytes(path)).rejects.toMatchObject({ code: 'io', message: expect.stringMatching(expected) });
});

test('what is no location at all', async () => {
  await expect(platform.openBytes(42 as never)).rejects.toMatchObject({ code: 'invalid_argument' });
});

test('a file that changes between two reads is noticed', async () => {
  const path = join(folder, 'changing');
  writeFileSync(path, 'abc');
  const source = await platform.openBytes(path);
  appendFileSync(path, 'd');
  await expect(source.read(0, 3)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('changed while it was read') });
});

test('a folder opens its files by plain name; symbolic links to files are files', async () => {
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, 'model/config.json'), '{}');
  symlinkSync(file, join(folder, 'model/model.safetensors'));
  for (const base of [join(folder, 'model'), pathToFileURL(join(folder, 'model/'))]) {
    const opened = platform.openFolder(base);
    expect((await opened.open('config.json'))?.size).toBe(2);
    expect((await opened.open('model.safetensors'))?.size).toBe(FILE.length);
    expect(await opened.open('none')).toBeUndefined();
    await expect(opened.open('../model.safetensors')).rejects.toMatchObject({ code: 'io' });
  }
  await expect(platform.openFolder(folder).open('model')).rejects.toThrow(/got a folder/);
  await expect(platform.openFolder(file).open('x')).rejects.toMatchObject({ code: 'io' });
});
