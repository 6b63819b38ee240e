// @ts-check
// A small static server for this machine: byte ranges and ETags, so that broken-off downloads go on; nothing cached by the browser.
//
//   node tools/serve.mjs [folder] [--port 8017] [--isolated]
//
// --isolated   pages may share memory among threads (COOP, COEP)
import { createReadStream, realpathSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.mp3': 'audio/mpeg',
  '.webmanifest': 'application/manifest+json',
};

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/**
 * Serves `folder` on this machine alone. `prefix` is the path that the folder lies under, `meddle` may answer a request itself (tests), `isolated` lets
 * pages share memory among threads.
 * @param {string} folder
 * @param {{ port?: number, prefix?: string, isolated?: boolean, meddle?: (path: string, request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => boolean }} [options]
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveFolder(folder, { port = 0, prefix = '/', isolated = false, meddle } = {}) {
  const root = realpathSync(folder);
  const server = createServer((request, response) => {
    const path = pathOf(request.url ?? '/');
    if (isolated) for (const [name, value] of Object.entries(ISOLATED)) response.setHeader(name, value);
    if (path !== undefined && meddle?.(path, request, response)) return;
    const file = path?.startsWith(prefix) ? fileAt(root, path.slice(prefix.length)) : undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (file === undefined) response.writeHead(404, { 'content-type': TYPES['.txt'] }).end('no such file\n');
    else sendFile(file, request, response);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** @param {string} url */
function pathOf(url) {
  try {
    return decodeURIComponent(new URL(url, 'http://here').pathname);
  } catch {
    return undefined;
  }
}

/** The file at a path below root; nothing outside of it, also not by a link. @param {string} root @param {string} path */
function fileAt(root, path) {
  if (path.includes('\0')) return undefined;
  try {
    const wanted = join(root, path.endsWith('/') || path === '' ? `${path}index.html` : path);
    const file = realpathSync(wanted);
    return file.startsWith(root + sep) && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} file @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
function sendFile(file, request, response) {
  const { size, mtimeMs } = statSync(file);
  const headers = {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'cache-control': 'no-cache',
    'accept-ranges': 'bytes',
    etag: `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    'x-content-type-options': 'nosniff',
  };
  const [, first, last] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = Math.min(last ? Number(last) : size - 1, size - 1);
  if (first !== undefined && (start >= size || end < start)) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const length = { 'content-length': String(end - start + 1) };
  if (first === undefined) response.writeHead(200, { ...headers, ...length });
  else response.writeHead(206, { ...headers, ...length, 'content-range': `bytes ${start}-${end}/${size}` });
  if (request.method === 'HEAD' || size === 0) response.end();
  else createReadStream(file, { start, end }).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { port: { type: 'string', default: '8017' }, isolated: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const { origin } = await serveFolder(positionals[0] ?? '.', { port: Number(values.port), isolated: values.isolated });
  console.log(`${origin}/  (Ctrl+C ends it)`);
}
