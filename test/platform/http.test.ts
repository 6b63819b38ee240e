// The fault table of addresses (requirements §2.3): what may be asked, where redirects may lead, which answers are believed.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { checkAddress, checkRedirect } from '../../src/platform/http.ts';
import { platform } from '../../src/platform/node.ts';
import { isPrivateIp } from '../../src/platform/node_fetch.ts';
import { platform as webPlatform } from '../../src/platform/web.ts';
import { loadSystem } from '../../src/systems/load.ts';
import { type Answer, pattern, sendRange, serve, type TestServer } from './server.ts';

const FILE = pattern(200_000);
const servers: TestServer[] = [];

afterEach(async () => {
  vi.unstubAllGlobals();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function server(answer: Answer): Promise<TestServer> {
  const started = await serve(answer);
  servers.push(started);
  return started;
}

const good: Answer = (request, response) => sendRange(FILE, request, response);

test('reads by range: the start comes with the opening, the rest on demand', async () => {
  const { origin, asked } = await server(good);
  const source = await platform.openBytes(`${origin}/model.safetensors`);
  expect(source.size).toBe(FILE.length);
  expect(await source.read(8, 1000)).toEqual(FILE.subarray(8, 1008));
  expect(await source.read(150_000, 5)).toEqual(FILE.subarray(150_000, 150_005));
  expect(await source.read(65_530, 10)).toEqual(FILE.subarray(65_530, 65_540));
  expect(await source.read(FILE.length, 0)).toEqual(new Uint8Array(0));
  expect(asked).toEqual(['bytes=0-65535', 'bytes=150000-150004', 'bytes=65530-65539']);
});

test.each([0, 1, 65_535, 65_536, 65_537])('a file of %i bytes', async (size) => {
  const file = FILE.subarray(0, size);
  const { origin } = await server((request, response) => sendRange(file, request, response));
  const source = await platform.openBytes(`${origin}/f`);
  expect(source.size).toBe(size);
  expect(await source.read(0, size)).toEqual(file);
});

test('reads past the end are refused before anything is asked', async () => {
  const { origin, asked } = await server(good);
  const source = await platform.openBytes(`${origin}/f`);
  for (const [offset, length] of [
    [FILE.length, 1],
    [-1, 1],
    [0.5, 1],
    [0, Number.NaN],
    [0, 2 ** 53],
  ]) {
    await expect(source.read(offset, length)).rejects.toMatchObject({ code: 'io' });
  }
  expect(asked).toHaveLength(1);
});

test.each([
  ['javascript:', 'javascript:alert(1)'],
  ['data:', 'data:application/octet-stream;base64,AAAA'],
  ['file:', 'file:///etc/passwd'],
  ['ftp:', 'ftp://host.example/f'],
  ['http to another machine', 'http://host.example/f'],
  ['http to a private machine', 'http://192.168.0.1/f'],
  ['a name that only starts like this machine', 'http://127.0.0.1.example/f'],
  ['a user name', 'https://user@host.example/f'],
  ['a password', 'https://user:secret@host.example/f'],
])('refused before anything is sent: %s', async (_name, address) => {
  const fetchSpy = vi.fn();
  vi.stubGlobal('fetch', fetchSpy);
  await expect(platform.openBytes(address)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('refused') });
  expect(() => platform.openFolder(address)).toThrow(/refused/);
  expect(fetchSpy).not.toHaveBeenCalled();
});

test('a password never appears in a message', () => {
  expect(() => checkAddress('https://user:secret@host.example/f')).toThrow(/^((?!secret).)*$/);
});

test.each(['https://host.example/f', 'http://localhost:8000/f', 'http://127.0.0.1/f', 'http://127.1.2.3/f', 'http://[::1]:80/f'])(
  'allowed: %s',
  (address) => {
    expect(checkAddress(address).href).toBe(new URL(address).href);
  },
);

test('redirects on the same host are followed', async () => {
  const { origin } = await server((request, response) => {
    if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
    else good(request, response);
  });
  expect((await platform.openBytes(`${origin}/old`)).size).toBe(FILE.length);
});

test('a redirect to another host is refused, unless allowed', () => {
  const [from, to] = [new URL('https://host.example/f'), new URL('https://cdn.example/f')];
  expect(() => checkRedirect(from, to, [])).toThrow(/host\.example redirects to cdn\.example/);
  expect(() => checkRedirect(from, to, ['other.example'])).toThrow(/redirects/);
  expect(() => checkRedirect(from, to, ['cdn.example'])).not.toThrow();
  expect(() => checkRedirect(from, new URL('https://x.host.example/f'), [])).toThrow(/redirects/);
});

test('a redirect may not leave https, nor lead to another kind of address', () => {
  const from = new URL('https://localhost/f');
  expect(() => checkRedirect(from, new URL('http://localhost/f'), [])).toThrow(/https to http/);
  expect(() => checkRedirect(from, new URL('file:///etc/passwd'), ['localhost', ''])).toThrow(/refused/);
});

test('a redirect to another host on this machine or network is refused even when allowed', async () => {
  const target = await server(good);
  const { origin } = await server((_request, response) => {
    response.writeHead(307, { location: `${target.origin.replace('127.0.0.1', 'localhost')}/f` }).end();
  });
  await expect(platform.openBytes(`${origin}/f`)).rejects.toThrow(/redirects to localhost/);
  await expect(platform.openBytes(`${origin}/f`, { redirectHosts: ['localhost'] })).rejects.toThrow(/on a private network; refused/);
  expect(target.asked).toEqual([]);
});

test('only allowed hosts are asked where some are named, and no path is opened then', async () => {
  const { origin, asked } = await server(good);
  const { host } = new URL(origin);
  expect((await platform.openBytes(`${origin}/f`, { allowedHosts: [host] })).size).toBe(FILE.length);
  const before = asked.length;
  const refused = { code: 'io', message: expect.stringMatching(/refused/) };
  await expect(platform.openBytes(`${origin}/f`, { allowedHosts: ['127.0.0.1'] })).rejects.toMatchObject(refused); // another port
  const open = (location: string | URL) => async () => platform.openFolder(location, { allowedHosts: [host] }).open('config.json');
  for (const location of ['weights/melody-tiny', new URL('../../weights/melody-tiny/', import.meta.url), 'melody-tiny', 'hf:a/b'])
    await expect(open(location)()).rejects.toMatchObject(refused);
  await expect(MeLoDy.load(`${origin}/m/`, { allowedHosts: ['host.example'] })).rejects.toMatchObject(refused);
  await expect(loadSystem(`${origin}/m/`, { allowedHosts: ['host.example'] })).rejects.toMatchObject(refused);
  expect(asked.length).toBe(before);
});

test('a fetch of the caller asks in place of ours', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new Error('not this one')));
  const asked: string[] = [];
  const own: typeof fetch = async (address) => {
    asked.push(String(address));
    return new Response(null, { status: 404 });
  };
  await expect(MeLoDy.load('https://host.example/m/', { fetch: own, cache: false })).rejects.toMatchObject({ code: 'weights' });
  await expect(loadSystem('https://host.example/m/', { fetch: own, cache: false })).rejects.toMatchObject({ code: 'weights' });
  expect(new Set(asked)).toContain('https://host.example/m/config.json');
});

