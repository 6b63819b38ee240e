// The browser's platform in Node, with the few browser things it uses made by hand: Node has fetch, Response and Blob itself.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PIECE } from '../../src/platform/cache.ts';
import { platform } from '../../src/platform/web.ts';
import { pattern } from './server.ts';

/** The Cache API as a map from address to body. Bodies go in and come out as Blobs, as in a browser. */
class FakeCache {
  readonly entries = new Map<string, Blob>();
  full = false;
  async put(key: string, response: Response) {
    if (this.full) throw Object.assign(new Error('full'), { name: 'QuotaExceededError' });
    this.entries.set(key, await response.blob());
  }
  async match(key: string | Request) {
    const blob = this.entries.get(typeof key === 'string' ? key : key.url);
    return blob && new Response(blob);
  }
  async keys() {
    return [...this.entries.keys()].map((url) => new Request(url));
  }
  async delete(key: Request) {
    return this.entries.delete(key.url);
  }
}

const FILE = pattern(2 * PIECE + 777);
const ADDRESS = 'https://host.example/models/model.safetensors';
let cache: FakeCache;
let asked: string[];

/** fetch that answers ranges of FILE; `finalUrl` is where redirects ended. */
function fakeFetch({ finalUrl, failAt }: { finalUrl?: string; failAt?: number } = {}) {
  vi.stubGlobal('fetch', async (url: URL, init: RequestInit) => {
    const range = new Headers(init.headers).get('range') ?? '';
    asked.push(`${url.href} ${range}`);
    const [first, last] = range.replace('bytes=', '').split('-').map(Number);
    if (first === failAt) throw new TypeError('Failed to fetch');
    const end = Math.min(last, FILE.length - 1);
    const headers = { 'content-range': `bytes ${first}-${end}/${FILE.length}`, etag: '"v1"' };
    const response = new Response(FILE.slice(first, end + 1), { status: 206, headers });
    return finalUrl ? Object.defineProperties(response, { redirected: { value: true }, url: { value: finalUrl } }) : response;
  });
}

beforeEach(() => {
  cache = new FakeCache();
  asked = [];
  vi.stubGlobal('caches', { open: async () => cache });
  vi.stubGlobal('location', { href: 'https://host.example/app/page.html' });
  fakeFetch();
});
afterEach(() => vi.unstubAllGlobals());

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

test('addresses are relative to the page', async () => {
  await platform.openBytes('../models/model.safetensors');
  expect(asked[0]).toMatch(/^https:\/\/host\.example\/models\/model\.safetensors /);
});

test('files of a folder, files from a picker, and bytes', async () => {
  expect((await platform.openFolder('../models').open('a.json'))?.name).toBe('https://host.example/models/a.json');
  const picked = await platform.openBytes(new File(['abc'], 'song.wav'));
  expect([picked.name, picked.size]).toEqual(['song.wav', 3]);
  expect((await platform.openBytes(new Uint8Array(5))).size).toBe(5);
});

test.each(['http://other.example/f', 'javascript:alert(1)', 'data:,x', 'https://me:pw@host.example/f', 'blob:https://host.example/1'])(
  'refused: %s',
  async (address) => {
    await expect(platform.openBytes(address)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('refused') });
    expect(asked).toEqual([]);
  },
);

test('a fetch of the caller asks in place of that of the page', async () => {
  const own = async () => new Response(FILE.slice(0, 3), { status: 206, headers: { 'content-range': 'bytes 0-2/3' } });
  expect((await platform.openBytes(ADDRESS, { fetch: own })).size).toBe(3);
  expect(asked).toEqual([]);
});

test('a redirect that ended on another host is refused, unless allowed', async () => {
  fakeFetch({ finalUrl: 'https://cdn.example/f' });
  await expect(platform.openBytes(ADDRESS)).rejects.toThrow(/redirects to cdn\.example/);
  expect((await platform.openBytes(ADDRESS, { redirectHosts: ['cdn.example'] })).size).toBe(FILE.length);
});

test('kept in pieces, read across their borders, offline', async () => {
  const progress: number[] = [];
  await platform.openBytes(ADDRESS, { cache: true, onProgress: (received) => progress.push(received) });
  expect(progress).toEqual([0, PIECE, 2 * PIECE, FILE.length]);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  const source = await platform.openBytes(ADDRESS, { cache: true });
  expect(same(await source.read(PIECE - 3, PIECE + 6), FILE.subarray(PIECE - 3, 2 * PIECE + 3))).toBe(true);
  expect(same(await source.read(FILE.length - 5, 5), FILE.subarray(-5))).toBe(true);
  await expect(source.read(FILE.length - 5, 6)).rejects.toMatchObject({ code: 'io' });
});

