import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgetMisses, openCached, PIECE } from '../../src/platform/cache.ts';
import { MissingFile, openHttp } from '../../src/platform/http.ts';
import { cacheFolder, diskCache, diskFacts, diskStore } from '../../src/platform/node_cache.ts';
import { followInNode } from '../../src/platform/node_fetch.ts';
import type { OpenOptions } from '../../src/platform/platform.ts';
import { type Answer, pattern, sendRange, serve, type TestServer } from './server.ts';

const FILE = pattern(PIECE + 1000);
let folder: string;
let server: TestServer;

beforeEach(() => {
  forgetMisses();
  folder = mkdtempSync(join(tmpdir(), 'melody-test-'));
});
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (answer: Answer) => {
  server = await serve(answer);
  return new URL(`${server.origin}/model.safetensors`);
};

const open = (address: URL, options: OpenOptions = {}) =>
  openCached(address.href, diskStore(address.href, folder), () => openHttp(address, followInNode([]), options.signal), options);

/** Vitest's own comparison takes minutes for megabytes. */
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const dataFile = () => join(folder, readdirSync(folder).find((name) => /\.(bin|part)$/.test(name)) ?? 'none');

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('fetched once, then read without the network', async () => {
  const address = await start((request, response) => sendRange(FILE, request, response));
  const progress: number[] = [];
  const source = await open(address, { onProgress: (received, total) => progress.push(received / total) });
  expect(await source.read(PIECE - 5, 10)).toEqual(FILE.subarray(PIECE - 5, PIECE + 5));
  expect(source.name).toBe(address.href);
  expect(progress[0]).toBe(0);
  expect(progress.at(-1)).toBe(1);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  await server.close();
  const again = await open(address);
  expect(same(await again.read(0, FILE.length), FILE)).toBe(true);
});

test('a broken-off download goes on where it was', async () => {
  let broken = true;
  const address = await start((request, response) => {
    if (broken && !request.headers.range?.startsWith('bytes=0-')) response.destroy();
    else sendRange(FILE, request, response);
  });
  await expect(open(address)).rejects.toMatchObject({ code: 'io' });
  broken = false;
  server.asked.length = 0;
  const source = await open(address);
  expect(server.asked).toEqual(['bytes=0-65535', `bytes=${PIECE}-${FILE.length - 1}`]);
  expect(same(await source.read(0, FILE.length), FILE)).toBe(true);
});

test('half a piece that a crash left is gone on from', async () => {
  let broken = true;
  const address = await start((request, response) => {
    if (broken && !request.headers.range?.startsWith('bytes=0-')) response.destroy();
    else sendRange(FILE, request, response);
  });
  await expect(open(address)).rejects.toMatchObject({ code: 'io' });
  truncateSync(dataFile(), 12_345);
  broken = false;
  server.asked.length = 0;
  expect(same(await (await open(address)).read(0, FILE.length), FILE)).toBe(true);
  expect(server.asked[1]).toBe(`bytes=12345-${FILE.length - 1}`);
});

test('a complete file that was cut is fetched again', async () => {
  const address = await start((request, response) => sendRange(FILE, request, response));
  await open(address);
  truncateSync(dataFile(), 12_345);
  expect(await diskCache(folder).list()).toEqual([]);
  expect(same(await (await open(address)).read(0, FILE.length), FILE)).toBe(true);
});

test('another version on the server: what was there is thrown away', async () => {
  let version = 1;
  const files = [FILE, pattern(FILE.length).reverse()];
  let broken = true;
  const address = await start((request, response) => {
    if (broken && !request.headers.range?.startsWith('bytes=0-')) response.destroy();
    else sendRange(files[version - 1], request, response, { etag: `"v${version}"` });
  });
  await expect(open(address)).rejects.toMatchObject({ code: 'io' });
  version = 2;
  broken = false;
  expect(same(await (await open(address)).read(0, FILE.length), files[1])).toBe(true);
});

