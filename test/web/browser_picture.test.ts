// The picture of the sound: drawn in a worker, or in the page where that cannot be.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../tools/chromium.mjs';
import { Site, SLOW } from './site.ts';

describe.runIf(chromiumPath)('the picture', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterAll(() => site.close(), SLOW);

  /** Is the canvas given away? Before that, sees it at rest, and another way as it plays, and at rest again. */
  async function seen(before: (page: Page) => Promise<unknown> = async () => {}): Promise<boolean> {
    const faults: string[] = [];
    const page = await site.visit('', async (tab) => {
      tab.on('pageerror', (error) => faults.push(String(error)));
      await before(tab);
    });
    const look = async () => (await page.locator('#picture').screenshot()).toString('base64');
    const colours = () =>
      page.evaluate(() => {
        const copy = document.createElement('canvas');
        const from = document.getElementById('picture') as HTMLCanvasElement;
        Object.assign(copy, { width: from.width, height: from.height });
        const paint = copy.getContext('2d') as CanvasRenderingContext2D;
        paint.drawImage(from, 0, 0);
        const { data } = paint.getImageData(0, 0, copy.width, copy.height);
        return new Set(new Uint32Array(data.buffer)).size;
      });
    await expect.poll(colours).toBeGreaterThan(10); // bars
    const rest = await look();
    await page.evaluate(() => {
      const { getFloatTimeDomainData } = AnalyserNode.prototype;
      globalThis.reads = 0;
      AnalyserNode.prototype.getFloatTimeDomainData = function (samples) {
        reads += 1;
        getFloatTimeDomainData.call(this, samples);
      };
    });
    await page
      .getByRole('button', { name: /^Hear: / })
      .first()
      .click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await expect.poll(colours).toBeGreaterThan(200); // a spectrogram
    expect(await look()).not.toBe(rest);
    const rate = await page.evaluate(async () => {
      const [count, since] = [reads, performance.now()];
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return (1000 * (reads - count)) / (performance.now() - since);
    });
    expect(rate).toBeGreaterThan(0);
    expect(rate).toBeLessThan(40); // pictures a second where no GPU draws: half as many as the screen shows
    const given = await page.evaluate(() => {
      try {
        return !(document.getElementById('picture') as HTMLCanvasElement).getContext('2d');
      } catch {
        return true;
      }
    });
    expect(faults).toEqual([]);
    await page.close();
    return given;
  }

  it('is drawn away from the page’s thread', async () => {
    expect(await seen()).toBe(true);
  });

  it('is drawn by the page where a canvas cannot be given away', async () => {
    const without = (page: Page) =>
      page.addInitScript(() => Reflect.deleteProperty(HTMLCanvasElement.prototype, 'transferControlToOffscreen'));
    expect(await seen(without)).toBe(false);
  });

  it('is drawn by the page where the worker does not come', async () => {
    site.missing = /picture_worker/;
    expect(await seen()).toBe(false);
    site.missing = undefined;
  });
});

declare global {
  var reads: number;
}