test('a broken-off download goes on at the piece that lacks', async () => {
  fakeFetch({ failAt: PIECE });
  await expect(platform.openBytes(ADDRESS, { cache: true })).rejects.toMatchObject({ code: 'io' });
  fakeFetch();
  asked = [];
  const source = await platform.openBytes(ADDRESS, { cache: true });
  expect(asked.map((line) => line.split('=')[1])).toEqual(['0-65535', `${PIECE}-${2 * PIECE - 1}`, `${2 * PIECE}-${FILE.length - 1}`]);
  expect(same(await source.read(0, FILE.length), FILE)).toBe(true);
});

test('a piece that the browser evicted: noticed while reading, fetched again on the next load', async () => {
  const source = await platform.openBytes(ADDRESS, { cache: true });
  const piece = [...cache.entries.keys()].find((key) => key.endsWith('/1')) ?? '';
  cache.entries.delete(piece);
  await expect(source.read(PIECE, 1)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('dropped a part') });
  const again = await platform.openBytes(ADDRESS, { cache: true });
  expect(same(await again.read(0, FILE.length), FILE)).toBe(true);
});

test('no room left, and no cache at all, are errors in words', async () => {
  cache.full = true;
  await expect(platform.openBytes(ADDRESS, { cache: true })).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining('no more storage'),
  });
  vi.stubGlobal('caches', { open: () => Promise.reject(new Error('SecurityError')) });
  await expect(platform.openBytes(ADDRESS, { cache: true })).rejects.toThrow(/no cache to keep downloads in/);
});

test('list and remove', async () => {
  await platform.openBytes(ADDRESS, { cache: true });
  expect(await platform.cache.list()).toEqual([{ address: ADDRESS, received: FILE.length, total: FILE.length }]);
  expect(await platform.cache.remove('https://host.example/other')).toBe(0);
  expect(await platform.cache.remove(ADDRESS)).toBe(FILE.length);
  expect(cache.entries.size).toBe(0);
});

test('no WebGPU: the reason depends on the page', async () => {
  vi.stubGlobal('navigator', {});
  await expect(platform.openGpu()).rejects.toMatchObject({ code: 'no_adapter', message: 'this browser has no WebGPU' });
  vi.stubGlobal('isSecureContext', false);
  await expect(platform.openGpu()).rejects.toMatchObject({ code: 'no_adapter', message: expect.stringContaining('secure page') });
  const gpu = { requestAdapter: () => null };
  vi.stubGlobal('navigator', { gpu });
  expect(await platform.openGpu()).toBe(gpu);
});

test('a server of another site that hides Content-Range is read, by its Content-Length', async () => {
  const big = 'https://other.example/model.safetensors';
  const answer = (bytes: Uint8Array, status: number, headers: Record<string, string> = {}) =>
    Object.defineProperty(new Response(bytes.slice(), { status, headers }), 'type', { value: 'cors' });
  let length: string | undefined = String(FILE.length);
  let short = 0;
  vi.stubGlobal('fetch', async (_url: URL, init: RequestInit) => {
    const range = new Headers(init.headers).get('range');
    if (!range) return answer(FILE, 200, length === undefined ? {} : { 'content-length': length });
    const [first, last] = range.replace('bytes=', '').split('-').map(Number);
    return answer(FILE.subarray(first, Math.min(last, FILE.length - 1) + 1 - short), 206);
  });
  const source = await platform.openBytes(big);
  expect(source.size).toBe(FILE.length);
  expect(same(await source.read(PIECE - 5, 1000), FILE.subarray(PIECE - 5, PIECE + 995))).toBe(true);
  expect(same(await source.read(FILE.length - 9, 9), FILE.subarray(FILE.length - 9))).toBe(true);
  short = 1;
  await expect(source.read(PIECE, 10)).rejects.toThrow('wrong length; got 9 bytes, expected 10');
  short = 0;
  length = undefined;
  await expect(platform.openBytes(big)).rejects.toMatchObject({
    code: 'io',
    hint: expect.stringContaining('Expose-Headers: Content-Range'),
  });
});
