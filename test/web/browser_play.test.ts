// What happens while music plays in a real browser: it is steered, it waits for its listener, its tab is hidden.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Melody, type Recipe, type Steering, type StyleOptions } from '../../src/index.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { TEST_CPU } from '../helpers/gpu.ts';
import { finished, load, PIECE, play, Site, SLOW, TINY, worst } from './site.ts';

/** Two windows, so that the second can follow another style. */
const TWO = { ...PIECE, firstWindowSeconds: 0.8, steps: 2, loudness: null }; // at a level of its own a first chunk waits for a second of sound
const OTHER = 'fast techno with drums, 140 bpm';

/** TWO by the page's worker, steered when the first chunk was heard, and how it was steered. */
const pieceThere = (page: Page, style?: StyleOptions, planned: readonly Steering[] = []) =>
  page
    .evaluate(
      async ({ piece, style }) => {
        const samples: number[] = [];
        const steered: Steering[] = [];
        // Nothing ahead: the second window is made when all of the first was heard.
        const running = session.worker.stream(piece, 0, {
          onChunk: ([chunk], _rate, start) => {
            if (style && samples.length === 0) running.steer(style);
            samples.splice(start, samples.length, ...chunk); // it may go back
            running.played(start + chunk.length);
          },
          onEvent: (event) => event.type === 'steered' && steered.push(event.steering),
        });
        await running.finished;
        return { samples, steered };
      },
      { piece: { ...TWO, steered: planned }, style },
    )
    .then(({ samples, steered }) => ({ samples: Float32Array.from(samples), steered }));

/** The same in Node. */
async function pieceHere(steered: readonly Steering[]): Promise<Float32Array> {
  const melody = await Melody.load(new URL(`../../${TINY}`, import.meta.url), TEST_CPU);
  const chunks: Float32Array[] = [];
  for await (const { channels } of melody.stream({ ...TWO, steered })) chunks.push(channels[0]);
  melody.dispose();
  return Float32Array.from(chunks.flatMap((chunk) => [...chunk]));
}