test('without a version mark nothing is resumed', async () => {
  let size = 1000;
  const address = await start((request, response) => {
    const first = /bytes=(\d+)/.exec(request.headers.range ?? '')?.[1];
    response.writeHead(206, { 'content-range': `bytes ${first}-${size - 1}/${size}` }).end(FILE.subarray(Number(first), size));
  });
  await open(address);
  truncateSync(dataFile(), 10);
  writeFileSync(dataFile(), 'XXXXXXXXXX');
  size = 1000;
  expect(await (await open(address)).read(0, 1000)).toEqual(FILE.subarray(0, 1000));
});

test('a range answered with the whole file is not appended', async () => {
  const address = await start((request, response) => {
    if (request.headers.range?.startsWith('bytes=0-65535')) sendRange(FILE, request, response);
    else response.writeHead(200, { etag: '"v1"' }).end(FILE);
  });
  await expect(open(address)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('expected 206') });
  expect(readFileSync(dataFile()).length).toBe(0);
});

test('that a file does not exist is remembered while the process runs, and not on the disk', async () => {
  let there = false;
  const address = await start((request, response) => (there ? sendRange(FILE, request, response) : void response.writeHead(404).end()));
  await expect(open(address)).rejects.toBeInstanceOf(MissingFile);
  await expect(open(address)).rejects.toBeInstanceOf(MissingFile);
  expect(server.asked).toHaveLength(1);
  expect(await diskCache(folder).list()).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
  there = true;
  forgetMisses(); // as a new process
  expect((await open(address)).size).toBe(FILE.length);
});

test('bytes that are not the expected ones are refused and not kept; the right ones then are', async () => {
  const damaged = FILE.slice();
  damaged.fill(0, FILE.length - 400);
  let honest = false;
  const address = await start((request, response) => sendRange(honest ? FILE : damaged, request, response));
  const expected = { sha256: sha256(FILE), bytes: FILE.length };
  await expect(open(address, { expected })).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining(sha256(damaged)) });
  expect(readdirSync(folder)).toEqual([]);
  honest = true;
  expect(same(await (await open(address, { expected })).read(0, FILE.length), FILE)).toBe(true);
  await expect(open(address, { expected: { ...expected, bytes: 7 } })).rejects.toMatchObject({ code: 'weights' });
});

test('a kept file that is no longer the expected one is fetched again', async () => {
  const files = [FILE, pattern(FILE.length).reverse()];
  let version = 0;
  const address = await start((request, response) => sendRange(files[version], request, response, { etag: `"v${version}"` }));
  await open(address, { expected: { sha256: sha256(FILE), bytes: FILE.length } });
  version = 1;
  const source = await open(address, { expected: { sha256: sha256(files[1]), bytes: FILE.length } });
  expect(same(await source.read(0, FILE.length), files[1])).toBe(true);
});

test('kept data that was written to since is hashed again: fetched anew where it is another, taken where it is the same', async () => {
  let asked = 0;
  const address = await start((request, response) => {
    asked++;
    sendRange(FILE, request, response);
  });
  await open(address);
  const before = asked;
  const file = dataFile();
  utimesSync(file, new Date(), new Date(Date.now() - 86_400_000)); // copied
  expect(same(await (await open(address)).read(0, FILE.length), FILE)).toBe(true);
  await open(address);
  expect(asked).toBe(before);
  const bytes = readFileSync(file);
  bytes[PIECE] ^= 1;
  writeFileSync(file, bytes);
  expect(same(await (await open(address)).read(0, FILE.length), FILE)).toBe(true);
  expect(asked).toBeGreaterThan(before);
});

