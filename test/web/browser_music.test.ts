// Music made in a real browser, on melody-tiny and a software adapter: the same as Node's, stopped, broken, again and again.
import type { Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Melody } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { TEST_GPU } from '../helpers/gpu.ts';
import { PROMPT, parity, SEED } from './parity.ts';
import { finished, load, made, PIECE, play, Site, SLOW, streamed, TINY, workerDevtools, worst } from './site.ts';

const PLAYS = Number(process.env.MELODY_TEST_PLAYS ?? 5);

declare global {
  var devices: GPUDevice[];
}

/** The worker that the engine runs in, also where it is still on its way. */
async function engineWorker(page: Page): Promise<Worker> {
  const isEngine = (worker: Worker) => worker.url().includes('melody-worker');
  return page.workers().find(isEngine) ?? (await page.waitForEvent('worker', { predicate: isEngine }));
}

/** Of the page, its worker and the GPU: after five plays, `plays` more change nothing. */
async function playsLeaveMemory(page: Page, plays: number): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const worker = await workerDevtools(page);
  const used = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    await worker('HeapProfiler.collectGarbage');
    const { gpuBytes, gpuBuffers } = await page.evaluate(() => session.worker.stats());
    const { usedSize, backingStorageSize } = await worker('Runtime.getHeapUsage');
    const window = (await devtools.send('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize: number };
    return { gpuBytes, gpuBuffers, page: window.usedSize + window.backingStorageSize, worker: usedSize + backingStorageSize };
  };
  const once = async (seed: number) => {
    await play(page, { steps: 1, seed, durationSeconds: 0.5, firstWindowSeconds: 0.8 });
    await page.waitForFunction(() => session.snapshot.complete || session.snapshot.error, undefined, { timeout: SLOW });
    await page.evaluate(() => session.stop());
    expect(await page.evaluate(() => session.snapshot)).toMatchObject({ error: undefined, madeSeconds: 0.5 });
  };
  for (let i = 0; i < 5; i++) await once(i);
  const before = await used();
  for (let i = 0; i < plays; i++) await once(i + 5);
  const after = await used();
  expect(after.gpuBytes).toBe(before.gpuBytes);
  expect(after.gpuBuffers).toBe(before.gpuBuffers);
  expect(after.page - before.page).toBeLessThan(1e6);
  expect(after.worker - before.worker).toBeLessThan(1e6);
}

describe.runIf(chromiumPath)('music in Chromium', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open(), SLOW);
  afterAll(() => site.close(), SLOW);

  it('seeds give the same tokens and noise as in Node, byte for byte', async () => {
    const page = await site.sessionPage();
    const here = await parity(new URL(`../../${TINY}`, import.meta.url));
    const there = await page.evaluate((src) => comparePart(src), TINY);
    await page.close();
    expect(there.adapter).not.toBe(here.adapter); // two drivers, or the test says little
    expect(there.noise).toEqual(here.noise);
    expect(there.tokens).toEqual(here.tokens);
  });

  describe('a session', () => {
    let page: Page;
    let first: Float32Array;
    beforeAll(async () => {
      page = await site.sessionPage();
      // Every device that the worker opens, so that one can be taken away.
      const worker = await engineWorker(page);
      await worker.evaluate(() => {
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

    it('two seconds are made, reach the AudioWorklet, and equal Node’s', async () => {
      await play(page);
      await finished(page);
      const { error, playedSeconds, recipe } = await page.evaluate(() => session.snapshot);
      expect(error).toBeUndefined();
      expect(playedSeconds).toBe(2);
      expect(recipe).toMatchObject({ prompt: PROMPT, seed: SEED, durationSeconds: 2 });
      const { peak, chunks } = await page.evaluate(() => heard);
      expect(peak).toBeGreaterThan(0.01);
      expect(chunks).toBe(1);
      first = await made(page);

      const expected = await streamed(await Melody.load(new URL(`../../${TINY}`, import.meta.url), TEST_GPU), PIECE);
      expect(first.length).toBe(48_000);
      expect(worst(first, expected)).toBeLessThan(1e-3);
    });

    it('a piece that is stopped frees the worker for the next', async () => {
      const before = await page.evaluate(() => session.worker.stats());
      await page.evaluate(() => {
        heard.events = [];
      });
      await play(page);
      await page.waitForFunction(() => heard.events.includes('tokens'), undefined, { timeout: SLOW });
      await page.evaluate(() => session.stop());
      expect(await page.evaluate(() => session.snapshot)).toMatchObject({ state: 'ready', error: undefined, complete: false });
      expect(await page.evaluate(() => session.worker.stats())).toMatchObject({ gpuBuffers: before.gpuBuffers });
      await play(page);
      await finished(page);
      expect(worst(await made(page), first)).toBe(0);
    });

    it('a lost GPU is opened again, and the piece is the same', async () => {
      await page.evaluate(() => {
        heard.events = [];
      });
      await play(page);
      await page.waitForFunction(() => heard.events.includes('diffusion'), undefined, { timeout: SLOW });
      const worker = await engineWorker(page);
      await worker.evaluate(() => devices.at(-1)?.destroy());
      await finished(page);
      expect(await page.evaluate(() => session.snapshot.error)).toBeUndefined();
      expect(await page.evaluate(() => session.snapshot.warnings.join())).toMatch(/GPU was lost/);
      expect(await page.evaluate(() => session.worker.stats())).toMatchObject({ recoveries: 1 });
      expect(worst(await made(page), first)).toBe(0);
    });

    it('five plays leave memory as it was', () => playsLeaveMemory(page, 5));
  });
});

describe.runIf(chromiumPath)('music in Chromium without WebGPU', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterAll(() => site.close(), SLOW);

  it(`${PLAYS} plays leave memory as it was`, async () => {
    const page = await site.sessionPage();
    expect(await load(page)).toMatchObject({ state: 'ready', error: undefined });
    await playsLeaveMemory(page, PLAYS);
  });
});
