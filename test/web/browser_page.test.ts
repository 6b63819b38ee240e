// The page in a real browser, as a visitor uses it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe, readWav } from '../../src/index.ts';
import { chromiumPath, openBrowser } from '../../tools/chromium.mjs';
import { expectAccessible, Site, SLOW, savedFile, TINY_SIZE } from './site.ts';

describe.runIf(chromiumPath)('the page in Chromium', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open(), SLOW);
  afterAll(() => site.close(), SLOW);

  it('loads, plays, stops, keeps its list and has no serious fault of accessibility', async () => {
    const faults: string[] = [];
    const foreign: string[] = [];
    const page = await site.visit('?model=melody-tiny', async (tab) => {
      tab.on('pageerror', (error) => faults.push(error.message));
      tab.on('console', (message) => /content security|refused/i.test(message.text()) && faults.push(message.text()));
      tab.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(site.origin) && !url.startsWith('blob:')) foreign.push(url);
      });
    });
    await page.getByText(new RegExp(`^${TINY_SIZE.replace('.', '\\.')}`)).waitFor();
    await expectAccessible(page);
    const press = async (name: string) => {
      await page.getByRole('button', { name, exact: true }).focus();
      await page.keyboard.press('Enter'); // by keyboard alone
    };
    await page.getByRole('button', { name: 'Load the model' }).and(page.locator(':enabled')).waitFor();
    await press('Load the model');
    await page.locator('#play:enabled').waitFor();
    await page.locator('#length').selectOption('10');
    await page.locator('#seed').fill('1'); // melody-tiny is silent from some
    await page.locator('#seed-lock').check();
    await press('Play');
    await page.waitForFunction(() => document.getElementById('speed')?.textContent?.includes('real time'), undefined, {
      timeout: SLOW,
      polling: 250,
    });
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await page.getByRole('button', { name: /^Save: calm piano/ }).waitFor();
    const wav = readWav(readFileSync(await savedFile(page, () => press('Save as WAV'))));
    expect(wav.sampleRate).toBe(24000);
    expect(wav.channels[0].some((sample) => Math.abs(sample) > 0.01)).toBe(true);
    expect(readRecipe(wav.tags)?.recipe).toMatchObject({ model: 'melody-tiny', durationSeconds: 10, seed: 1 });
    await page.reload();
    await page.getByRole('button', { name: /^Make again: calm piano/ }).waitFor();
    expect(faults).toEqual([]);
    expect(foreign).toEqual([]);
    await page.close();
  });

  it('the README’s page with one script tag is a player', async () => {
    const page = await site.visit('readme/');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Play' }).waitFor();
    await page.close();
  });

  it('opens offline after the first visit', async () => {
    const page = await site.visit('?model=melody-tiny');
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.locator('#load:enabled').click();
    await page.locator('#play:enabled').waitFor();
    site.down = true;
    try {
      await page.reload();
      await page.getByText(`${TINY_SIZE}, already here`).waitFor();
      await page.locator('#load:enabled').click();
      await page.locator('#play:enabled').waitFor();
    } finally {
      site.down = false;
    }
    await page.close();
  });

  it('may compute with threads from the second visit on, whatever its server says', async () => {
    const page = await site.visit('?model=melody-tiny');
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.reload();
    const engine = page.workers().find((worker) => worker.url().includes('melody-worker'));
    const worker = engine ?? (await page.waitForEvent('worker', { predicate: (one) => one.url().includes('melody-worker') }));
    expect(await worker.evaluate(() => crossOriginIsolated)).toBe(true); // which is all that threads want
    await page.getByRole('button', { name: /^Hear: calm piano waltz/ }).click();
    await page.getByRole('status').filter({ hasText: 'Playing' }).waitFor();
    await page.close();
  });

  it('says while loading how far it is, at most every 10 %, and fetches no weights before the press', async () => {
    const page = await site.visit(''); // the model that it offers first
    const weights: string[] = [];
    page.on('request', (request) => request.url().endsWith('.safetensors') && weights.push(request.url()));
    await page.getByText(/^[\d.]+ MB$/).waitFor();
    await page.locator('#load:enabled').waitFor();
    await page.evaluate(() => {
      const line = document.getElementById('status') as HTMLElement;
      globalThis.told = [];
      new MutationObserver(() => told.push(line.textContent ?? '')).observe(line, { childList: true, characterData: true, subtree: true });
    });
    expect(weights).toEqual([]);
    await page.locator('#load').click();
    await page.locator('#play:enabled').waitFor();
    expect(weights.length).toBeGreaterThan(0);
    const all = await page.evaluate(() => told);
    const tenths = all.flatMap((text) => /^Loading: (\d+) %\.$/.exec(text)?.[1] ?? []).map(Number);
    expect(tenths.length).toBeGreaterThan(2);
    expect(tenths.filter((tenth, i) => tenth % 10 !== 0 || tenth <= (tenths[i - 1] ?? -1))).toEqual([]);
    expect(all.filter((text) => !text.startsWith('Loading: '))).toEqual(['Loading.', 'Getting the model ready.', 'Ready. Press Play.']);
    await page.close();
  });

  it(
    'plays on the processor where WebGPU finds no adapter, and where there is no WebGPU, offline too',
    async () => {
      const browser = await openBrowser({ webgpu: false });
      try {
        for (const hide of [false, true]) {
          const page = await browser.context.newPage();
          if (hide) await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
          await page.goto(site.address('?model=melody-tiny'));
          await page.locator('#load').click();
          await page.getByRole('status').filter({ hasText: 'Ready. Press Play.' }).waitFor({ timeout: 200_000 });
          expect(await page.locator('body').innerText()).toContain('CPU (WebAssembly SIMD)');
          if (hide) {
            await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
            site.down = true; // and offline, too
            await page.reload();
            await page.locator('#load:enabled').click();
            await page.getByRole('status').filter({ hasText: 'Ready. Press Play.' }).waitFor({ timeout: 200_000 });
          }
          await page.close();
        }
      } finally {
        site.down = false;
        await browser.close();
      }
    },
    SLOW,
  );
});

declare global {
  var told: string[];
}
