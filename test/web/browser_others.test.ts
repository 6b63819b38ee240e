// The page and the element in browsers of other engines, with real weights to the sound: Firefox over WebDriver BiDi, WebKitGTK over WebDriver.
// What is tested in detail in Chromium is walked through here: load, play, pause, stop, a piece that is ready, the words of the page.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firefoxPath, openFirefox } from '../../tools/firefox.mjs';
import { haveWebKit, openWebKit } from '../../tools/webkit.mjs';
import { Site, SLOW } from './site.ts';

interface Driven {
  goto(address: string): Promise<unknown>;
  /** A value of the page, by an expression. */
  evaluate(expression: string): Promise<unknown>;
  /** Clicks an element as a person does. */
  press(expression: string): Promise<void>;
  close(): Promise<void>;
}

if (!firefoxPath)
  console.log('browser tests: no Firefox here; install it (Debian: apt-get install firefox-esr) or name it in MELODY_FIREFOX');
if (!haveWebKit)
  console.log(
    'browser tests: no WebKitGTK here (Debian: apt-get install webkit2gtk-driver xvfb gstreamer1.0-plugins-base gstreamer1.0-plugins-good)',
  );

/** Where a machine has no sound device at all, Firefox starts no sound: then the music is made, and it must say so. */
const DEAF = '/No sound comes out/';

describe.each([
  { name: 'Firefox', here: firefoxPath !== undefined, open: openFirefox as () => Promise<Driven> },
  { name: 'WebKitGTK', here: haveWebKit, open: openWebKit as () => Promise<Driven> },
])('$name', ({ here, open }) => {
  describe.runIf(here)('plays', { timeout: SLOW }, () => {
    const site = new Site();
    let browser: Driven;
    const until = (expression: string, wanted: unknown = true) =>
      expect.poll(() => browser.evaluate(expression), { timeout: 120_000, interval: 100, message: expression }).toEqual(wanted);
    const textOf = (id: string) => `document.getElementById('${id}').textContent`;

    beforeAll(async () => {
      await site.serve();
      browser = await open();
    }, SLOW);
    afterAll(async () => {
      await browser?.close();
      await site.close();
    }, SLOW);

    it('the element: from the press to the sound, pause, stop', async () => {
      const player = `document.querySelector('melody-player')`;
      const button = `${player}.shadowRoot.querySelector('button')`;
      await browser.goto(site.address('readme/'));
      await until(`${button}.textContent`, 'Play');
      await browser.press(button);
      // WebKit wants a press of its own once a model is here that is not 48 kHz stereo, and the player says so.
      const ready = 'Ready: press Play';
      const words = `${player}.shadowRoot.querySelector('[role=status]').textContent`;
      const sounds = `(${player}.session?.snapshot.error?.message ?? (${player}.currentTime > 0.3 || (${player}.session?.snapshot.madeSeconds > 1 && ${DEAF}.test(${words}))))`;
      await until(`${words} === '${ready}' || ${sounds}`);
      if ((await browser.evaluate(words)) === ready) await browser.press(button);
      await until(sounds);
      expect(await browser.evaluate(`${player}.session.snapshot.state`)).toMatch(/playing|buffering/);
      await browser.press(button);
      await until(`${button}.textContent`, 'Resume');
      expect(await browser.evaluate(`${player}.paused`)).toBe(true);
      await browser.press(button);
      await until(`${button}.textContent`, 'Pause');
      await browser.press(`${player}.shadowRoot.querySelectorAll('button')[1]`);
      await until(`${button}.textContent`, 'Play');
    });

    it('the page: a piece that is ready, then music of its own, which is drawn and listed', async () => {
      await browser.goto(site.address('?model=melody-tiny'));
      await until(`document.querySelectorAll('#pieces button').length > 0`);
      await browser.press(`document.querySelector('#pieces button')`);
      await until(`${textOf('status')} === 'Playing.' || ${DEAF}.test(${textOf('status')})`);
      await browser.press(`document.getElementById('stop')`);
      await until(`document.getElementById('load').disabled`, false);
      await browser.press(`document.getElementById('load')`);
      await until(textOf('status'), 'Ready. Press Play.');
      await browser.press(`document.getElementById('play')`);
      await until(`${textOf('time')} >= '0:01' || ${DEAF}.test(${textOf('status')})`);
      expect(await browser.evaluate(textOf('twin'))).toMatch(/^(Playing|Making) “calm piano waltz/);
      expect(await browser.evaluate(`document.getElementById('problem').hidden`)).toBe(true);
      await browser.press(`document.getElementById('stop')`);
      await until(`document.getElementById('stop').disabled`);
      expect(await browser.evaluate(`document.querySelectorAll('#history li').length`)).toBe(2);
    });
  });
});
