// The model that the page offers, once in a real browser: two seconds of it, on the CPU executor. What it is trained to may change.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { chromiumPath } from '../../tools/chromium.mjs';
import { TEST_CPU } from '../helpers/gpu.ts';
import { finished, load, made, play, root, Site, SLOW, streamed, worst } from './site.ts';

const SMALL = 'weights/melody-small/';
const PIECE = { prompt: 'fast samba with brass and percussion, 180 bpm', seed: 1, durationSeconds: 2 };

describe.runIf(chromiumPath)('melody-small in Chromium', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterAll(() => site.close(), SLOW);

  it('makes two seconds, which reach the AudioWorklet, are not silent and equal Node’s', async () => {
    const page = await site.sessionPage();
    expect(await load(page, SMALL)).toMatchObject({ state: 'ready', model: { name: 'melody-small', software: true }, error: undefined });
    await play(page, PIECE);
    await finished(page);
    expect(await page.evaluate(() => session.snapshot)).toMatchObject({
      error: undefined,
      playedSeconds: 2,
      recipe: { ...PIECE, model: 'melody-small' },
    });
    expect(await page.evaluate(() => heard.peak)).toBeGreaterThan(0.01);
    const there = await made(page);
    const melody = await MeLoDy.load(new URL(SMALL, `file://${root}`), TEST_CPU);
    const here = await streamed(melody, PIECE);
    expect(there.length).toBe(2 * melody.model.config.sample_rate);
    expect(worst(there, here)).toBeLessThan(1e-3);
    await page.close();
  });

  it('goes on from given sound, and follows its style, with shards that music from words alone does not need', async () => {
    const page = await site.sessionPage();
    await load(page, SMALL);
    const { sample_rate: rate } = JSON.parse(readFileSync(`${root}${SMALL}config.json`, 'utf8'));
    for (const given of ['continueFrom', 'promptAudio']) {
      await page.evaluate(
        async ({ piece, given, rate }) => {
          const tone = Float32Array.from({ length: 4.1 * rate }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 220 * i) / rate));
          await session.play({ ...piece, steps: 1, [given]: { channels: [tone, tone], sampleRate: rate } });
        },
        { piece: PIECE, given, rate },
      );
      await finished(page);
      const told = await page.evaluate(() => heard.events.splice(0).filter((type) => type === 'download').length);
      expect(told > 0, given).toBe(given === 'continueFrom'); // all of them come with the first
      expect(await page.evaluate(() => session.snapshot), given).toMatchObject({ error: undefined, complete: true, madeSeconds: 2 });
    }
    await page.close();
  });
});
