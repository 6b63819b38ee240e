// The files of a model as a page's worker opens them, over Cross-Origin Storage as its specification describes it: a browser that has it
// gives what another site fetched, and takes what this one did. No browser has it yet, so it is played by a fake.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { sha256 } from '../../src/platform/bytes.ts';
import { describeModel, openModelFiles } from '../../src/web/model_files.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';

const TINY = fileURLToPath(new URL('../../weights/melody-tiny/', import.meta.url));
const SHARD = 'model.safetensors';
const shard = readFileSync(join(TINY, SHARD));
const total = Object.values<{ bytes: number }>(JSON.parse(readFileSync(join(TINY, 'manifest.json'), 'utf8')).files).reduce(
  (sum, { bytes }) => sum + bytes,
  0,
);

/** A cache of this file's own, named before anything looks for one. */
const cache = await vi.hoisted(async () => {
  const { mkdtempSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  process.env.XDG_CACHE_HOME = mkdtempSync(`${tmpdir()}/melody-files-`);
  return process.env.XDG_CACHE_HOME;
});

let server: TestServer;
const fetched: string[] = [];

/** What the specification says of a browser's storage: written by hash, read by hash, readable once it was written and only if it fits. */
function storage(withheld = false) {
  const files = new Map<string, Uint8Array>();
  const asked: { value: string; create?: boolean; origins?: string }[] = [];
  const requestFileHandle = async (
    { algorithm, value }: { algorithm: string; value: string },
    { create, origins }: { create?: boolean; origins?: string } = {},
  ) => {
    asked.push({ value, ...(create && { create }), ...(origins && { origins }) });
    if (algorithm !== 'SHA-256' || !/^[0-9a-f]{64}$/.test(value)) throw new TypeError('no hash');
    if (!create && (withheld || !files.has(value))) throw new DOMException('none', 'NotFoundError');
    return {
      getFile: async () => {
        if (create) throw new DOMException('not written', 'NotAllowedError');
        return new Blob([files.get(value) as Uint8Array<ArrayBuffer>]);
      },
      createWritable: async () => {
        let written = new Uint8Array();
        return {
          write: async (bytes: Uint8Array<ArrayBuffer>) => {
            written = Uint8Array.from(bytes);
          },
          close: async () => {
            if ((await sha256(written)) !== value) throw new DOMException('another hash', 'DataError');
            files.set(value, written);
          },
        };
      },
    };
  };
  vi.stubGlobal('navigator', { crossOriginStorage: { requestFileHandle } });
  return { files, asked };
}

const open = (keep = true, onFile?: (file: string, received: number) => void) => openModelFiles(`${server.origin}/`, { keep, onFile });
const read = async (folder: Awaited<ReturnType<typeof open>>) => {
  const source = await folder.open(SHARD);
  return source && (await source.read(0, source.size));
};

beforeEach(async () => {
  fetched.length = 0;
  server = await serve((request, response) => {
    const name = (request.url ?? '').slice(1);
    fetched.push(name);
    sendRange(readFileSync(join(TINY, name)), request, response);
  });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await server.close();
  await platform.cache.remove();
});
afterAll(() => rm(cache, { recursive: true, force: true }));

test('what is fetched is left for other sites, small files are not; what is here is asked of nobody', async () => {
  const { files, asked } = storage();
  expect(await read(await open())).toEqual(new Uint8Array(shard));
  await vi.waitFor(() => expect(files.size).toBe(1));
  const value = await sha256(shard);
  expect(asked).toEqual([{ value }, { value, create: true, origins: '*' }]);
  await open();
  expect(asked).toHaveLength(2);
});

test('what another site fetched is not fetched again, nor kept twice, and counts as here', async () => {
  const { files, asked } = storage();
  files.set(await sha256(shard), new Uint8Array(shard));
  expect(await describeModel(`${server.origin}/`)).toMatchObject({ bytes: total, kept: shard.length });
  const received: number[] = [];
  expect(await read(await open(true, (file, bytes) => file === SHARD && received.push(bytes)))).toEqual(new Uint8Array(shard));
  expect(received).toContain(shard.length);
  expect(fetched).not.toContain(SHARD);
  expect((await platform.cache.list()).map(({ address }) => address)).not.toContain(`${server.origin}/${SHARD}`);
  expect(asked.some(({ create }) => create)).toBe(false);
});

test('bytes of another hash are not used, a browser that withholds or takes nothing is no fault', async () => {
  const { files } = storage();
  const other = new Uint8Array(shard);
  other[other.length - 5] ^= 1; // one bit
  files.set(await sha256(shard), other);
  expect(await read(await open())).toEqual(new Uint8Array(shard));
  expect(fetched).toContain(SHARD);
  await platform.cache.remove();
  storage(true);
  expect(await read(await open())).toEqual(new Uint8Array(shard));
  await platform.cache.remove();
  const refuse = async () => Promise.reject(new DOMException('by policy', 'NotAllowedError'));
  vi.stubGlobal('navigator', { crossOriginStorage: { requestFileHandle: refuse } });
  expect(await read(await open())).toEqual(new Uint8Array(shard));
});

test('a page that keeps nothing leaves nothing to others', async () => {
  const { asked } = storage();
  expect(await read(await open(false))).toEqual(new Uint8Array(shard));
  expect(asked).toEqual([]);
});
