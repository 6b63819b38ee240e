// What a visitor passes on: sound before any download, one press from words to music, a link that is the piece.
import { readFileSync } from 'node:fs';
import { ALL_FORMATS, FilePathSource, Input } from 'mediabunny';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe, readWav } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { expectAccessible, Site, SLOW, savedFile, TINY_SIZE } from './site.ts';

describe.runIf(chromiumPath)('the page that is passed on', { timeout: SLOW }, () => {
  const site = new Site();
  const fetched: string[] = [];
  const visit = async (path: string) => {
    const page = await site.visit(path);
    page.on('request', (request) => fetched.push(request.url()));
    return page;
  };
  const ended = (page: Page) => page.getByText(/^The piece: 2\.0 s/).waitFor({ timeout: SLOW });
  const saved = async (page: Page) => {
    const file = await savedFile(page, () => page.getByRole('button', { name: 'Save as WAV' }).click());
    const { channels, tags } = readWav(readFileSync(file));
    return { samples: channels[0], recipe: readRecipe(tags)?.recipe as Record<string, unknown> };
  };

  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterAll(() => site.close(), SLOW);

  it('plays a piece before anything of a model is fetched', async () => {
    const page = await visit('');
    await page.getByRole('button', { name: /^Hear: calm piano waltz/ }).click();
    // A slow machine looks when the piece has ended: what is waited for is true from its first second on.
    await page.waitForFunction(() => /^0:(0[1-9]|1\d) \/ 0:12/.test(document.getElementById('time')?.textContent ?? ''), undefined, {
      polling: 50,
    });
    await expectAccessible(page);
    expect(await page.evaluate(() => navigator.mediaSession.metadata?.title)).toMatch(/^calm piano waltz/);
    await page.keyboard.press('Escape');
    await page
      .getByRole('status')
      .filter({ hasText: /Stopped\.|The piece has ended\./ })
      .waitFor();
    expect(await page.evaluate(() => navigator.mediaSession.playbackState)).toBe('none');
    const [beat] = await Promise.all([
      page.waitForEvent('download', { timeout: SLOW }),
      page.getByRole('button', { name: 'Save the beat as MIDI' }).click(),
    ]);
    expect(beat.suggestedFilename()).toMatch(/^calm-piano-waltz.*-1\.mid$/);
    const midi = readFileSync(await beat.path());
    expect(midi.subarray(0, 4).toString()).toBe('MThd');
    expect(midi.includes(Buffer.from([0xff, 0x58, 4, 3, 2]))).toBe(true); // three-four: a waltz
    const { samples, recipe } = await saved(page);
    expect(samples.length).toBeGreaterThan(11 * 24_000);
    expect(samples.some((sample) => Math.abs(sample) > 0.1)).toBe(true);
    expect(recipe).toMatchObject({ model: 'melody-small', durationSeconds: 12, seed: 1 });
    // In another format, whose encoder comes then.
    expect(fetched.filter((url) => url.includes('save_worker'))).toEqual([]);
    await page.locator('#format').selectOption('flac');
    const [file] = await Promise.all([
      page.waitForEvent('download', { timeout: SLOW }),
      page.getByRole('button', { name: 'Save as FLAC' }).click(),
    ]);
    expect(file.suggestedFilename()).toMatch(/^calm-piano-waltz.*-1\.flac$/);
    const flac = new Input({ source: new FilePathSource(await file.path()), formats: ALL_FORMATS });
    expect(await flac.computeDuration()).toBeCloseTo(samples.length / 48_000, 3);
    const { title, raw } = await flac.getMetadataTags();
    expect([title, JSON.parse((raw as { MELODY: string }).MELODY).recipe]).toEqual([recipe.prompt, recipe]);
    flac.dispose();
    expect(fetched.filter((url) => url.endsWith('.safetensors'))).toEqual([]);
    await page.close();
  });

  it('begins with one script, which its HTML asks for, and has a piece before it is pressed', async () => {
    const page = await visit('');
    const scripts = await page.evaluate(async () => {
      const text = await (await fetch('app.js')).text();
      return [...text.matchAll(/\b(?:from|import)\s*"\.\/([\w-]+\.js)"/g)].map(([, name]) => name);
    });
    expect(scripts).toHaveLength(1);
    expect(await page.locator('link[rel=modulepreload]').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual(
      scripts,
    );
    const mp3s = () =>
      page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .flatMap(({ name }) => /\w+\.mp3$/.exec(name)?.[0] ?? [])
          .sort(),
      );
    await expect.poll(mp3s, { timeout: 60_000 }).toEqual(['piano.mp3', 'samba.mp3', 'techno.mp3']);
    await page.getByRole('button', { name: /^Hear: joyful samba/ }).click();
    await page.getByRole('status').filter({ hasText: 'Playing' }).waitFor();
    expect(await mp3s()).toHaveLength(3);
    await page.close();
  });

  it('a piece that is pressed at once sounds before the engine is asked for, which comes afterwards', async () => {
    const page = await site.visit('LICENSE.txt');
    await page.mouse.click(2, 2); // from then on pages of this server may sound
    await page.addInitScript(() => {
      const fetched = () => performance.getEntriesByType('resource').map(({ name }) => name.replace(/.*\//, ''));
      addEventListener('DOMContentLoaded', () => {
        const [pieces, status] = ['pieces', 'status'].map((id) => document.getElementById(id) as HTMLElement);
        new MutationObserver((_, observer) => {
          observer.disconnect();
          (pieces.firstElementChild as HTMLElement).click();
        }).observe(pieces, { childList: true });
        new MutationObserver((_, observer) => {
          if (!status.textContent?.startsWith('Playing')) return;
          observer.disconnect();
          Object.assign(globalThis, { fetchedBefore: fetched() });
        }).observe(status, { childList: true, characterData: true, subtree: true });
      });
    });
    const go = page.evaluate((to) => location.assign(to), site.address(''));
    await Promise.all([page.waitForRequest(/melody-engine\.js$/), go]);
    const before = await page.evaluate(() => (globalThis as unknown as { fetchedBefore: string[] }).fetchedBefore);
    expect(before).toContain('piano.mp3');
    expect(before.filter((name) => /worker|engine|page-part|models/.test(name))).toEqual([]);
    await page.locator('#play:enabled').waitFor();
    await page.close();
  });

  it('one press goes from words to music, its address is the piece, and a visitor of it hears the same', async () => {
    const page = await visit('?model=melody-tiny#p=fast+samba,+trumpet&s=1&d=2');
    const play = page.getByRole('button', { name: `Play · ${TINY_SIZE} to download` });
    await play.click();
    await ended(page);
    const first = await saved(page);
    await page.evaluate(() => Object.assign(navigator.clipboard, { writeText: async (text: string) => (globalThis.copied = text) }));
    await page.getByRole('button', { name: 'Copy link' }).click();
    const link = await page.evaluate(() => globalThis.copied);
    expect(link.length).toBeLessThan(300);
    expect(new URL(page.url()).hash).toBe(new URL(link).hash);
    await page.close();

    const other = await visit(link.replace(site.address(''), ''));
    await other.getByRole('status').filter({ hasText: 'This link is a piece: press Play.' }).waitFor();
    expect(await other.locator('#prompt').inputValue()).toBe('fast samba, trumpet');
    await other.getByRole('button', { name: /^Play/ }).and(other.locator('#play:enabled')).click();
    await ended(other);
    const second = await saved(other);
    expect(second.recipe).toEqual(first.recipe);
    expect(second.samples.length).toBe(first.samples.length);
    expect(second.samples.findIndex((sample, i) => sample !== first.samples[i])).toBe(-1);
    site.missing = /save_worker/;
    await other.locator('#format').selectOption('mp3');
    await other.getByRole('button', { name: 'Save as MP3' }).click();
    await other.getByRole('alert').filter({ hasText: 'The MP3 file could not be made. Its encoder cannot be fetched.' }).waitFor();
    site.missing = undefined;
    await other.locator('#format').selectOption('wav');
    expect((await saved(other)).samples.length).toBe(first.samples.length);
    expect(await other.getByRole('alert').isVisible()).toBe(false);
    await other.close();
  });

  it('variations are one press too: the model comes first', async () => {
    const page = await visit('?model=melody-tiny#p=calm+piano&s=4&d=1');
    await page.locator('#variations:enabled').click();
    await page.getByRole('status').filter({ hasText: '3 variations are in the list below' }).waitFor({ timeout: SLOW });
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    await page.close();
  });

  it('a piece of an earlier visit is made again with nothing but its settings', async () => {
    const page = await visit('?model=melody-tiny');
    await page.locator('#load:enabled').click();
    await page
      .getByRole('button', { name: /^Make again: fast samba, trumpet/ })
      .and(page.locator(':enabled'))
      .first()
      .click();
    await page.locator('#timeline[aria-disabled="false"]').waitFor(); // something of it is made
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    await page.close();
  });

  it('can be installed', async () => {
    const page = await visit('');
    const devtools = await page.context().newCDPSession(page);
    const { errors, data } = await devtools.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    for (const { src, sizes } of JSON.parse(data ?? '').icons as { src: string; sizes: string }[]) {
      const size = await page.evaluate(async (icon) => {
        const image = new Image();
        image.src = icon;
        await image.decode();
        return `${image.naturalWidth}x${image.naturalHeight}`;
      }, src);
      if (sizes !== 'any') expect(size).toBe(sizes);
    }
    await page.close();
  });
});

declare global {
  var copied: string;
}
