// Reading a file at an address by range, distrusting every answer. Shared by Node and the browser, which differ only in how
// redirects are followed.
import { MelodyError } from '../errors.ts';
import { aborted, type ByteFolder, type ByteSource, checkFileName, checkRange, memorySource } from './bytes.ts';

/** fetch that has already dealt with redirects. */
export type Follow = (address: URL, init: RequestInit) => Promise<Response>;

/** Bytes asked for on opening: enough for most headers, so that they cost no second round trip. */
const FIRST_READ = 64 * 1024;
/** A server that ignores ranges may still deliver files up to this size, in one piece. */
const WHOLE_FILE_CAP = 64 * 1024 * 1024;
/** One request must end within this time. */
const REQUEST_TIMEOUT_MS = 120_000;
/** A server that is there sends something well within this: the beginning of its answer, or more of it. */
const SILENCE_MS = 20_000;
/** After this much silence it is said. */
const WAIT_MS = 5_000;

const HIDDEN_HINT = 'have the server send Access-Control-Expose-Headers: Content-Range';

/** Watches a server for silence: `beat` is called when something came, `stop` in the end. */
function watch(end: () => void, onWait: () => void = () => {}) {
  let timers: ReturnType<typeof setTimeout>[] = [];
  const stop = () => timers.forEach(clearTimeout);
  const beat = () => {
    stop();
    timers = [setTimeout(onWait, WAIT_MS), setTimeout(end, SILENCE_MS)];
  };
  beat();
  return { beat, stop };
}

const tooSilent = (name: string, received = 0) =>
  new MelodyError(
    'io',
    `${name}: no answer within ${SILENCE_MS / 1000} s, after ${received} bytes`,
    'the server is slow or gone: try again later',
  );

/** Bytes of one file, with the server's mark of its version. */
export interface HttpSource extends ByteSource {
  readonly etag: string | undefined;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** The address if we may read from it: https, or http on this very machine, without credentials. Throws `io`. */
export function checkAddress(text: string | URL, base?: string | URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw new MelodyError('io', `"${shorten(String(text))}" is not an address`, 'addresses look like https://host/path');
  }
  const loopback = url.protocol === 'http:' && LOOPBACK.test(url.hostname);
  if (url.protocol !== 'https:' && !loopback) {
    const got = url.protocol === 'http:' ? `http://${url.host}` : url.protocol;
    throw new MelodyError('io', `address refused; got ${shorten(got)}, expected https (or http on this machine)`, 'use an https address');
  }
  if (url.username || url.password) {
    throw new MelodyError('io', `address of ${url.host} refused; got a user name or password in it`, 'remove what stands before the @');
  }
  return url;
}

/** Is `to` a host that a request to `from` may be sent on to? Throws `io`, also on a step from https down to http. */
export function checkRedirect(from: URL, to: URL, allowed: readonly string[]): void {
  checkAddress(to);
  if (from.protocol === 'https:' && to.protocol !== 'https:') {
    throw new MelodyError('io', `${from.host} redirects from https to http; refused`);
  }
  const sameHost = to.hostname === from.hostname;
  if (!sameHost && !allowed.includes(to.hostname)) {
    throw new MelodyError(
      'io',
      `${from.host} redirects to ${to.host}; expected to stay on the same host`,
      `if you trust it, allow it: redirectHosts: ['${to.hostname}']`,
    );
  }
}

/** Opens the file at an address: asks for its first bytes and learns its size. Throws `io`, a `MissingFile` where there is none. */
export async function openHttp(
  address: URL,
  follow: Follow,
  signal?: AbortSignal,
  onWait?: (address: string) => void,
): Promise<HttpSource> {
  const name = address.href;
  const wait = onWait && (() => onWait(name));
  const response = await request(address, follow, [0, FIRST_READ - 1], signal, wait);
  const etag = response.headers.get('etag') ?? undefined;
  if (response.status === 200) {
    const bytes = await readBody(name, response, undefined, WHOLE_FILE_CAP, signal, wait);
    return { ...memorySource(name, bytes), etag };
  }
  // An empty file has no byte 0: the range cannot be satisfied, and the size is 0.
  if (response.status === 416 && /^bytes \*\/0$/.test(response.headers.get('content-range') ?? '')) {
    return { ...memorySource(name, new Uint8Array(0)), etag };
  }
  const { total, start, end } = isHidden(response) ? endOfFirst(await sizeOf(address, follow, signal, wait)) : contentRange(name, response);
  if (start !== 0 || end !== Math.min(FIRST_READ, total) - 1) {
    throw new MelodyError('io', `${name}: wrong range; got bytes ${start}-${end}, expected 0-${Math.min(FIRST_READ, total) - 1}`);
  }
  const head = await readBody(name, response, end + 1, FIRST_READ, signal, wait);
  const source: HttpSource = {
    name,
    size: total,
    etag,
    async read(offset, length, readSignal) {
      checkRange(this, offset, length, readSignal);
      if (length === 0 || offset + length <= head.length) return head.subarray(offset, offset + length);
      return readRange(address, follow, offset, length, { total, etag, wait }, readSignal);
    },
  };
  return source;
}

