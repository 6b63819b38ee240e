// The page's server: ranges, marks of a version, and nothing outside its folder.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFolder } from '../../tools/serve.mjs';

let top: string;
let server: Awaited<ReturnType<typeof serveFolder>>;
beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'melody-serve-'));
  mkdirSync(join(top, 'site'));
  writeFileSync(join(top, 'secret.txt'), 'secret');
  writeFileSync(join(top, 'site/index.html'), '<title>page</title>');
  writeFileSync(join(top, 'site/data.bin'), '0123456789');
  symlinkSync(join(top, 'secret.txt'), join(top, 'site/link.txt'));
  server = await serveFolder(join(top, 'site'), { prefix: '/a/' });
});
afterAll(async () => {
  await server.close();
  rmSync(top, { recursive: true });
});

/** A request whose path nobody tidies. */
const get = (path: string, headers = {}) =>
  new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request(server.origin, { path, headers }, (response) => {
      let body = '';
      response.on('data', (part) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });

test('files, and ranges of them', async () => {
  expect(await get('/a/')).toMatchObject({ status: 200, body: '<title>page</title>' });
  const part = await get('/a/data.bin', { range: 'bytes=2-4' });
  expect(part).toMatchObject({ status: 206, body: '234', headers: { 'content-range': 'bytes 2-4/10', etag: expect.any(String) } });
  expect(await get('/a/data.bin', { range: 'bytes=7-99' })).toMatchObject({ status: 206, body: '789' });
  expect(await get('/a/data.bin', { range: 'bytes=10-' })).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
});

test('nothing outside the folder', async () => {
  for (const path of [
    '/a/../secret.txt',
    '/a/%2e%2e/secret.txt',
    '/a/..%2fsecret.txt',
    '/a/link.txt',
    '/a/%00',
    '/b/data.bin',
    '/a/none',
    '/a/%',
  ])
    expect(await get(path), path).toMatchObject({ status: 404 });
});
