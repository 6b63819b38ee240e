// The engine in a real browser: worker, AudioWorklet, cache and page, on melody-tiny and a software adapter.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Melody, readRecipe, readWav } from '../../src/index.ts';
import { buildDemo } from '../../tools/build_demo.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { TEST_GPU } from '../helpers/gpu.ts';
import { sendRange } from '../platform/server.ts';
import { type Browser, chromiumPath, openBrowser } from './browser.ts';
import { PROMPT, parity, SEED } from './parity.ts';
import type {} from './session_page.ts';

/** Two seconds in one window: every further window length costs a software adapter minutes of compiling. */
const PIECE = { prompt: PROMPT, seed: SEED, durationSeconds: 2, firstWindowSeconds: 4 };
const root = fileURLToPath(new URL('../../', import.meta.url));
const TINY = 'weights/melody-tiny/';
const PREFIX = '/any/path/'; // the folder must work from anywhere
const PLAYS = Number(process.env.MELODY_TEST_PLAYS ?? 10); // of the hundred that issue 5 asks for: a play takes seconds on a software adapter
const SLOW = 900_000; // SwiftShader compiles some 60 pipelines a page
const weights = readFileSync(join(root, TINY, 'model.safetensors'));

declare global {
  var devices: GPUDevice[];
}

let folder: string;
let server: Awaited<ReturnType<typeof serveFolder>>;
let browser: Browser;
/** Set to serve other bytes for the weights. */
let corrupt = false;
/** Set to cut every connection: offline for page, workers and service worker alike. */
let down = false;

/** A page with nothing but a session; what it says is noted. */
async function sessionPage(): Promise<Page> {
  const page = await browser.context.newPage();
  await page.goto(`${server.origin}${PREFIX}session.html`);
  await page.waitForFunction(() => globalThis.session !== undefined);
  await page.mouse.click(2, 2); // a press, as browsers want it before sound
  return page;
}

const load = (page: Page) =>
  page.evaluate(async (src) => {
    await session.load(src);
    const { state, model, error, warnings } = session.snapshot;
    return { state, model, warnings, error: error && { code: error.code, message: error.message } };
  }, TINY);

/** Waits until the piece was made and heard, or failed. */
const finished = (page: Page) =>
  page.waitForFunction(() => session.snapshot.error || (session.snapshot.complete && session.snapshot.state === 'ready'), undefined, {
    timeout: SLOW,
    polling: 250,
  });

const made = async (page: Page) => new Float32Array(await page.evaluate(() => [...(session.audio()?.samples ?? [])]));

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);