test('an allowed redirect to a public host is followed, to which no token goes', async () => {
  // No network here: an IP address needs no name server, and fetch is ours.
  const tokens: [string, string | null][] = [];
  vi.stubGlobal('fetch', async (url: URL, init: RequestInit) => {
    tokens.push([url.hostname, new Headers(init.headers).get('authorization')]);
    return url.hostname === '93.184.215.14'
      ? new Response(FILE.slice(0, 3), { status: 206, headers: { 'content-range': 'bytes 0-2/3' } })
      : new Response(null, { status: 302, headers: { location: 'https://93.184.215.14/f' } });
  });
  const source = await platform.openBytes('https://host.example/f', { redirectHosts: ['93.184.215.14'], token: 'secret' });
  expect(await source.read(0, 3)).toEqual(FILE.subarray(0, 3));
  expect(tokens).toEqual([
    ['host.example', 'Bearer secret'],
    ['93.184.215.14', null],
  ]);
});

test.each([
  ['10.1.2.3', true],
  ['127.0.0.1', true],
  ['169.254.169.254', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['100.64.0.1', true],
  ['0.0.0.0', true],
  ['8.8.8.8', false],
  ['::1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['::ffff:10.0.0.1', true],
  ['::ffff:8.8.8.8', false],
  ['2001:4860:4860::8888', false],
  ['host.example', false],
])('private address %s: %s', (ip, expected) => {
  expect(isPrivateIp(ip)).toBe(expected);
});

test('redirects without end', async () => {
  const { origin, asked } = await server((_request, response) => void response.writeHead(302, { location: '/again' }).end());
  await expect(platform.openBytes(`${origin}/f`)).rejects.toThrow(/more than 5 redirects/);
  expect(asked).toHaveLength(6);
});

/** Answers the opening well and everything after it as told. */
const later =
  (answer: (request: IncomingMessage, response: ServerResponse) => void): Answer =>
  (request, response) =>
    request.headers.range === 'bytes=0-65535' ? good(request, response) : answer(request, response);

const RANGE = 'bytes 100000-100009/200000';

test.each<[string, Answer, RegExp]>([
  ['200 instead of 206', (_q, r) => r.writeHead(200).end(FILE), /status 200 for bytes 100000-100009, expected 206/],
  [
    'another range than asked',
    (_q, r) => r.writeHead(206, { 'content-range': 'bytes 0-9/200000' }).end(FILE.subarray(0, 10)),
    /wrong range; got bytes 0-9/,
  ],
  ['no content-range', (_q, r) => r.writeHead(206).end(FILE.subarray(0, 10)), /got content-range ""/],
  ['content-range of nonsense', (_q, r) => r.writeHead(206, { 'content-range': 'bytes 1-2/*' }).end(), /got content-range "bytes 1-2\/\*"/],
  [
    'too few bytes',
    (_q, r) => r.writeHead(206, { 'content-range': RANGE, etag: '"v1"' }).end(FILE.subarray(0, 4)),
    /wrong length; got 4 bytes, expected 10/,
  ],
  [
    'too many bytes',
    (_q, r) => r.writeHead(206, { 'content-range': RANGE, etag: '"v1"' }).end(FILE.subarray(0, 999)),
    /wrong length; got more than 10/,
  ],
  [
    'a connection that breaks off',
    (_q, r) =>
      (r.writeHead(206, { 'content-range': RANGE, etag: '"v1"', 'content-length': '10' }).flushHeaders() as never) ??
      r.write('abc', () => r.destroy()),
    /cannot be read/,
  ],
  [
    'another size',
    (_q, r) => r.writeHead(206, { 'content-range': 'bytes 100000-100009/300000', etag: '"v1"' }).end(FILE.subarray(0, 10)),
    /changed while it was read/,
  ],
  [
    'another version',
    (_q, r) => r.writeHead(206, { 'content-range': RANGE, etag: '"v2"' }).end(FILE.subarray(0, 10)),
    /changed while it was read/,
  ],
  [
    'an HTML page',
    (_q, r) => r.writeHead(206, { 'content-range': RANGE, 'content-type': 'text/html; charset=utf-8' }).end(FILE.subarray(0, 10)),
    /got an HTML page/,
  ],
  ['404 in between', (_q, r) => r.writeHead(404).end(), /no such file/],
  ['500', (_q, r) => r.writeHead(500).end(), /got status 500/],
])('a range answered with %s is an error', async (_name, answer, expected) => {
  const { origin } = await server(later(answer));
  const source = await platform.openBytes(`${origin}/f`);
  await expect(source.read(100_000, 10)).rejects.toMatchObject({ code: 'io', message: expect.stringMatching(expected) });
});

test.each<[string, Answer, RegExp]>([
  [
    'an HTML login page as the file',
    (_q, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in'),
    /got an HTML page, expected a file/,
  ],
  ['404', (_q, r) => r.writeHead(404).end('not here'), /no such file \(status 404\)/],
  ['403', (_q, r) => r.writeHead(403).end(), /got status 403/],
  [
    'a short body',
    (_q, r) => r.writeHead(206, { 'content-range': 'bytes 0-65535/200000' }).end(FILE.subarray(0, 9)),
    /wrong length; got 9 bytes, expected 65536/,
  ],
  ['a range that starts late', (_q, r) => r.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end(FILE.subarray(5, 10)), /wrong range/],
  [
    'a huge file without ranges',
    (_q, r) => r.writeHead(200, { 'content-length': '1000000000' }).end(),
    /does not answer range requests and the file has 1000000000 bytes/,
  ],
])('opening answered with %s is an error', async (_name, answer, expected) => {
  const { origin } = await server(answer);
  await expect(platform.openBytes(`${origin}/weights.safetensors`)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringMatching(expected),
  });
});

test('a small file from a server without ranges is read whole', async () => {
  const { origin, asked } = await server((_request, response) => response.writeHead(200).end(FILE));
  const source = await platform.openBytes(`${origin}/config.json`);
  expect(await source.read(199_990, 10)).toEqual(FILE.subarray(199_990));
  expect(asked).toHaveLength(1);
});

test('a compressed body from a server without ranges is unpacked, its length not taken for the file’s', async () => {
  const { gzipSync } = await import('node:zlib');
  const { origin } = await server((_request, response) => {
    const packed = gzipSync('{"a": 1}'.repeat(100));
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': String(packed.length) }).end(packed);
  });
  expect((await platform.openBytes(`${origin}/config.json`)).size).toBe(800);
});

test('a connection that the server closes as it is used again: asked once more', async () => {
  let requests = 0;
  const { origin } = await server((request, response) => {
    requests++;
    if (requests === 2) request.socket.destroy();
    else sendRange(FILE, request, response);
  });
  const source = await platform.openBytes(`${origin}/f`);
  expect(await source.read(150_000, 5)).toEqual(FILE.subarray(150_000, 150_005));
  expect(requests).toBe(3);
});

test('nobody there', async () => {
  const { origin, close } = await serve(good);
  await close();
  await expect(platform.openBytes(`${origin}/f`)).rejects.toMatchObject({
    code: 'io',
    message: expect.stringMatching(/cannot be read: .*ECONNREFUSED/),
  });
});

describe.each([
  ['in Node', platform],
  ['in a page', webPlatform],
])('a server that falls silent, %s', (_name, { openBytes }) => {
  afterEach(() => vi.useRealTimers());

  /** Opens an address with the clock in hand; `begun` settles once the client waits for what never comes. */
  async function silent(answer: Answer) {
    const { origin } = await server(answer);
    const real = fetch;
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    vi.stubGlobal('fetch', async (...asked: Parameters<typeof fetch>) => {
      const answering = real(...asked);
      void turns().then(begin);
      const { body, status, headers } = await answering;
      const seen = new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, out) {
          out.enqueue(bytes);
          if (status === 206) void turns().then(bodyBegun);
        },
      });
      return new Response(body?.pipeThrough(seen), { status, headers });
    });
    let bodyBegun = () => {};
    const inBody = new Promise<void>((resolve) => {
      bodyBegun = resolve;
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waits: string[] = [];
    const address = `${origin}/f`;
    const opened = openBytes(address, { onWait: (address) => waits.push(address) }).then(
      () => 'opened',
      ({ code, message }) => `${code}: ${message}`,
    );
    return { address, opened, waits, begun, inBody };
  }
  const turns = async () => {
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('before its answer: said after 5 s, given up after 20', async () => {
    const { address, opened, waits, begun } = await silent(() => {});
    await begun;
    vi.advanceTimersByTime(4_999);
    expect(waits).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(waits).toEqual([address]);
    vi.advanceTimersByTime(14_999);
    expect(await Promise.race([opened, turns()])).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await opened).toBe(`io: ${address}: no answer within 20 s, after 0 bytes`);
    expect(waits.length).toBe(1);
  });

  test('within a file: each part begins the time anew', async () => {
    const { address, opened, waits, inBody } = await silent((_request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-65535/200000', 'content-length': '65536' });
      response.write(new Uint8Array(1000)); // and no more
    });
    await inBody;
    vi.advanceTimersByTime(5_000);
    expect(waits).toEqual([address]);
    vi.advanceTimersByTime(15_000);
    expect(await opened).toBe(`io: ${address}: no answer within 20 s, after 1000 bytes`);
  });
});

test('abort before, during opening and during a read', async () => {
  const { origin } = await server(later(() => {})); // later reads are never answered
  const opening = new AbortController();
  opening.abort();
  await expect(platform.openBytes(`${origin}/f`, { signal: opening.signal })).rejects.toMatchObject({ code: 'aborted' });
  const source = await platform.openBytes(`${origin}/f`);
  const reading = new AbortController();
  const read = source.read(100_000, 10, reading.signal);
  setTimeout(() => reading.abort(new Error('my own reason')), 20);
  await expect(read).rejects.toMatchObject({ code: 'aborted' });
  await expect(source.read(0, 1, reading.signal)).rejects.toMatchObject({ code: 'aborted' });
});

test('a folder at an address: files by plain name, a missing one is undefined', async () => {
  const { origin } = await server((request, response) => {
    if (request.url === '/models/small/a%20b.json') sendRange(FILE.subarray(0, 9), request, response);
    else response.writeHead(404).end();
  });
  for (const base of [`${origin}/models/small`, `${origin}/models/small/`]) {
    const folder = platform.openFolder(base);
    expect((await folder.open('a b.json'))?.size).toBe(9);
    expect(await folder.open('none.json')).toBeUndefined();
    for (const name of ['../secret', '..', '.', '', 'a/b', 'a\\b', 'a\0b']) {
      await expect(folder.open(name)).rejects.toMatchObject({ code: 'io', message: expect.stringContaining('plain name') });
    }
  }
});
