// A page that plays a tiny MusicGen and a tiny Stable Audio in a real browser, from a server like a hub's at another origin: it answers with CORS
// and sends on to a store of another host. The same samples as in Node.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Melody } from '../../src/index.ts';
import { type Browser, chromiumPath, openBrowser } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { nmse } from '../helpers/data.ts';
import { sendRange, serve, type TestServer } from '../platform/server.ts';
import { root, SLOW } from './site.ts';

const GOLDENS = join(root, 'test/goldens/systems');
const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'content-range, content-length, etag' };
const PIECE = { prompt: 'calm piano', durationSeconds: 0.1, seed: 3 };
const CPU = { device: 'cpu', threads: 1 } as const;

declare global {
  var playThere: (location: string) => Promise<{ system: string; weights: string | undefined; samples: number[] }>;
}

describe.runIf(chromiumPath)('published systems in Chromium', { timeout: SLOW }, () => {
  let folder: string;
  let hub: TestServer;
  let site: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  const asked: string[] = [];

  beforeAll(async () => {
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
    folder = mkdtempSync(join(root, 'node_modules/.cache/melody-systems-'));
    mkdirSync(join(folder, 'models'));
    for (const name of ['musicgen_mono', 'stable_audio']) cpSync(join(GOLDENS, name), join(folder, 'models', name), { recursive: true });
    cpSync(join(GOLDENS, 'musicgen_mono/tokenizer.json'), join(folder, 'models/stable_audio/tokenizer/tokenizer.json'));
    const contents = `import { Melody } from './src/index.ts';
      globalThis.playThere = async (location) => {
        const melody = await Melody.load(location, { device: 'cpu', threads: 1, redirectHosts: ['localhost'], cache: false });
        const { channels, recipe } = await melody.generate({ ...${JSON.stringify(PIECE)}, ...(melody.system === 'stable_audio' && { steps: 3 }) });
        melody.dispose();
        return { system: melody.system, weights: recipe.weights, samples: [...channels[0]] };
      };`;
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site/index.html'), '<!doctype html><title>systems</title><script type="module" src="page.js"></script>');
    await build({
      stdin: { contents, resolveDir: root, loader: 'ts' },
      outfile: join(folder, 'site/page.js'),
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
    });
    site = await serveFolder(join(folder, 'site'));
    hub = await serve((request, response) => {
      const path = new URL(request.url ?? '/', 'http://hub').pathname;
      const [, model, file] = /^\/tiny\/(\w+)\/resolve\/main\/(.+)$/.exec(path) ?? [];
      if (model && file?.endsWith('.safetensors')) {
        asked.push(file);
        const store = `${hub.origin.replace('127.0.0.1', 'localhost')}/store/${model}/${file}`;
        response.writeHead(302, { ...CORS, location: store }).end();
        return;
      }
      const stored = /^\/store\/(.+)$/.exec(path)?.[1] ?? `${model}/${file}`;
      try {
        sendRange(readFileSync(join(folder, 'models', stored)), request, response, CORS);
      } catch {
        response.writeHead(404, CORS).end();
      }
    });
    browser = await openBrowser({ webgpu: false });
  }, SLOW);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await hub?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['musicgen_mono', 'stable_audio'])('%s', async (name) => {
    const page = await browser.context.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => globalThis.playThere !== undefined);
    const there = await page.evaluate((location) => playThere(location), `${hub.origin}/tiny/${name}/resolve/main/`);
    await page.close();
    const melody = await Melody.load(join(folder, 'models', name), CPU);
    const here = await melody.generate({ ...PIECE, ...(melody.system === 'stable_audio' && { steps: 3 }) });
    melody.dispose();
    expect(there.system).toBe(melody.system);
    expect(there.weights).toBe(here.recipe.weights);
    expect(asked.length).toBeGreaterThan(0); // by way of the hub, not the store alone
    expect(there.samples.length).toBe(here.channels[0].length);
    expect(here.channels[0].some((sample) => Math.abs(sample) > 1e-3)).toBe(true);
    expect(nmse(Float32Array.from(there.samples), here.channels[0])).toBeLessThanOrEqual(1e-9);
  });
});
