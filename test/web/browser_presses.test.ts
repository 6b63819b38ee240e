// The page as impatient people use it: presses in quick succession, keys, faults. A stub makes the music, so that time is the test's.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GERMAN } from '../../demo/de.ts';
import { writeWav } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { levelOf, type Stub, stubWorker } from './instant_worker.ts';
import { expectAccessible, Site, SLOW, savedFile } from './site.ts';

describe.runIf(chromiumPath)('the page under many presses', { timeout: SLOW }, () => {
  const site = new Site();
  let page: Page;
  const faults: string[] = [];
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' });
  const status = (text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor();
  const twin = (text: string | RegExp) => page.locator('#twin').filter({ hasText: text }).waitFor();
  const row = (prompt: string) => page.locator('#history li').filter({ hasText: prompt });
  const enter = (text: string) => page.locator('#prompt').fill(text);
  const focus = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id);
  /** In the page, so that nothing but the clock lies between. */
  const pressTwice = (gap: number) =>
    page.evaluate(async (ms) => {
      const press = () => document.getElementById('play')?.click();
      press();
      await new Promise((resolve) => setTimeout(resolve, ms));
      press();
    }, gap);
  /** Seconds that exist of the piece. */
  const made = () => page.evaluate(() => Number(document.getElementById('timeline')?.getAttribute('aria-valuemax')));
  const release = () =>
    page.evaluate(() => {
      stub.held = false;
    });
  const saved = async (prompt: string) => {
    const file = await savedFile(page, () => row(prompt).getByRole('button', { name: /^Save/ }).click());
    return JSON.parse(readFileSync(file, 'utf8'));
  };
  const visit = async (path = '?model=melody-tiny', set: Partial<Stub> = {}, before: (tab: Page) => Promise<unknown> = async () => {}) => {
    page = await site.visit(path, async (tab) => {
      tab.on('pageerror', (error) => faults.push(error.message));
      await stubWorker(tab, set);
      await tab.addInitScript(() => {
        if (sessionStorage.getItem('seen')) return; // a tab that is loaded again keeps what it stored
        localStorage.clear();
        sessionStorage.setItem('seen', 'yes');
      });
      await before(tab);
    });
  };
  const loaded = async (set: Partial<Stub> = {}) => {
    await visit('?model=melody-tiny', set);
    await page.locator('#load:enabled').click();
    await status('Ready. Press Play.');
  };
  const pressed = async (prompt: string) => {
    await enter(prompt);
    await page.keyboard.press('Control+Enter');
    await row(prompt).waitFor();
  };
  /** Of pieces that do not end by themselves within the test: another one may have played before it is looked at. */
  const playing = async (prompt: string) => {
    await pressed(prompt);
    await status(/^Playing/);
  };

  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterEach(async () => {
    await page.close();
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(() => site.close(), SLOW);

  it('two presses of Play at once are one entry, and each entry keeps its own sound', async () => {
    await loaded();
    await playing('first piece');
    const prompts = ['first piece'];
    for (const gap of [20, 90]) {
      await page.keyboard.press('Escape');
      await button('Play').waitFor();
      prompts.unshift(`pressed again after ${gap} ms`);
      await enter(prompts[0]);
      await pressTwice(gap);
      await row(prompts[0]).waitFor();
      await expect.poll(made).toBeGreaterThan(0); // or there is nothing to save
    }
    await page.keyboard.press('Escape');
    expect(await page.locator('#history .what').evaluateAll((rows) => rows.map((what) => what.firstChild?.textContent))).toEqual(prompts);
    for (const prompt of prompts) expect(await saved(prompt)).toMatchObject({ recipe: { prompt }, level: levelOf(prompt) });
  });

  it('a file saved of a piece that is still made says where it ends; until a piece is there the clock is at none', async () => {
    await loaded();
    await playing('endless piece');
    await page.locator('#time').filter({ hasText: '0:01' }).waitFor();
    await button('Pause').click();
    await status('Paused.');
    await savedFile(page, () => button('Save as WAV').click());
    await status(/^Paused\. The file ends where the piece was made to when it was saved: \d+\.0 s\.$/);
    await page.evaluate(() => {
      stub.held = true; // the worker still ends this one
    });
    await enter('next piece');
    await page.keyboard.press('Control+Enter');
    await status('Making music.');
    expect(await page.locator('#time').textContent()).toBe('0:00');
    await release();
    await row('next piece').waitFor();
  });

  it('speaks German where the listener does, fits every width, and English at a press', async () => {
    await visit('?model=melody-tiny', {}, (tab) =>
      tab.addInitScript(() => Object.defineProperty(Navigator.prototype, 'languages', { value: ['de-AT', 'en'] })),
    );
    await page.locator('#load:enabled').waitFor();
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate(() => document.getElementById('time')?.getBoundingClientRect().right)).toBeLessThanOrEqual(390); // beside the size of the download
    await page.locator('#load').click();
    await status('Bereit. Drücke Play.');
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('de');
    await pressed('first piece');
    await button('Pause').waitFor();
    const words = await page.evaluate(() =>
      [...document.querySelectorAll('main *:not(noscript)')]
        .flatMap((element) => [...element.childNodes])
        .flatMap((node) => (node.nodeType === Node.TEXT_NODE ? [node.nodeValue?.trim()] : [])),
    );
    const english = Object.entries(GERMAN).filter(([text, german]) => text !== german && text.length > 3);
    for (const [text] of english) expect(words).not.toContain(text);
    for (const width of [1280, 768, 390]) {
      await page.setViewportSize({ width, height: 800 });
      const over = () =>
        Math.max(document.documentElement.scrollWidth, document.getElementById('time')?.getBoundingClientRect().right ?? 0) - innerWidth;
      expect(await page.evaluate(over), `${width}`).toBeLessThanOrEqual(0);
    }
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await enter('words of mine');
    await button('English').click();
    await button('Deutsch').waitFor();
    expect(await page.locator('#prompt').inputValue()).toBe('words of mine');
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  });

  it('Escape counts also while the last piece is still ending', async () => {
    await loaded({ held: true });
    await playing('one');
    await enter('two');
    await page.keyboard.press('Control+Enter');
    await status('Making music.');
    expect(await button('Stop').isEnabled()).toBe(true);
    await page.keyboard.press('Escape');
    await status('Stopped.');
    await release();
    await page.waitForTimeout(200); // for a piece that would begin now
    expect(await button('Play').isVisible()).toBe(true);
    expect(await page.evaluate(() => stub.played.map(({ prompt }) => prompt))).toEqual(['one']);
    expect(await page.locator('#history li').count()).toBe(1);
  });

  it('what is typed while the last piece is still ending is heard', async () => {
    await loaded({ held: true });
    await playing('one');
    await page.keyboard.press('Control+Enter');
    await enter('typed meanwhile');
    await release();
    await expect.poll(() => page.evaluate(() => stub.played.length)).toBe(2);
    await expect.poll(() => page.evaluate(() => stub.steered)).toEqual([{ prompt: 'typed meanwhile' }]);
  });

  it('under the picture it says what is so: playing, paused, stopped, broken off; and describes endless pieces too', async () => {
    await loaded();
    await playing('endless');
    await twin(/^Playing “endless”, of middle loudness/);
    await button('Pause').click();
    await twin(/^Paused: “endless”/);
    await expect.poll(made).toBeGreaterThan(6); // it is played again from memory, and must not end meanwhile
    await page.keyboard.press('Escape');
    await twin(/^Stopped: “endless”/);
    await twin(/^The piece: \d+\.\d s, about 100 bpm, A minor/);
    await row('endless').getByRole('button', { name: /^Play/ }).click();
    await twin(/^Playing “endless”/);
    await page.keyboard.press('Escape');
    await twin(/^The piece/);
    await pressed('will fail');
    await page.getByRole('alert').filter({ hasText: 'The GPU is gone' }).waitFor();
    await twin(/^Stopped: “will fail”/);
  });

  it('what went wrong is seen on a phone, however far below the press was', async () => {
    await loaded();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator('#seed').fill('-5');
    await page.locator('#seed-lock').check();
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').filter({ hasText: 'No seed: -5' }).waitFor();
    const { y, height } = (await page.getByRole('alert').boundingBox()) ?? { y: -1, height: 0 };
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y + height).toBeLessThan(740);
    expect(await page.locator('#history li').count()).toBe(0); // nothing was made
  });

  it('a part is marked by drag, by keys and in words, and heard again and again; a click goes there', async () => {
    await loaded({ chunkMs: 20 });
    await page.locator('#length').selectOption('60');
    await playing('a minute');
    const place = () => page.evaluate(() => Number(document.getElementById('timeline')?.getAttribute('aria-valuenow')));
    const part = () =>
      page.evaluate(() => ['from', 'to'].map((id) => (document.getElementById(`part-${id}`) as HTMLInputElement).valueAsNumber));
    const soon = { timeout: SLOW, interval: 50 };
    await expect.poll(made, soon).toBeGreaterThan(6); // as far as it is made ahead
    const timeline = page.locator('#timeline');
    await timeline.scrollIntoViewIfNeeded();
    const { x, y, width } = (await timeline.boundingBox()) ?? { x: 0, y: 0, width: 0 };
    const to = (seconds: number) => [x + (width * seconds) / 60, y + 10] as const;
    const click = (seconds: number) => timeline.click({ position: { x: (width * seconds) / 60, y: 10 } }); // wherever it is scrolled to
    const near = (seconds: number[]) => seconds.map((value) => expect.closeTo(value, 0)); // a pixel is a tenth of a second
    await page.mouse.move(...to(5));
    await page.mouse.down();
    await page.mouse.move(...to(3.5));
    await page.mouse.move(...to(3));
    await page.mouse.up();
    const [from, until] = await part();
    expect([from, until]).toEqual(near([3, 5]));
    await button('Loop').click();
    const places: number[] = [];
    const beganAgain = async () => {
      places.push(await place());
      return places.some((at, i) => at < places[i - 1]);
    };
    await expect.poll(beganAgain, soon).toBe(true);
    expect(places.filter((at) => at < from - 0.1 || at > until + 0.1)).toEqual([]); // from the press on
    await expectAccessible(page);
    await button('Clear the part').click();
    expect(await part()).toEqual([Number.NaN, Number.NaN]);
    expect(await focus()).toBe('part-loop');
    await button('Pause').click();
    await button('Loop').click();
    await click(4);
    await expect.poll(place, soon).toBeCloseTo(4, 0);
    await timeline.focus();
    const before = await place();
    for (const key of ['[', 'ArrowRight', 'ArrowRight', ']', 'Home']) await page.keyboard.press(key);
    expect(await part()).toEqual([expect.closeTo(before, 1), expect.closeTo(before + 2, 1)]);
    expect(await timeline.getAttribute('aria-valuetext')).toMatch(/; part from \d+\.\d to \d+\.\d s$/);
    await page.keyboard.press(']'); // before its beginning: from the other end
    expect(await part()).toEqual([0, expect.closeTo(before, 1)]);
    expect(await place()).toBe(0);
    await page.getByText('Space pauses').filter({ visible: true }).waitFor();
    expect((await page.locator('#timeline-keys').boundingBox())?.height).toBeGreaterThan(10); // seen, not only said
    await page.keyboard.press('Space');
    await button('Pause').waitFor();
    await page.keyboard.press('Space');
    await button('Resume').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#prompt').focus();
    expect((await page.locator('#timeline-keys').boundingBox())?.height).toBeLessThan(2);
    await status('Stopped.');
    await click(5); // it begins again from there
    await expect.poll(place, soon).toBeGreaterThan(5.1);
  });

  it('music out of music: a file is opened, made anew in a part, gone on after, taken as a style; a piece can be a loop', async () => {
    await loaded();
    const tone = Float32Array.from({ length: 3 * 24_000 }, (_, i) => 0.3 * Math.sin(i / 10));
    const buffer = Buffer.from(writeWav({ channels: [tone], sampleRate: 24_000 }));
    await page.locator('#file').setInputFiles({ name: 'tone.wav', mimeType: 'audio/wav', buffer });
    await row('tone.wav').waitFor();
    expect(await made()).toBe(3);
    for (const name of ['Save as WAV', 'Copy link']) expect(await button(name).isDisabled(), name).toBe(true); // nothing of it was made here
    await status(/^Playing\. Your own sound: .* Save, MIDI and links are for what is made here\.$/);
    expect(await row('tone.wav').locator('small').textContent()).toMatch(/ · 0:03 · opened at 24 kHz$/); // no seed made it
    await row('tone.wav').getByRole('button', { name: 'Play: tone.wav', exact: true }).waitFor();
    await enter('organ');
    const generated = () => page.evaluate(() => JSON.parse(JSON.stringify(stub.generated.at(-1) ?? {})));
    await page.getByRole('spinbutton', { name: 'Part from' }).fill('1');
    await page.keyboard.press('Tab');
    await page.getByRole('spinbutton', { name: /^to/ }).fill('2');
    await page.keyboard.press('Tab');
    await button('Make it anew').click();
    await row('1.0–2.0 s made anew').waitFor();
    expect(await generated()).toEqual({ init: 3, inpaint: [{ start: 1, end: 2 }] });
    expect(await page.getByRole('spinbutton', { name: 'Part from' }).inputValue()).toBe('1.0');
    expect(await button('Save as WAV').isEnabled()).toBe(true);
    expect(new URL(page.url()).hash).toBe(''); // no address says what it was made of
    await status(/^Playing\. Only Save keeps it/);
    await button('Go on after it').click();
    await row('goes on after 4.0 s').filter({ hasText: '0:08' }).waitFor();
    expect(await generated()).toEqual({ continued: 4, seconds: 10 });
    await button('In its style').click();
    await page.keyboard.press('Control+Enter');
    await row('in the style of “organ”').waitFor();
    expect(await page.evaluate(() => stub.played)).toEqual([{ prompt: 'organ', seed: expect.any(Number), styled: true }]);
    await expectAccessible(page);
    await enter('a style that makes it fail');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').filter({ hasText: 'The GPU is gone' }).waitFor();
    await page.locator('#style[aria-pressed="false"]').waitFor(); // the next piece is not to fail by it
    await enter('organ');
    await page.locator('#length').selectOption('10');
    await page.getByRole('checkbox', { name: 'a loop' }).check();
    await page.keyboard.press('Control+Enter');
    await row('a loop').waitFor();
    expect(await generated()).toEqual({ loop: true, seconds: 12 }); // three windows
    await page.locator('#part-loop[aria-pressed="true"]').waitFor();
    expect(new URL(page.url()).hash).toMatch(/&l=1/);
    const kept = await page.evaluate(() => JSON.parse(localStorage.getItem('melody-history-1') ?? '[]'));
    expect(kept).toEqual([expect.objectContaining({ prompt: 'organ', loop: true })]); // only what can be made again
    const asked: string[] = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    await page.reload();
    expect(asked).toEqual(['beforeunload']); // no file holds what was made of the tone
    await page.reload();
    expect(asked).toHaveLength(1); // nothing of it is left to lose
    expect(await page.getByRole('checkbox', { name: 'a loop' }).isChecked()).toBe(true);
    await page.locator('#file').setInputFiles({ name: 'no sound.txt', mimeType: 'text/plain', buffer: Buffer.from('no') });
    await page.getByRole('alert').filter({ hasText: '“no sound.txt” holds no sound that this browser can read' }).waitFor();
    await page.getByRole('checkbox', { name: 'a loop' }).uncheck();
    await page.locator('#length').selectOption('');
    await page.locator('#load:enabled').click();
    await status('Ready. Press Play.');
    await playing('endless piece');
    const seconds = await made();
    await page.locator('#file').setInputFiles({ name: 'no sound.txt', mimeType: 'text/plain', buffer: Buffer.from('no') });
    await page.getByRole('alert').filter({ hasText: 'holds no sound' }).waitFor();
    await status(/^Playing\.$/); // a file that cannot be opened ends nothing
    await expect.poll(made).toBeGreaterThan(seconds);
    await page.locator('#file').setInputFiles({ name: 'tone.wav', mimeType: 'audio/wav', buffer });
    await status(/^Playing\. Your own sound/);
    expect(await made()).toBe(3);
    expect(await row('endless piece').getByRole('button', { name: /^Play/ }).isEnabled()).toBe(true); // what was made of it is kept
  });

  it('a file that is opened before the tools for it are here is taken all the same', async () => {
    let give = () => {};
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    await visit('?model=melody-tiny', {}, (tab) => tab.route('**/page-workshop*', (route) => given.then(() => route.continue())));
    await page.locator('#pieces button').first().waitFor();
    const buffer = Buffer.from(writeWav({ channels: [new Float32Array(24_000)], sampleRate: 24_000 }));
    await page.locator('#file').setInputFiles({ name: 'early.wav', mimeType: 'audio/wav', buffer });
    give();
    await row('early.wav').waitFor();
  });

  it('what the microphone hears is a piece of its own: Record again ends it, Escape calls it off, a refusal is told', async () => {
    await visit('?model=melody-tiny', {}, (tab) =>
      tab.addInitScript(() => {
        const heard = { tracks: [] as MediaStreamTrack[], refused: false };
        Object.assign(globalThis, { heard });
        navigator.mediaDevices.getUserMedia = async () => {
          if (heard.refused) throw new DOMException('Permission denied', 'NotAllowedError');
          const context = new AudioContext();
          const tone = new OscillatorNode(context, { frequency: 440 });
          const { stream } = tone.connect(new MediaStreamAudioDestinationNode(context)) as MediaStreamAudioDestinationNode;
          tone.start();
          heard.tracks.push(...stream.getTracks());
          return stream;
        };
      }),
    );
    const record = button('Record');
    const listening = () => page.locator('#record[aria-pressed="true"]').waitFor();
    const live = () =>
      page.evaluate(() =>
        (globalThis as unknown as { heard: { tracks: MediaStreamTrack[] } }).heard.tracks.map((track) => track.readyState),
      );
    await record.click();
    await status(/^Listening for 8 seconds/);
    await listening();
    await page.keyboard.press('Escape');
    await page.locator('#record[aria-pressed="false"]').waitFor();
    expect(await page.locator('#history li').count()).toBe(0);
    await record.click();
    await listening();
    await page.waitForTimeout(1000); // of sound
    await record.click();
    await row('from the microphone').waitFor();
    expect(await made()).toBeGreaterThan(0.5);
    expect(await made()).toBeLessThan(7);
    expect(await live()).toEqual(['ended', 'ended']);
    await page.evaluate(() => {
      const record = document.getElementById('record') as HTMLButtonElement;
      new MutationObserver((_, observer) => {
        observer.disconnect();
        record.click(); // at once: nothing was heard
      }).observe(record, { attributeFilter: ['aria-pressed'] });
      record.click();
    });
    await page.getByRole('alert').filter({ hasText: 'press Record, let it hear a second' }).waitFor();
    await page.evaluate(() => Object.assign((globalThis as unknown as { heard: object }).heard, { refused: true }));
    await record.click();
    await page.getByRole('alert').filter({ hasText: 'microphone could not be used: Permission denied' }).waitFor();
    await row('from the microphone').waitFor();
  });

  it('the lock screen has title and buttons, and the screen stays on while it plays', async () => {
    await visit('?model=melody-tiny', {}, (tab) =>
      tab.addInitScript(() => {
        const device = { actions: {} as Record<string, () => void>, on: 0 };
        Object.assign(globalThis, { device });
        navigator.mediaSession.setActionHandler = (action, work) => {
          if (work) device.actions[action] = () => work({ action });
        };
        const wakeLock = {
          async request() {
            device.on++;
            const lock = new EventTarget();
            return Object.assign(lock, {
              async release() {
                device.on--;
                lock.dispatchEvent(new Event('release'));
              },
            });
          },
        };
        Object.defineProperty(navigator, 'wakeLock', { value: wakeLock });
      }),
    );
    type Device = { device: { actions: Record<string, () => void>; on: number } };
    const held = () => page.evaluate(() => (globalThis as unknown as Device).device.on);
    const act = (name: string) => page.evaluate((action) => (globalThis as unknown as Device).device.actions[action](), name);
    const session = () => page.evaluate(() => [navigator.mediaSession.metadata?.title, navigator.mediaSession.playbackState]);
    await page.locator('#load:enabled').click();
    await status('Ready. Press Play.');
    expect(await held()).toBe(0);
    await playing('for the lock screen');
    await expect.poll(session).toEqual(['for the lock screen', 'playing']);
    await expect.poll(held).toBe(1);
    await act('pause');
    await expect.poll(session).toEqual(['for the lock screen', 'paused']);
    await expect.poll(held).toBe(0);
    await act('play');
    await expect.poll(session).toEqual(['for the lock screen', 'playing']);
    await expect.poll(held).toBe(1);
    await act('stop');
    await button('Play').waitFor();
    await expect.poll(held).toBe(0);
  });

  it('by keyboard: the player is the first stop, and the focus is never lost', async () => {
    await visit();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('To the player');
    await page.locator('#load:enabled').focus();
    await page.keyboard.press('Enter');
    await status('Ready. Press Play.');
    expect(await focus()).toBe('Play');
    await page.keyboard.press('Enter');
    await status(/^Playing/);
    for (const next of ['Stop', 'volume']) {
      await page.keyboard.press('Tab');
      expect(await focus()).toBe(next);
    }
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await status('Stopped.');
    expect(await focus()).toBe('Play');
    await playing('another');
    await page.evaluate(() => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', isComposing: true })));
    await page.waitForTimeout(200);
    expect(await button('Pause').isVisible()).toBe(true);
    await expect.poll(made).toBeGreaterThan(4); // as above; of a second piece less is made ahead
    await page.keyboard.press('Escape');
    const first = row('another').getByRole('button', { name: /^Play/ });
    await first.focus();
    const name = await focus();
    await page.keyboard.press('Enter');
    await status(/^Playing/);
    await page.keyboard.press('Escape');
    await status('Stopped.');
    expect(await focus()).toBe(name);
    await row('another')
      .getByRole('button', { name: /^Remove/ })
      .focus();
    await page.keyboard.press('Enter');
    expect(await focus()).toMatch(/^Remove: calm piano waltz/); // the row that came up
    await page.keyboard.press('Enter');
    expect(await focus()).toBe('history-title');
  });

  it('says what is here of a model, goes on with it, and does not remove what it fetches', async () => {
    await visit('?model=melody-tiny', { kept: 500_000, loadMs: 60_000 });
    await button('Go on loading').and(page.locator(':enabled')).click();
    await button('Pause loading').waitFor();
    expect(await page.locator('#remove').isVisible()).toBe(false);
    await button('Pause loading').click();
    await button('Go on loading').waitFor();
    expect(await page.locator('#remove').isVisible()).toBe(true);
  });

  it('a piece that is ready sounds while the model is loaded, whichever was pressed first', async () => {
    await visit('?model=melody-tiny', { loadMs: 3000 });
    const ready = page.locator('#pieces button').first();
    await ready.click();
    await status(/^Playing\.$/);
    await page.locator('#load:enabled').click();
    await status(/^Playing\. Loading: [1-9]0 %\.$/);
    await expectAccessible(page);
    await expect.poll(() => page.locator('#download-bar').evaluate((bar: HTMLProgressElement) => bar.value)).toBeGreaterThan(0.1);
    await button('Pause loading').click();
    await status(/^Playing\.$/);
    await page.locator('#load:enabled').click();
    await status('Playing. The model is here.');
    await page.keyboard.press('Escape');
    await status('Ready. Press Play.');
    expect(await page.evaluate(() => stub.loaded.length)).toBe(2);
    await pressed('a piece of its own'); // nothing is loaded again
    await status(/^Playing\.$/);
    expect(await page.evaluate(() => stub.loaded.length)).toBe(2);
    await page.reload();
    await ready.waitFor();
    await page.locator('#load:enabled').click();
    await status(/^Loading: [1-9]0 %\.$/);
    await ready.click();
    await status(/^Playing\. Loading: \d+ %\.$/);
    await enter('words for the model');
    await page.keyboard.press('Control+Enter'); // it waits for the load that is on its way
    await status(/^Loading: \d+ %\.$/);
    await row('words for the model').waitFor();
    expect(await page.evaluate(() => stub.loaded.length)).toBe(2); // the one that was called off, and the one that went on
  });

  it('a change that comes when all of a piece is made is for the next: paused, Play begins it', async () => {
    await loaded();
    await page.locator('#length').selectOption('10');
    await playing('first words');
    await page
      .locator('#time')
      .filter({ hasText: /^0:0[4-6]/ })
      .waitFor(); // eight seconds are made ahead: by now all of it
    await enter('other words');
    await status('Playing. What you changed is for the next piece: press Pause, then Play.');
    await enter('first words');
    await status(/^Playing\.$/); // as it was
    await page.keyboard.press('Escape');
    await enter('second words'); // before the clip begins: no change of it
    await row('first words').getByRole('button', { name: /^Play/ }).click();
    await status(/^Playing\.$/);
    await enter('third words');
    await status(/for the next piece/);
    await button('Pause').click();
    await status('Paused. Press Play to hear what you changed; this piece stays in the list.');
    await expectAccessible(page);
    await page.locator('#timeline').press(' '); // the piece itself goes on by the timeline
    await status(/^Playing/);
    await button('Pause').click();
    await button('Play').click();
    await row('third words').waitFor();
    await status(/^Playing\.$/);
    expect(await page.evaluate(() => [stub.played.map(({ prompt }) => prompt), stub.steered])).toEqual([
      ['first words', 'third words'],
      [],
    ]);
    await row('first words').getByRole('button', { name: 'Use settings' }).click(); // they change nothing of what plays
    await button('Pause').click();
    await status('Paused. Press Play to hear what you changed; this piece stays in the list.');
  });

  it('says so where a part of the page cannot be fetched; the rest of it works', async () => {
    site.missing = /page-pad/;
    await loaded();
    const told = page.getByRole('alert').filter({ hasText: 'A part of the page could not be fetched: reload it.' });
    await button('Blend four ideas on a pad').click();
    await told.waitFor();
    expect(await page.locator('#pad').isVisible()).toBe(false);
    expect(await button('Blend four ideas on a pad').getAttribute('aria-expanded')).toBe('false');
    await playing('one idea');
    site.missing = /page-part/;
    await page.reload();
    await told.waitFor();
    site.missing = undefined;
  });

  it('offers another try where the list of models or the network is missing', async () => {
    await visit('', {}, (tab) => tab.route('**/models.json', (route) => route.fulfill({ status: 404 })));
    await page
      .getByRole('alert')
      .filter({ hasText: /^The list of models could not be read \(HTTP 404\)\. Press “Try again”/ })
      .waitFor();
    await page.unroute('**/models.json');
    await button('Try again').click();
    await button('Load the model').and(page.locator(':enabled')).waitFor();
    expect(await page.getByRole('alert').isVisible()).toBe(false);
    await page.evaluate(() => {
      stub.offline = true;
    });
    await page.locator('#load').click();
    await page.getByRole('alert').filter({ hasText: 'There is no network' }).waitFor();
    expect(await button('Load the model').isEnabled()).toBe(true);
  });

  it('offers the models, the one that suits the device first, and says so where a wanted one is missing', async () => {
    await visit('?model=nonsense', {}, (tab) =>
      tab.addInitScript(() => Object.defineProperty(Navigator.prototype, 'deviceMemory', { value: 0.5 })),
    );
    const choice = page.getByRole('combobox', { name: 'Model' });
    await page.getByText('There is no model “nonsense” here.').waitFor();
    expect(await choice.inputValue()).toBe('melody-tiny (for tests)');
    await page.locator('#load:enabled').click();
    await status('Ready. Press Play.');
    expect(await button('Load the model').isVisible()).toBe(false);
    await choice.selectOption('melody-small');
    await button('Load the model').click();
    await expect.poll(() => page.evaluate(() => stub.loaded.map((src) => src.split('/').at(-2)))).toEqual(['melody-tiny', 'melody-small']);
  });

  it('“Make again” fills the form and waits for a model; “Use settings” leaves alone what plays', async () => {
    const old = { id: 'x', at: 1, model: '', prompt: 'old one', seed: 5, durationSeconds: 4 };
    await visit('?model=melody-tiny', {}, (tab) =>
      tab.addInitScript((entry) => localStorage.setItem('melody-history-1', JSON.stringify([entry])), old),
    );
    const again = row('old one').getByRole('button', { name: /^Make again/ });
    await page.locator('#load:enabled').waitFor();
    expect(await again.isDisabled()).toBe(true);
    await page.locator('#load').click();
    await status('Ready. Press Play.');
    await again.click();
    await expect.poll(() => page.evaluate(() => stub.played)).toEqual([{ prompt: 'old one', seed: 5 }]);
    expect(await page.locator('#prompt').inputValue()).toBe('old one');
    expect(await page.locator('#length option:checked').textContent()).toBe('4 seconds');
    await page.locator('#length').selectOption('endless');
    await playing('endless');
    await row('old one')
      .first()
      .getByRole('button', { name: /^Use settings/ })
      .click();
    await page.waitForTimeout(600);
    expect(await page.evaluate(() => stub.steered)).toEqual([]);
    await enter('old one, faster');
    await expect.poll(() => page.evaluate(() => stub.steered)).toEqual([{ prompt: 'old one, faster' }]);
  });
});
