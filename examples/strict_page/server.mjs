// A page under the strictest policies that melody lives with. Each line of POLICY says what it is for; docs/player.md says more.
//
//   node server.mjs [port] [folder of models]
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'", // the CPU's kernels are WebAssembly; a page that only wants WebGPU leaves it out
  "worker-src 'self' blob:", // the CPU's threads are blobs; a page that is not isolated has none and leaves blob: out
  "connect-src 'self'", // the weights
  "require-trusted-types-for 'script'",
  'trusted-types melody', // by which the worker is started
].join('; ');
const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin', // both make the page isolated: threads for the CPU
  'cross-origin-embedder-policy': 'require-corp',
  'x-content-type-options': 'nosniff',
};
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.json': 'application/json' };

const [port = '8018', models = 'weights'] = process.argv.slice(2);
const web = dirname(fileURLToPath(import.meta.resolve('melody/web/melody-player.js')));

/** The file of an address: none but the page, the package's files for pages, and those of models. */
function fileOf(path) {
  if (path === '/') return join(import.meta.dirname, 'index.html');
  const [, folder, name] = /^\/(web|weights)\/((?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)+)$/.exec(path) ?? [];
  return name && join(folder === 'web' ? web : resolve(models), name);
}

const server = createServer((request, response) => {
  const file = fileOf(new URL(request.url ?? '/', 'http://here').pathname);
  const size = file && statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) return response.writeHead(404, HEADERS).end('no such file\n');
  response.writeHead(200, { ...HEADERS, 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-length': size });
  createReadStream(file).pipe(response);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
