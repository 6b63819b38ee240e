// The pad between four ideas on the page: by keys, mouse and finger, in both languages, into the music, the link and back.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pieceIn } from '../../demo/link.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { expectAccessible, Site, SLOW } from './site.ts';

const BLENDED = /^25 % your words · 25 % hypnotic techno.* · 25 % dreamy.* · 25 % joyful/;

describe.runIf(chromiumPath)('the pad', { timeout: SLOW }, () => {
  const site = new Site();
  let page: Page;
  const mix = () => page.locator('#pad p').textContent();
  const open = () => page.getByRole('button', { name: 'Blend four ideas on a pad' }).click();
  const slider = (name: string | RegExp) => page.getByRole('slider', { name });

  beforeAll(async () => {
    await site.open({ webgpu: false });
    page = await site.visit('?model=melody-tiny');
  }, SLOW);
  afterAll(() => site.close(), SLOW);

  it('opens in place of the one idea, and goes as it came', async () => {
    await open();
    await expect.poll(mix).toMatch(BLENDED);
    expect(await page.locator('#second').isVisible()).toBe(false);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Blend one idea' }).focus();
    for (let tabs = 0; tabs < 2; tabs++) await page.keyboard.press('Tab'); // what a button opens comes after it, and after its neighbour
    expect(await page.evaluate(() => document.activeElement?.closest('#pad') !== null)).toBe(true);
    await page.getByRole('button', { name: 'Blend one idea' }).click();
    expect(await page.locator('#pad').isVisible()).toBe(false);
    expect(await page.locator('#second').isVisible()).toBe(true);
  });

  it('arrow keys move the point, and both sliders say what it means', async () => {
    await open();
    await expect.poll(mix).toMatch(BLENDED);
    await slider('Left to right').focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
    await expect.poll(mix).toMatch(/^50 % hypnotic techno[^·]* · 50 % joyful[^·]*$/);
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowUp'); // past the edge
    await expect.poll(mix).toMatch(/^100 % hypnotic techno[^·]*$/);
    for (const name of ['Left to right', 'Top to bottom']) expect(await slider(name).getAttribute('aria-valuetext')).toBe(await mix());
    await slider('Top to bottom').focus();
    await page.keyboard.press('End');
    await expect.poll(mix).toMatch(/^100 % joyful[^·]*$/);
    await page.getByRole('textbox', { name: 'Idea at the bottom right' }).fill('calm harp');
    await expect.poll(mix).toBe('100 % calm harp');
  });

  it('a mouse and a finger drag it, and a press on it types nothing', async () => {
    const box = await page.locator('.surface').boundingBox();
    if (!box) throw new Error('the pad is not seen');
    const { x, y, width, height } = box;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x - 50, y + height / 2, { steps: 3 }); // past the edge it stays there
    await page.mouse.up();
    await expect.poll(mix).toMatch(/^50 % your words · 50 % dreamy[^·]*$/);
    await page.mouse.move(x + width, y); // up, it moves nothing
    expect(await mix()).toMatch(/^50 % your words/);
    const finger = await page.context().newCDPSession(page);
    const touch = (type: string, at?: readonly [number, number]) =>
      finger.send('Input.dispatchTouchEvent', { type: type as 'touchStart', touchPoints: at ? [{ x: at[0], y: at[1] }] : [] });
    await touch('touchStart', [x + 5, y + 5]);
    await touch('touchMove', [x + width / 2, y + height / 2]);
    await touch('touchEnd');
    await expect.poll(mix).toMatch(/^25 % your words/);
  });

  it('music follows it, and its link opens the pad where it was', async () => {
    await page.locator('#load:enabled').click();
    await page.locator('#play:enabled').waitFor();
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.waitForFunction(() => /^[1-9]|^0\.[1-9]/.test(document.getElementById('ahead')?.textContent ?? ''), undefined, {
      timeout: SLOW,
      polling: 100,
    });
    expect(pieceIn(page.url())?.blend).toMatchObject([{ weight: 0.25 }, { weight: 0.25 }, { text: 'calm harp', weight: 0.25 }]);
    await slider('Left to right').focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
    for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown');
    const weights = [0.7 * 0.4, 0.3 * 0.6, 0.7 * 0.6];
    const wanted = weights.map((weight) => ({ weight: expect.closeTo(weight, 4) as number }));
    await expect.poll(() => pieceIn(page.url())?.steered?.at(-1)?.blend, { timeout: SLOW }).toMatchObject(wanted);
    const last = pieceIn(page.url())?.steered?.at(-1)?.blend;
    await page.keyboard.press('Escape');
    const { hash } = new URL(page.url());
    const piece = new URLSearchParams(hash.slice(1));
    piece.delete('c');
    piece.set(
      'b',
      [last]
        .flat()
        .flatMap((one) => [one?.weight, one?.text])
        .join('\u001f'),
    );
    const other = await site.visit(`?model=melody-tiny#${piece}`);
    await expect
      .poll(() => other.locator('#pad p').textContent())
      .toMatch(/^12 % your words · 28 % hypnotic.* · 18 % dreamy.* · 42 % calm harp$/);
    expect(
      await other.locator('.point').evaluate((point) => [point.style.getPropertyValue('--x'), point.style.getPropertyValue('--y')]),
    ).toEqual(['0.7', '0.6']);
    await other.close();
  });

  it('a MIDI device, which is asked for at a press alone, sets the tempo and moves it', async () => {
    const other = await site.visit('?model=melody-tiny', (tab) =>
      tab.addInitScript(() => {
        const device = { id: '1', name: 'Knobs', state: 'connected', onmidimessage: null as ((event: object) => void) | null };
        let asked = 0;
        const send = (data: readonly number[], timeStamp = 0) => device.onmidimessage?.({ data: Uint8Array.from(data), timeStamp });
        Object.assign(globalThis, { midi: { send, asked: () => asked } });
        navigator.requestMIDIAccess = async () => {
          if (asked++ === 0) throw new DOMException('no', 'NotAllowedError');
          return { inputs: new Map([['1', device]]) } as unknown as MIDIAccess;
        };
      }),
    );
    const steer = other.getByRole('button', { name: 'Steer by MIDI' });
    const heard = () => other.locator('#midi-heard').textContent();
    await steer.waitFor();
    expect(await other.evaluate(() => midi.asked())).toBe(0);
    await steer.click();
    await expect.poll(heard).toBe('The browser does not let this page hear MIDI devices.');
    await steer.click();
    await expect.poll(heard).toMatch(/: Knobs\.$/);
    expect(await steer.getAttribute('aria-pressed')).toBe('true');
    await other.evaluate(() => {
      for (let i = 0; i < 60; i++) midi.send([0xf8], i * 25); // 100 beats a minute
      midi.send([0xb0, 74, 127]);
    });
    expect(await other.locator('#prompt').inputValue()).toMatch(/, 100 bpm$/);
    await expect.poll(() => other.locator('#pad p').textContent()).toMatch(/^50 % hypnotic techno[^·]* · 50 % joyful/);
    await other.evaluate(() => midi.send([0x90, 38, 9])); // the pad at the top left
    await expect.poll(() => other.locator('#pad p').textContent()).toBe('100 % your words');
    await expectAccessible(other);
    await steer.click();
    expect(await heard()).toBe('');
    await other.close();
  });

  it('speaks German where the page does', async () => {
    await page.close();
    page = await site.visit('?model=melody-tiny'); // no piece in the address, which would open the pad by itself
    await page.getByRole('button', { name: 'Deutsch' }).click();
    await page.getByRole('button', { name: 'Vier Ideen auf einer Fläche mischen' }).click();
    await expect.poll(mix).toMatch(/^25 % deine Worte · 25 % hypnotic/);
    expect(await slider('Von links nach rechts').count()).toBe(1);
    await expectAccessible(page);
  });
});

declare global {
  var midi: { send: (data: readonly number[], timeStamp?: number) => void; asked: () => number };
}