/** May a page see the bytes but not which they are? So it is with servers of other sites that allow reading (CORS) and do not expose Content-Range. */
const isHidden = ({ type, headers }: Response) => type === 'cors' && !headers.has('content-range');
const endOfFirst = (total: number) => ({ total, start: 0, end: Math.min(FIRST_READ, total) - 1 });

/** Size of a file by Content-Length, which every page may see. Throws `io`. */
async function sizeOf(address: URL, follow: Follow, signal?: AbortSignal, onWait?: () => void): Promise<number> {
  const response = await request(address, follow, undefined, signal, onWait);
  const size = lengthHeader(response);
  await response.body?.cancel();
  if (size === undefined) throw new MelodyError('io', `${address.href}: its server hides Content-Range and tells no size`, HIDDEN_HINT);
  return size;
}

async function readRange(
  address: URL,
  follow: Follow,
  offset: number,
  length: number,
  expected: { total: number; etag: string | undefined; wait: (() => void) | undefined },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const name = address.href;
  const last = offset + length - 1;
  const response = await request(address, follow, [offset, last], signal, expected.wait);
  if (response.status !== 206) {
    throw new MelodyError(
      'io',
      `${name}: got status ${response.status} for bytes ${offset}-${last}, expected 206`,
      'the file may have changed; try again',
    );
  }
  const hidden = isHidden(response); // the length of the body is then all that can be held against it
  const { start, end, total } = hidden ? { start: offset, end: last, total: expected.total } : contentRange(name, response);
  if (start !== offset || end !== last) {
    throw new MelodyError('io', `${name}: wrong range; got bytes ${start}-${end}, expected ${offset}-${last}`);
  }
  const etag = response.headers.get('etag') ?? undefined;
  if (total !== expected.total || etag !== expected.etag) {
    throw new MelodyError(
      'io',
      `${name} changed while it was read; got ${total} bytes ${etag ?? ''}, expected ${expected.total} ${expected.etag ?? ''}`,
      'load it again',
    );
  }
  return readBody(name, response, length, length, signal, expected.wait);
}

/** One GET of an inclusive byte range, or of all. Statuses other than 200, 206 and 416 are errors; so is an HTML page. */
async function request(
  address: URL,
  follow: Follow,
  range: [number, number] | undefined,
  signal?: AbortSignal,
  onWait?: () => void,
): Promise<Response> {
  const name = address.href;
  const silent = new AbortController();
  const silence = watch(() => silent.abort(), onWait);
  const limits = [AbortSignal.timeout(REQUEST_TIMEOUT_MS), silent.signal];
  let response: Response;
  try {
    response = await follow(address, {
      headers: { ...(range && { range: `bytes=${range[0]}-${range[1]}` }), 'accept-encoding': 'identity' },
      signal: AbortSignal.any(signal ? [signal, ...limits] : limits),
      credentials: 'omit',
    });
  } catch (cause) {
    if (silent.signal.aborted && !signal?.aborted) throw tooSilent(name);
    throw asMelodyError(name, cause, signal);
  } finally {
    silence.stop();
  }
  const { status } = response;
  if (status === 404 || status === 410) throw new MissingFile(name, status);
  if (status !== 200 && status !== 206 && status !== 416) {
    await response.body?.cancel();
    const hint = status === 401 || status === 403 ? 'the file is not public' : 'try again later';
    throw new MelodyError('io', `${name}: got status ${status}, expected 206 (partial content)`, hint);
  }
  const type = response.headers.get('content-type') ?? '';
  if (/^text\/html|^application\/xhtml/i.test(type) && !/\.html?$/i.test(address.pathname)) {
    await response.body?.cancel();
    throw new MelodyError(
      'io',
      `${name}: got an HTML page, expected a file`,
      'it may be a login or error page; open the address in a browser',
    );
  }
  return response;
}