describe.runIf(chromiumPath)('in Chromium', { timeout: SLOW }, () => {
  beforeAll(async () => {
    const scratch = join(root, 'node_modules/.cache');
    mkdirSync(scratch, { recursive: true });
    folder = mkdtempSync(join(scratch, 'melody-web-'));
    await buildDemo(folder);
    cpSync(join(root, TINY), join(folder, TINY), { recursive: true });
    await build({
      absWorkingDir: root,
      entryPoints: { session_page: 'test/web/session_page.ts' },
      outdir: folder,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
    });
    writeFileSync(
      join(folder, 'session.html'),
      '<!doctype html><title>session</title><script type="module" src="session_page.js"></script>',
    );
    server = await serveFolder(folder, {
      prefix: PREFIX,
      meddle(path, request, response) {
        if (down) {
          request.socket.destroy();
          return true;
        }
        if (!corrupt || !path.endsWith('.safetensors')) return false;
        const bytes = Uint8Array.from(weights);
        bytes[bytes.length - 5] ^= 1; // one bit
        sendRange(bytes, request, response, { etag: '"changed"' });
        return true;
      },
    });
    browser = await openBrowser();
  }, SLOW);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  }, SLOW);

  describe('weights', () => {
    it('a changed file is refused, and not kept', async () => {
      corrupt = true;
      const page = await sessionPage();
      const { state, error } = await load(page);
      corrupt = false;
      expect(state).toBe('empty');
      expect(error).toMatchObject({
        code: 'weights',
        message: expect.stringMatching(/^model\.safetensors is not the file .*; got SHA-256 [0-9a-f]{64}/),
      });
      const { entries } = await page.evaluate(() => session.worker.stored());
      expect(entries.filter(({ address }) => address.endsWith('.safetensors'))).toEqual([]);
      await page.close();
    });

    it('without room they are held in memory, and the page says so', async () => {
      const page = await sessionPage();
      await page.evaluate(() => session.worker.remove());
      const devtools = await browser.context.newCDPSession(page);
      await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 300_000 });
      const { state, model, warnings } = await load(page);
      await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin });
      expect({ state, kept: model?.kept, name: model?.name }).toEqual({ state: 'ready', kept: false, name: 'melody-tiny' });
      expect(warnings.join()).toMatch(/not kept.*no more storage/);
      await page.close();
    });

    it('are fetched with rising progress, listed, and used offline after a reload; removed, they are gone', async () => {
      const page = await sessionPage();
      await page.evaluate(() => session.worker.remove());
      const before = await page.evaluate((src) => session.worker.describe(src), TINY);
      expect(before).toMatchObject({ bytes: before.files.reduce((sum, { bytes }) => sum + bytes, 0), kept: 0 });
      expect(before.bytes).toBeGreaterThan(weights.length);
      expect(await load(page)).toMatchObject({ state: 'ready', model: { kept: true, software: true, sampleRate: 24000 } });
      const fetched = await page.evaluate(() => heard.fetched);
      expect(fetched.at(-1)).toBe(before.bytes);
      expect(fetched).toEqual([...fetched].sort((a, b) => a - b));
      await page.close();

      const again = await sessionPage();
      down = true;
      try {
        expect(await load(again)).toMatchObject({ state: 'ready', model: { name: 'melody-tiny', kept: true } });
      } finally {
        down = false;
      }
      expect(await again.evaluate((src) => session.worker.describe(src), TINY)).toMatchObject({ kept: before.bytes });
      expect(await again.evaluate(() => session.worker.remove())).toBeGreaterThanOrEqual(before.bytes);
      expect((await again.evaluate(() => session.worker.stored())).entries).toEqual([]);
      await again.close();
    });

    it('a broken-off download goes on where it was', async () => {
      const page = await sessionPage();
      const stopped = await page.evaluate(async (src) => {
        const { worker } = session;
        const abort = new AbortController();
        const first = worker.load(src, { signal: abort.signal, onFetching: ({ received }) => received > 0 && abort.abort() });
        const code = await first.then(
          () => 'loaded',
          (error) => error.code,
        );
        return { code, kept: (await worker.describe(src)).kept };
      }, TINY);
      expect(stopped.code).toBe('aborted');
      expect(stopped.kept).toBeGreaterThan(0);
      expect(await load(page)).toMatchObject({ state: 'ready' });
      await page.close();
    });
  });

  it('seeds give the same tokens and noise as in Node, byte for byte', async () => {
    const page = await sessionPage();
    const here = await parity(new URL(`../../${TINY}`, import.meta.url));
    const there = await page.evaluate((src) => comparePart(src), TINY);
    await page.close();
    expect(there.adapter).not.toBe(here.adapter); // two drivers, or the test says little
    expect(there.noise).toEqual(here.noise);
    expect(there.tokens).toEqual(here.tokens);
  });

  describe('music', () => {
    let page: Page;
    let first: Float32Array;
    beforeAll(async () => {
      page = await sessionPage();
      // Every device that the worker opens, so that one can be taken away.
      const worker = page.workers().find((w) => w.url().includes('melody-worker'));
      await worker?.evaluate(() => {
        globalThis.devices = [];
        const open = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...how) {
          const device = await open.apply(this, how);
          devices.push(device);
          return device;
        };
      });
      await load(page);
    }, SLOW);
    afterAll(() => page.close());

    const play = (extra: object = {}) => page.evaluate((options) => session.play(options), { ...PIECE, ...extra });

    it('two seconds are made, reach the AudioWorklet, and equal Node’s', async () => {
      await play();
      await finished(page);
      const { error, playedSeconds, recipe } = await page.evaluate(() => session.snapshot);
      expect(error).toBeUndefined();
      expect(playedSeconds).toBe(2);
      expect(recipe).toMatchObject({ prompt: PROMPT, seed: SEED, durationSeconds: 2 });
      const { peak, chunks } = await page.evaluate(() => heard);
      expect(peak).toBeGreaterThan(0.01);
      expect(chunks).toBe(1);
      first = await made(page);

      const node = await Melody.load(new URL(`../../${TINY}`, import.meta.url), TEST_GPU);
      const parts: Float32Array[] = [];
      for await (const { channels } of node.stream(PIECE)) parts.push(channels[0]);
      node.dispose();
      const expected = Float32Array.from(parts.flatMap((part) => [...part]));
      expect(first.length).toBe(48_000);
      expect(worst(first, expected)).toBeLessThan(1e-3);
    });

    it('a piece that is stopped frees the worker for the next', async () => {
      const before = await page.evaluate(() => session.worker.stats());
      await page.evaluate(() => {
        heard.events = [];
      });
      await play();
      await page.waitForFunction(() => heard.events.includes('tokens'), undefined, { timeout: SLOW });
      await page.evaluate(() => session.stop());
      expect(await page.evaluate(() => session.snapshot)).toMatchObject({ state: 'ready', error: undefined, complete: false });
      expect(await page.evaluate(() => session.worker.stats())).toMatchObject({ gpuBuffers: before.gpuBuffers });
      await play();
      await finished(page);
      expect(worst(await made(page), first)).toBe(0);
    });

    it('a lost GPU is opened again, and the piece is the same', async () => {
      await page.evaluate(() => {
        heard.events = [];
      });
      await play();
      await page.waitForFunction(() => heard.events.includes('diffusion'), undefined, { timeout: SLOW });
      const worker = page.workers().find((w) => w.url().includes('melody-worker'));
      await worker?.evaluate(() => devices.at(-1)?.destroy());
      await finished(page);
      expect(await page.evaluate(() => session.snapshot.error)).toBeUndefined();
      expect(await page.evaluate(() => session.snapshot.warnings.join())).toMatch(/GPU was lost/);
      expect(await page.evaluate(() => session.worker.stats())).toMatchObject({ recoveries: 1 });
      expect(worst(await made(page), first)).toBe(0);
    });

    it('many plays leave memory as it was', async () => {
      const devtools = await browser.context.newCDPSession(page);
      const heap = async () => {
        await devtools.send('HeapProfiler.collectGarbage');
        return (await devtools.send('Runtime.getHeapUsage')).usedSize;
      };
      const once = async (seed: number) => {
        await play({ steps: 1, seed });
        await page.waitForFunction(() => session.snapshot.complete || session.snapshot.error, undefined, { timeout: SLOW });
        await page.evaluate(() => session.stop());
        expect(await page.evaluate(() => session.snapshot)).toMatchObject({ error: undefined, madeSeconds: 2 });
      };
      await once(0);
      await once(1);
      const before = { ...(await page.evaluate(() => session.worker.stats())), heap: await heap() };
      for (let i = 0; i < PLAYS; i++) await once(i + 2);
      const after = { ...(await page.evaluate(() => session.worker.stats())), heap: await heap() };
      expect(after.gpuBytes).toBe(before.gpuBytes);
      expect(after.gpuBuffers).toBe(before.gpuBuffers);
      expect(after.heap - before.heap).toBeLessThan(1e6);
    });
  });

  describe('the page', () => {
    it('loads, plays, stops, keeps its list and has no serious fault of accessibility', async () => {
      const page = await browser.context.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => /content security|refused/i.test(message.text()) && faults.push(message.text()));
      const foreign: string[] = [];
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(server.origin) && !url.startsWith('blob:')) foreign.push(url);
      });
      await page.goto(`${server.origin}${PREFIX}?model=melody-tiny`);
      await page.getByText(/^1\.5 MB/).waitFor();
      await serious(page);
      const press = async (name: string) => {
        await page.getByRole('button', { name, exact: true }).focus();
        await page.keyboard.press('Enter'); // by keyboard alone
      };
      await page.getByRole('button', { name: 'Load the model' }).and(page.locator(':enabled')).waitFor();
      await press('Load the model');
      await page.locator('#play:enabled').waitFor();
      await page.locator('#length').selectOption('10');
      await press('Play');
      await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
      await page.waitForFunction(() => document.getElementById('speed')?.textContent?.includes('real time'), undefined, {
        timeout: SLOW,
        polling: 250,
      });
      await serious(page);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
      await page.getByRole('button', { name: /^Save: calm piano/ }).waitFor();
      const saving = page.waitForEvent('download');
      await press('Save as WAV');
      const wav = readWav(readFileSync(await (await saving).path()));
      expect(wav.sampleRate).toBe(24000);
      expect(wav.channels[0].some((sample) => Math.abs(sample) > 0.01)).toBe(true);
      expect(readRecipe(wav.tags)?.recipe).toMatchObject({ model: 'melody-tiny', durationSeconds: 10, seed: expect.any(Number) });
      await page.reload();
      await page.getByRole('button', { name: /^Make again: calm piano/ }).waitFor();
      expect(faults).toEqual([]);
      expect(foreign).toEqual([]);
      await page.close();
    });

    it('one script tag is a player', async () => {
      const page = await browser.context.newPage();
      await page.goto(`${server.origin}${PREFIX}embed.html`);
      await page.locator('melody-player').evaluate((element, src) => element.setAttribute('src', src), TINY);
      await page.getByRole('button', { name: 'Play' }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      await page.getByRole('status').filter({ hasText: 'Making music' }).waitFor();
      await serious(page);
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByRole('button', { name: 'Play' }).waitFor();
      await page.close();
    });

    it('opens offline after the first visit', async () => {
      const page = await browser.context.newPage();
      await page.goto(`${server.origin}${PREFIX}?model=melody-tiny`);
      await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
      await page.locator('#load:enabled').click();
      await page.locator('#play:enabled').waitFor();
      down = true;
      try {
        await page.reload();
        await page.getByText('1.5 MB, already here').waitFor();
        await page.locator('#load:enabled').click();
        await page.locator('#play:enabled').waitFor();
      } finally {
        down = false;
      }
      await page.close();
    });

    it('says in words what to do without WebGPU', async () => {
      const page = await browser.context.newPage();
      await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
      await page.goto(`${server.origin}${PREFIX}`);
      await page
        .getByRole('alert')
        .filter({ hasText: /needs WebGPU.*Use a current Chrome/ })
        .waitFor();
      await page.close();
    });
  });
});

/** axe-core's serious and critical findings. */
async function serious(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
  expect(found).toEqual([]);
}
