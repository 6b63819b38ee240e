// A server on this machine that answers as it is told, for the faults of addresses.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  /** Such as http://127.0.0.1:1234 */
  readonly origin: string;
  /** Ranges asked for so far, as text. */
  readonly asked: string[];
  close(): Promise<void>;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export async function serve(answer: Answer): Promise<TestServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What a good server does with a GET of a byte range of `file`. `headers` replace or add. */
export function sendRange(
  file: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Record<string, string> = {},
): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200, { 'content-length': String(file.length), ...headers }).end(file);
    return;
  }
  const start = Number(first);
  if (start >= file.length) {
    response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end();
    return;
  }
  const end = Math.min(Number(last), file.length - 1);
  const part = file.subarray(start, end + 1);
  response
    .writeHead(206, {
      'content-range': `bytes ${start}-${end}/${file.length}`,
      'content-length': String(part.length),
      etag: '"v1"',
      ...headers,
    })
    .end(part);
}

/** Bytes that tell their place: byte i is i·7 + ⌊i/256⌋ mod 256. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 7 + (i >> 8);
  return bytes;
}