test('verify finds what changed on the disk, removes it, and leaves the rest', async () => {
  const address = await start((request, response) => sendRange(FILE, request, response));
  const other = new URL('/other', address);
  await open(address);
  const [first] = readdirSync(folder).filter((name) => name.endsWith('.bin'));
  await open(other);
  expect(await diskCache(folder).verify()).toEqual([]);
  const bytes = readFileSync(join(folder, first));
  bytes[PIECE] ^= 1;
  writeFileSync(join(folder, first), bytes);
  expect(await diskCache(folder).verify()).toEqual([address.href]);
  expect((await diskCache(folder).list()).map((entry) => entry.address)).toEqual([other.href]);
});

test('abort between pieces; the next attempt resumes', async () => {
  const address = await start((request, response) => sendRange(FILE, request, response));
  const stop = new AbortController();
  const onProgress = (received: number) => {
    if (received >= PIECE) stop.abort();
  };
  await expect(open(address, { signal: stop.signal, onProgress })).rejects.toMatchObject({ code: 'aborted' });
  expect(await diskCache(folder).list()).toEqual([{ address: address.href, received: PIECE, total: FILE.length }]);
  expect(same(await (await open(address)).read(0, FILE.length), FILE)).toBe(true);
});

test('list and remove', async () => {
  const address = await start((request, response) => sendRange(FILE.subarray(0, 500), request, response));
  await open(address);
  const other = new URL('/other', address);
  await open(other);
  const cache = diskCache(folder);
  expect((await cache.list()).map((entry) => entry.address).sort()).toEqual([address.href, other.href]);
  expect(await cache.remove(other.href)).toBe(500);
  expect(await cache.list()).toHaveLength(1);
  expect(await cache.remove()).toBe(500);
  expect(readdirSync(folder)).toEqual([]);
});

test('damaged entries are no entries', async () => {
  const address = await start((request, response) => sendRange(FILE.subarray(0, 500), request, response));
  await open(address);
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) writeFileSync(join(folder, name), '{"address": 1');
  expect(await diskCache(folder).list()).toEqual([]);
  expect((await open(address)).size).toBe(500);
  await diskFacts(folder).set('learnt', 'wrong');
  mkdirSync(join(folder, (readdirSync(folder).find((name) => name.endsWith('.json')) as string).replace(/\..*/, '.bin'))); // of the cache's names, and no file
  await diskCache(folder).remove();
  expect(readdirSync(folder)).toEqual([]);
  expect(await diskFacts(folder).get('learnt')).toBeUndefined();
});

test.each<[NodeJS.ProcessEnv, string, RegExp]>([
  [{ XDG_CACHE_HOME: '/var/c' }, 'linux', /^\/var\/c\/melody$/],
  [{ XDG_CACHE_HOME: 'relative' }, 'linux', /\/\.cache\/melody$/],
  [{}, 'linux', /\/\.cache\/melody$/],
  [{}, 'darwin', /\/Library\/Caches\/melody$/],
])('cache folder with %o on %s', (env, system, expected) => {
  expect(cacheFolder(env, system)).toMatch(expected);
});

test('one of many that begin at once takes up what was left; nobody takes it from that one again', async () => {
  const info = { address: 'https://example.org/model.safetensors', total: 1000, etag: '"1"' };
  for (let round = 0; round < 40; round++) {
    const store = diskStore(info.address, join(folder, String(round)));
    const first = await store.begin(info);
    await first.append(FILE.subarray(0, 300));
    await first.leave();
    // Soon after each other, so that some look while the first one takes it up.
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await new Promise(setImmediate);
    };
    const downloads = await Promise.all(Array.from({ length: 24 }, (_, i) => turns(i).then(() => store.begin(info))));
    expect(downloads.filter(({ received }) => received === 300).length).toBe(1);
    for (const download of downloads) {
      await download.append(FILE.subarray(download.received, info.total));
      const finished = await download.finish();
      if ('wrong' in finished) throw new Error(finished.wrong);
      expect(same(await finished.source.read(0, info.total), FILE.subarray(0, info.total))).toBe(true);
    }
  }
});
