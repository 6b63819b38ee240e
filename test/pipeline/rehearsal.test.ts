// A stream of set length is rehearsed without the windows of its middle: the forecast is that of the whole piece, and costs no more for an hour.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';

let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), { device: 'cpu', threads: 1 });
}, 60_000);
afterAll(() => melody.dispose());

const forecast = (durationSeconds: number) => melody.stream({ prompt: 'calm piano', durationSeconds, seed: 1 }).predictMemory();

it('foresees what a piece of any length takes', async () => {
  const { window_seconds, chunks } = melody.model.config;
  const alike = window_seconds - (2 * window_seconds) / chunks; // seconds that a window of the middle makes
  for (const more of [0.1, 0.37, alike / 2, alike - 0.01]) {
    const short = alike * 16 + more; // rehearsed whole
    expect(await forecast(short + 40 * alike), `${more} s`).toEqual(await forecast(short));
  }
});

it('costs no more for an hour', async () => {
  const cost = async (seconds: number) => {
    const before = process.cpuUsage();
    await forecast(seconds);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  await cost(60);
  const [minute, hour] = [await cost(60), await cost(3600)];
  expect(hour).toBeLessThan(5 * minute); // 20 times as much when every window was rehearsed
});