describe.runIf(chromiumPath)('playing in Chromium', { timeout: SLOW }, () => {
  const site = new Site();
  let page: Page;
  beforeAll(async () => {
    await site.open({ hiddenTabs: true, webgpu: false });
    page = await site.sessionPage();
    await load(page);
  }, SLOW);
  afterAll(() => site.close(), SLOW);

  it('another prompt, or a blend, is heard soon, and equals Node’s', async () => {
    const { samples: plain } = await pieceThere(page);
    for (const style of [{ prompt: OTHER }, { prompt: PIECE.prompt, blend: { text: OTHER, weight: 1 } }]) {
      const { samples, steered } = await pieceThere(page, style);
      expect(steered).toEqual([{ ...style, atSeconds: expect.any(Number), anew: true }]);
      const [{ atSeconds }] = steered;
      expect(atSeconds).toBeLessThanOrEqual(0.8); // nothing more was made
      const stays = (atSeconds - 0.2) * 24_000; // the decoder reaches 10 frames back
      expect(worst(samples.slice(0, stays), plain.slice(0, stays))).toBe(0);
      expect(worst(samples.slice(0.8 * 24_000), plain.slice(0.8 * 24_000))).toBeGreaterThan(0.01);
      // As its recipe asks for it beforehand.
      expect((await pieceThere(page, undefined, steered)).samples).toEqual(samples);
      if (!style.blend) expect(worst(samples, await pieceHere(steered))).toBeLessThan(1e-3);
    }
  });

  it('a change drops what was made and not heard, and what is kept equals what Node makes of the recipe', async () => {
    const { loudness: _, durationSeconds: __, ...endless } = TWO;
    await page.evaluate((piece) => session.play({ ...piece, steps: 1 }), endless);
    await page.waitForFunction(() => session.snapshot.madeSeconds > 6, undefined, { timeout: SLOW, polling: 20 });
    await page.evaluate((prompt) => session.steer({ prompt }), OTHER);
    await page.waitForFunction(() => session.snapshot.madeSeconds > (session.snapshot.changeSeconds ?? Infinity) + 1, undefined, {
      timeout: SLOW,
      polling: 20,
    });
    const { recipe, samples, changeSeconds, left } = await page.evaluate(async () => {
      const { recipe, changeSeconds } = session.snapshot;
      const samples = [...(session.audio()?.channels[0] ?? [])];
      await session.stop();
      return { recipe, samples, changeSeconds, left: session.snapshot.changeSeconds };
    });
    expect(recipe?.steered).toEqual([{ prompt: OTHER, atSeconds: changeSeconds, anew: true }]);
    expect(left).toBeUndefined(); // nothing is changed of what was stopped
    const melody = await Melody.load(new URL(`../../${TINY}`, import.meta.url), TEST_CPU);
    const here = new Float32Array(samples.length);
    for await (const { channels, startSample } of melody.stream(recipe as Recipe)) {
      here.set(channels[0].subarray(0, Math.max(0, here.length - startSample)), Math.min(startSample, here.length));
      if (startSample >= here.length) break;
    }
    melody.dispose();
    expect(samples.length).toBeGreaterThan((changeSeconds as number) * 24_000);
    expect(worst(Float32Array.from(samples), here)).toBeLessThan(1e-3);
  });

  it('a style that is refused is told of, and the music goes on', async () => {
    await play(page, { ...TWO, durationSeconds: undefined, steps: 1 }); // endless, so that it is still being made, however fast the machine
    await page.evaluate(() => session.steer({ prompt: 'techno', tempo: 999 }));
    await page.waitForFunction(() => session.snapshot.warnings.length > 0, undefined, { timeout: SLOW, polling: 100 });
    const { error, warnings, recipe, madeSeconds } = await page.evaluate(() => session.snapshot);
    expect({ error, warnings, steered: recipe?.steered }).toEqual({ error: undefined, warnings: [expect.stringContaining('tempo')] });
    await page.waitForFunction((made) => session.snapshot.madeSeconds > made, madeSeconds, { timeout: SLOW, polling: 100 });
    await page.evaluate(() => session.stop());
    await play(page, { ...TWO, durationSeconds: 0.5, steps: 1 });
    await finished(page);
    expect(await page.evaluate(() => session.snapshot)).toMatchObject({ error: undefined, warnings: [] });
  });

  it('making waits for the listener: a paused piece is made so far ahead and no further', async () => {
    await page.evaluate(
      ({ piece: { durationSeconds: _, ...endless } }) => {
        heard.events = [];
        return session.play({ ...endless, steps: 1 }).then(() => session.pause());
      },
      { piece: PIECE }, // all windows of one length
    );
    const now = () =>
      page.evaluate(() => {
        const { madeSeconds: made, playedSeconds: played } = session.snapshot;
        return { made, played, events: heard.events.length };
      });
    // The pause is there once the place stays, which takes a busy machine its time; then more than a session keeps ahead of it is made.
    let before = await now();
    for (let place = Number.NaN; before.played !== place || before.made - before.played <= 8; before = await now()) {
      place = before.played;
      await page.waitForTimeout(500);
    }
    await page.waitForTimeout(4000); // while it works, it tells of every token and step: never seconds of silence
    expect(await now()).toEqual(before);
    await page.evaluate(() => session.resume());
    await page.waitForFunction((made) => session.snapshot.madeSeconds > made, before.made, { timeout: SLOW, polling: 100 });
    await page.evaluate(() => session.stop());
  });

  it('a sound device that never says that it stopped holds up nothing; one that never starts is told of', async () => {
    const device = await site.visit('session.html', (tab) =>
      tab.addInitScript(() => {
        const { suspend, resume } = AudioContext.prototype;
        globalThis.mute = false;
        globalThis.rests = 0;
        AudioContext.prototype.suspend = function () {
          void suspend.call(this);
          rests += 1;
          return new Promise(() => {});
        };
        AudioContext.prototype.resume = function () {
          return mute ? new Promise(() => {}) : resume.call(this);
        };
      }),
    );
    await device.waitForFunction(() => globalThis.session !== undefined);
    await device.mouse.click(2, 2);
    await load(device);
    const piece = { samples: Array.from({ length: 12_000 }, (_, i) => 0.1 * Math.sin(i / 10)) };
    const listen = () =>
      device.evaluate(async ({ samples }) => {
        await session.playClip([Float32Array.from(samples)], 24_000, undefined);
        await session.pause();
        session.resume(); // at once: the pause must not win
      }, piece);
    for (let i = 0; i < 3; i++) {
      await listen();
      await device.waitForFunction(() => session.snapshot.playedSeconds > 0.1, undefined, { polling: 50 });
      await device.evaluate(() => session.stop());
    }
    const soon = device.evaluate(async ({ samples }) => {
      await session.playClip([Float32Array.from(samples)], 24_000, undefined);
      const pausing = session.pause();
      session.resume();
      await pausing;
    }, piece);
    await soon;
    await device.waitForFunction(() => session.snapshot.state === 'ready', undefined, { polling: 50 }); // heard to its end
    await device.evaluate(() => {
      rests = 0;
      return session.stop();
    });
    await device.waitForFunction(() => rests > 0, undefined, { polling: 50 }); // it is kept for what is pressed within two seconds
    await device.evaluate(async ({ samples }) => {
      mute = true;
      await session.playClip([Float32Array.from(samples)], 24_000, undefined);
    }, piece);
    await device.waitForFunction(() => session.snapshot.warnings.some((text) => text.startsWith('No sound comes out')), undefined, {
      polling: 100,
    });
    await device.close();
  });

  it('a hidden tab goes on making and playing', async () => {
    await page.evaluate(() => {
      heard.chunks = 0;
    });
    const other = await site.context.newPage(); // before anything is made: on a busy machine a tab takes longer than the piece
    await page.bringToFront();
    await play(page, { ...TWO, durationSeconds: 4, steps: 1 });
    await other.bringToFront();
    await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden');
    expect(await page.evaluate(() => session.snapshot.complete)).toBe(false); // or it was made before the tab was hidden
    const state = () => page.evaluate(() => session.snapshot);
    await expect
      .poll(async () => (await state()).error ?? ((await state()).complete && (await state()).state), { timeout: SLOW, interval: 500 })
      .toBe('ready');
    expect(await state()).toMatchObject({ error: undefined, playedSeconds: 4 });
    expect(await page.evaluate(() => document.visibilityState)).toBe('hidden');
    await other.close();
    await page.bringToFront();
    await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('visible');
    await play(page, { ...TWO, durationSeconds: 0.5, steps: 1 });
    await page.waitForFunction(() => session.snapshot.playedSeconds === 0.5, undefined, { timeout: SLOW, polling: 100 });
  });
});

declare global {
  var mute: boolean;
  var rests: number;
}