/** 404: an error for a file, an answer for a folder. */
export class MissingFile extends MelodyError {
  constructor(name: string, status: number) {
    super('io', `${name}: no such file (status ${status})`, 'check the address');
  }
}

/** The files below an address. `addressOf` gives the address of one of them. */
export function httpFolder(base: URL, open: (address: URL) => Promise<ByteSource>): ByteFolder & { addressOf(file: string): string } {
  const folder = new URL(base);
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const addressOf = (file: string) => {
    checkFileName(folder.href, file);
    const address = new URL(folder);
    address.pathname += encodeURIComponent(file);
    return address.href;
  };
  return {
    name: folder.href,
    addressOf,
    async open(file) {
      return open(new URL(addressOf(file))).catch((error: unknown) => {
        if (error instanceof MissingFile) return undefined;
        throw error;
      });
    },
  };
}

function contentRange(name: string, response: Response): { start: number; end: number; total: number } {
  const text = response.headers.get('content-range') ?? '';
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text);
  if (!match) {
    throw new MelodyError(
      'io',
      `${name}: got content-range "${shorten(text)}" (status ${response.status}), expected "bytes first-last/size"`,
    );
  }
  const [start, end, total] = match.slice(1).map(Number) as [number, number, number];
  return { start, end, total };
}

/** The whole body; throws unless it has exactly `expected` bytes (where given), and as soon as it is longer than `cap`. */
async function readBody(
  name: string,
  response: Response,
  expected: number | undefined,
  cap: number,
  signal?: AbortSignal,
  onWait?: () => void,
): Promise<Uint8Array> {
  const announced = expected ?? lengthHeader(response);
  if (announced !== undefined && announced > cap) {
    await response.body?.cancel();
    throw new MelodyError(
      'io',
      `${name}: the server does not answer range requests and the file has ${announced} bytes; got status 200, expected 206`,
      'use a server with range requests, or download the file and give its path',
    );
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  let silent = false;
  // Not `for await`: Safari's streams have no async iterator.
  const reader = response.body?.getReader();
  const silence = watch(() => {
    silent = true;
    void reader?.cancel().catch(() => {}); // what is read then is the end
  }, onWait);
  try {
    while (reader) {
      const { done, value: part } = await reader.read();
      silence.beat();
      if (done) break;
      length += part.length;
      if (length > (announced ?? cap)) {
        await reader.cancel();
        throw new MelodyError(
          'io',
          `${name}: wrong length; got more than ${announced ?? cap} bytes, expected ${announced ?? `at most ${cap}`}`,
        );
      }
      parts.push(part);
    }
  } catch (cause) {
    throw asMelodyError(name, cause, signal);
  } finally {
    silence.stop();
  }
  if (silent) throw tooSilent(name, length);
  if (announced !== undefined && length !== announced) {
    throw new MelodyError('io', `${name}: wrong length; got ${length} bytes, expected ${announced}`, 'the connection broke off; try again');
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Content-Length, where it counts the bytes that we get (a compressed body's does not). */
function lengthHeader(response: Response): number | undefined {
  const text = response.headers.get('content-length');
  const encoded = !/^(identity)?$/.test(response.headers.get('content-encoding') ?? '');
  return text !== null && /^\d{1,15}$/.test(text) && !encoded ? Number(text) : undefined;
}

function asMelodyError(name: string, cause: unknown, signal?: AbortSignal): MelodyError {
  if (cause instanceof MelodyError) return cause;
  if (signal?.aborted) return aborted(name);
  const { name: kind, message, cause: inner } = cause as Error;
  if (kind === 'TimeoutError')
    return new MelodyError('io', `${name}: no complete answer within ${REQUEST_TIMEOUT_MS / 1000} s`, 'try again later');
  if (kind === 'AbortError') return aborted(name);
  const reason = inner instanceof Error ? inner.message : message;
  return new MelodyError('io', `${name} cannot be read: ${reason}`, 'check the address and the network', { cause });
}

/** The start of a text of unknown length, for messages. */
export function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
