// melody pull: a model is fetched whole, from an address or the hub, and plays when the network is away.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { openingOptions } from '../../src/cli/opening.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { forgetMisses } from '../../src/platform/cache.ts';
import { diskCache } from '../../src/platform/node_cache.ts';
import { loadSystem } from '../../src/systems/load.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';

vi.setConfig({ testTimeout: 60_000 });
const folder = mkdtempSync(join(tmpdir(), 'melody-pull-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (path: string) => fileURLToPath(new URL(`../../${path}/`, import.meta.url));

async function melody(...argv: string[]) {
  let [out, err] = ['', ''];
  const code = await main(argv, {
    out: (data) => (out += data),
    err: (text) => (err += text),
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

let server: TestServer;
let stated: string; // SHA-256 that the hub states of large files
const commit = 'c'.repeat(40);
beforeEach(async () => {
  forgetMisses();
  stated = createHash('sha256')
    .update(readFileSync(join(at('test/goldens/systems/musicgen_mono'), 'model.safetensors')))
    .digest('hex');
  server = await serve((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://here').pathname);
    const [, ours] = /^\/tiny\/([\w.-]+)$/.exec(path) ?? [];
    const [, part] = /^\/owner\/(?:musicgen|pipeline)\/resolve\/[^/]+\/((?:\w+\/)?[\w.]+)$/.exec(path) ?? [];
    const [, stored] = /^\/store\/([\w.]+)$/.exec(path) ?? [];
    const pipeline = path.startsWith('/owner/pipeline/') && part !== 'tokenizer/tokenizer.json'; // both have that of MusicGen
    const goldens = at(`test/goldens/systems/${pipeline ? 'stable_audio' : 'musicgen_mono'}`);
    const file = ours ? join(at('weights/melody-tiny'), ours) : join(goldens, pipeline ? (part ?? '-') : basename(part ?? stored ?? '-'));
    if (part) response.setHeader('x-repo-commit', commit);
    if (!existsSync(file)) response.writeHead(404).end();
    else if (part === 'model.safetensors') {
      const size = String(readFileSync(file).length);
      response.writeHead(302, { location: `/store/${part}`, 'x-linked-etag': `"${stated}"`, 'x-linked-size': size }).end();
    } else sendRange(readFileSync(file), request, response);
  });
  vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(folder, 'own-')));
  vi.stubEnv('HF_HUB_CACHE', join(folder, 'nowhere'));
  vi.stubEnv('HF_ENDPOINT', server.origin);
  vi.stubEnv('HF_HUB_OFFLINE', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});
/** Addresses of what is kept, all of it whole. */
async function kept(): Promise<string[]> {
  const list = await diskCache().list(); // of the folder that the environment names now
  expect(list.filter(({ received, total }) => received < total)).toEqual([]);
  return list.map(({ address }) => address);
}

it('a model of our own: its licence is said before its weights come, and every file that its manifest names', async () => {
  const address = `${server.origin}/tiny/`;
  const { code, err } = await melody('pull', address);
  expect(err).toMatch(/^\d+ files, \d\.\d MB, are kept: melody generate --model http/m);
  const [licence, first] = [err.indexOf('weights under '), err.search(/download.*safetensors/)];
  expect(licence).toBeGreaterThan(-1);
  expect(first).toBeGreaterThan(licence);
  expect(code).toBe(0);
  const { files } = JSON.parse(readFileSync(join(at('weights/melody-tiny'), 'manifest.json'), 'utf8')) as { files: object };
  expect(await kept()).toEqual(expect.arrayContaining(Object.keys(files).map((file) => address + file)));
  await server.close();
  const m = await MeLoDy.load(address, { device: 'cpu', threads: 1 });
  expect((await m.generate({ prompt: 'piano', durationSeconds: 0.4, steps: 1, seed: 1 })).channels[0].length).toBe(9600);
  m.dispose();
});

it.each([
  ['hf:owner/musicgen', /CC-BY-NC-4\.0/, 1],
  ['hf:owner/pipeline', /Stability AI Community License/, 4],
])('%s: then it plays with the network away', async (name, licence, weights) => {
  const { code, err } = await melody('pull', name);
  expect(err).toMatch(licence);
  expect(code).toBe(0);
  expect((await kept()).filter((address) => address.endsWith('.safetensors')).length).toBe(weights);
  await server.close();
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  const system = await loadSystem(name, { device: 'cpu', threads: 1 });
  const clip = await system.generate({ prompt: 'piano', durationSeconds: 0.1, seed: 1 });
  expect(clip.channels[0].length).toBe(Math.round(0.1 * clip.sampleRate));
  system.dispose();
});

it('refuses files that are not what the hub states, and keeps none of them', async () => {
  stated = '0'.repeat(64);
  const { code, err } = await melody('pull', 'hf:owner/musicgen');
  expect(code).toBe(1);
  expect(err).toContain(`expected SHA-256 ${stated}`);
  expect((await kept()).join()).not.toContain('model.safetensors');
});

it('wants one address', async () => {
  for (const words of [[], ['a', 'b'], [at('weights/melody-tiny')], ['hf:bad']]) {
    const { code, err } = await melody('pull', ...words);
    expect(code).toBe(2);
    expect(err).toMatch(/expected the address of one model folder|names no model of the hub/);
  }
});

it('says that a server is silent, and for whom it waits', () => {
  let said = '';
  const io = { out() {}, err: (text: string) => (said += text), terminal: false, env: {}, signal: new AbortController().signal };
  openingOptions({}, io).onWait?.('https://host/model/a%20b.json');
  expect(said).toContain('waiting for a b.json: its server has sent nothing');
  openingOptions({ quiet: true }, io).onWait?.('https://host/model/a%20b.json');
  expect(said.match(/waiting/g)?.length).toBe(1);
});
