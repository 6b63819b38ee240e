// The page in a real browser, as a visitor uses it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe, readWav } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { expectAccessible, Site, SLOW } from './site.ts';

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
    await page.getByText(/^1\.5 MB/).waitFor();
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
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    await page.waitForFunction(() => document.getElementById('speed')?.textContent?.includes('real time'), undefined, {
      timeout: SLOW,
      polling: 250,
    });
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await page.getByRole('button', { name: /^Save: calm piano/ }).waitFor();
    const saving = page.waitForEvent('download');
    await press('Save as WAV');
    const wav = readWav(readFileSync(await (await saving).path()));
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
    await page.getByRole('status').filter({ hasText: 'Making music' }).waitFor();
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
      await page.getByText('1.5 MB, already here').waitFor();
      await page.locator('#load:enabled').click();
      await page.locator('#play:enabled').waitFor();
    } finally {
      site.down = false;
    }
    await page.close();
  });

  it('says in words what to do without WebGPU', async () => {
    const page = await site.visit('', (tab) =>
      tab.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined })),
    );
    await page
      .getByRole('alert')
      .filter({ hasText: /needs WebGPU.*Use a current Chrome/ })
      .waitFor();
    await page.close();
  });
});
