// The page as a listener uses it: loaded once, then steered, replayed, saved; by keyboard, in the dark, on a phone.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecipe, readWav } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { expectAccessible, Site, SLOW, savedFile, workerDevtools } from './site.ts';

const HOSTILE = '<img src=x onerror="document.title=1">calm piano, 80 bpm';

/** Texts of the role=status line, in the order in which they were said. */
const watchStatus = (page: Page) =>
  page.evaluate(() => {
    const line = document.getElementById('status');
    const watched = globalThis.said !== undefined;
    globalThis.said = [];
    if (watched) return;
    new MutationObserver(() => said.push(line?.textContent ?? '')).observe(line as Node, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });

describe.runIf(chromiumPath)('the page in use', { timeout: SLOW }, () => {
  const site = new Site();
  let page: Page;
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
  const line = (index: number) => page.locator('#history li').nth(index);
  /** Plays until the first chunk is there. */
  const playALittle = async () => {
    await button('Play').click();
    await page.waitForFunction(() => /^[1-9]|^0\.[1-9]/.test(document.getElementById('ahead')?.textContent ?? ''), undefined, {
      timeout: SLOW,
      polling: 100,
    });
  };
  const saved = async (press: () => Promise<void>) => {
    const { channels, tags } = readWav(readFileSync(await savedFile(page, press)));
    return { samples: channels[0], recipe: readRecipe(tags)?.recipe as Record<string, unknown> };
  };

  beforeAll(async () => {
    await site.open({ webgpu: false });
    page = await site.visit('?model=melody-tiny', (tab) =>
      tab.addInitScript(() => {
        globalThis.sounds = 0;
        const Context = globalThis.AudioContext;
        globalThis.AudioContext = class extends Context {
          constructor(options?: AudioContextOptions) {
            super(options);
            globalThis.sounds++;
          }
        };
      }),
    );
    await page.locator('#load:enabled').click();
    await page.locator('#play:enabled').waitFor();
  }, SLOW);
  afterAll(() => site.close(), SLOW);

  it('is silent until Play; then endless music follows prompt and blend, and the saved recipe says when', async () => {
    expect(await page.evaluate(() => sounds)).toBe(0);
    await page.locator('#seed').fill('1');
    await page.locator('#seed-lock').check();
    await playALittle();
    expect(await page.evaluate(() => sounds)).toBe(1);
    /** The last change of what plays; one that was not heard before the next goes. */
    const takenUp = (change: object) =>
      expect
        .poll(async () => ((await saved(() => button('Save as WAV').click())).recipe.steered as unknown[] | undefined)?.at(-1), {
          timeout: SLOW,
          interval: 500,
        })
        .toEqual({ ...change, anew: true, atSeconds: expect.any(Number) });
    await page.locator('#prompt').fill('fast techno, 140 bpm');
    await takenUp({ prompt: 'fast techno, 140 bpm' });
    await page.locator('#second').fill('calm harp');
    await page.locator('#blend').focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
    await takenUp({ prompt: 'fast techno, 140 bpm', blend: { text: 'calm harp', weight: 0.5 } });
    await page.keyboard.press('Escape');
    await button('Play').waitFor();
    const { recipe, samples } = await saved(() => button('Save as WAV').click());
    expect(recipe).toMatchObject({ prompt: 'calm piano waltz in A minor, 96 bpm', seed: 1 });
    expect(recipe.durationSeconds).toBeUndefined();
    expect(samples.some((sample) => Math.abs(sample) > 0.01)).toBe(true);
    // What was heard is played again from memory.
    await watchStatus(page);
    await line(0).getByRole('button', { name: /^Play/ }).click();
    await page.waitForFunction(() => said.some((text) => text.startsWith('Playing')), undefined, { timeout: SLOW, polling: 100 });
    await page.keyboard.press('Escape');
  });

  it('a seed is kept or drawn anew, settings come back from the list, and words of the prompt stay words', async () => {
    await page.locator('#second').fill('');
    await page.locator('#prompt').fill(HOSTILE);
    await page.locator('#length').selectOption('30');
    /** Only what the worker has taken up is listed. */
    const playAndStop = async () => {
      const before = await page.locator('#history li').count();
      await button('Play').click();
      await line(before).waitFor({ state: 'attached' });
      await button('Stop').click();
    };
    await playAndStop();
    expect(await page.locator('#seed').inputValue()).toBe('1');
    await page.locator('#seed-lock').uncheck();
    await playAndStop();
    const drawn = await page.locator('#seed').inputValue();
    expect(drawn).not.toBe('1');
    await expect.poll(() => line(0).textContent()).toContain(`${HOSTILE}`);
    // What was asked for, or what was made of it before Stop came.
    expect(await line(0).textContent()).toMatch(new RegExp(`0:(30|0\\d) · seed ${drawn}`));
    expect(await page.locator('#history img').count()).toBe(0);
    expect(await page.title()).toMatch(/^melody/);
    await line(2)
      .getByRole('button', { name: /^Use settings/ })
      .click();
    for (const [field, value] of Object.entries({ prompt: 'calm piano waltz in A minor, 96 bpm', seed: '1', length: '' }))
      expect(await page.locator(`#${field}`).inputValue(), field).toBe(value);
    expect(await page.locator('#seed-lock').isChecked()).toBe(true);
  });

  it('“Make again” makes the same music again, and a worker that stalls is a gap, counted and shown', async () => {
    const first = await saved(() => line(2).getByRole('button', { name: /^Save/ }).click());
    await playALittle(); // with the settings of the list, taken over above
    const worker = await workerDevtools(page);
    await worker('Debugger.enable');
    await worker('Debugger.pause');
    await expect.poll(() => page.locator('#gaps').textContent(), { timeout: SLOW, interval: 250 }).toMatch(/^[1-9]/);
    await page.getByRole('status').filter({ hasText: 'Making more music' }).waitFor();
    await worker('Debugger.resume');
    await worker('Debugger.disable');
    await page.keyboard.press('Escape');
    await button('Play').waitFor();
    const second = await saved(() => button('Save as WAV').click());
    const shared = Math.min(first.samples.length, second.samples.length, 12_000); // before anything was steered
    expect(shared).toBeGreaterThan(4000);
    expect(second.samples.slice(0, shared)).toEqual(first.samples.slice(0, shared));
  });

  it('variations land in the list with their own seeds; progress is said in tenths', async () => {
    await page.locator('#prompt').fill('calm piano, 80 bpm');
    await page.locator('#seed').fill('7');
    await watchStatus(page);
    await button('Make 3 variations').click();
    await page.getByRole('status').filter({ hasText: '3 variations are in the list below' }).waitFor({ timeout: SLOW });
    const told = await page.evaluate(() => said);
    expect(told.length).toBeLessThanOrEqual(3 * 11 + 2);
    for (const text of told)
      expect(text).toMatch(/^$|^Making variation [123] of 3: (100|[1-9]?0) %\.$|^3 variations are in the list below\.$/);
    const clips = [];
    for (const [index, seed] of [9, 8, 7].entries()) {
      const clip = await saved(() => line(index).getByRole('button', { name: /^Save/ }).click());
      expect(clip.recipe).toMatchObject({ prompt: 'calm piano, 80 bpm', seed, durationSeconds: 4 });
      clips.push(clip.samples);
    }
    expect(clips[0]).not.toEqual(clips[1]);
    expect(clips[1]).not.toEqual(clips[2]);
  });

  it('everything is reached by Tab, and seen when it is', async () => {
    const reached = new Set<string>();
    const unseen: string[] = [];
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const wanted = await page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLElement>('a[href], button, input, select, textarea, [tabindex="0"]')];
      return all
        .filter((element) => element.checkVisibility() && !element.matches(':disabled'))
        .map((element, i) => (element.dataset.number = String(i)));
    });
    for (let i = 0; i < wanted.length + 3; i++) {
      // the browser’s own stop, and what appears meanwhile: tools that are fetched late
      await page.keyboard.press('Tab');
      const [number, outline] = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement as Element);
        return [
          (document.activeElement as HTMLElement).dataset.number,
          outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth),
        ] as const;
      });
      if (number === undefined) continue; // the browser's own
      reached.add(number);
      if (outline < 2) unseen.push(number);
    }
    expect(wanted.length).toBeGreaterThan(35);
    expect([...wanted].filter((number) => !reached.has(number))).toEqual([]);
    expect(unseen).toEqual([]);
  });

  it('fits a phone, is legible in the dark, and asks nothing of others', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const size of [
        { width: 1280, height: 800 },
        { width: 360, height: 740 },
      ]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(size);
        await expectAccessible(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
        const over = await page.evaluate((width) => {
          const time = document.getElementById('time') as HTMLElement;
          const before = time.textContent;
          time.textContent = '12:34 / 12:59 · change in 10 s'; // the longest that it says
          const right = document.querySelector('.volume')?.getBoundingClientRect().right ?? 0;
          time.textContent = before;
          return right - width;
        }, size.width);
        expect(over).toBeLessThanOrEqual(0);
        if (size.width < 1280) continue;
        // The work is on one screen, what is done with a piece included.
        const end = await page.evaluate(() => {
          scrollTo(0, 0);
          return document.querySelector('.actions')?.getBoundingClientRect().bottom;
        });
        expect(end).toBeLessThanOrEqual(size.height);
      }
    }
    const blocked = await page.evaluate(async () => {
      const told = new Promise<string>((resolve) => {
        addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), { once: true });
      });
      await fetch('https://melody.invalid/').catch(() => {});
      return told;
    });
    expect(blocked).toBe('connect-src');
  });

  it('with reduced motion the picture changes once a second', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.evaluate(() => {
      globalThis.drawn = [];
      const read = AnalyserNode.prototype.getByteFrequencyData;
      AnalyserNode.prototype.getByteFrequencyData = function (this: AnalyserNode, levels: Uint8Array<ArrayBuffer>) {
        globalThis.drawn.push(Number(document.timeline.currentTime)); // of the frame, ms
        return read.call(this, levels);
      };
    });
    await line(0).getByRole('button', { name: /^Play/ }).click();
    await page.getByText(/^The piece: 4\.0 s/).waitFor(); // four seconds, then said in words
    const calm = await page.evaluate(() => drawn);
    expect(calm.length).toBeGreaterThan(1);
    for (const [i, at] of calm.slice(1).entries()) expect(at - calm[i]).toBeGreaterThanOrEqual(999);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await page.locator('#length').selectOption(''); // endless: a busy machine draws seldom
    await button('Play').click();
    await page.waitForFunction((before) => drawn.length > before + 10, calm.length, { timeout: SLOW });
    await page.keyboard.press('Escape');
  });
});

declare global {
  var said: string[];
  var sounds: number;
  var drawn: number[];
}
