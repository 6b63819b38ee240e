// A stream of set length is rehearsed without the windows of its middle: the forecast is that of the whole piece, and costs no more for an hour.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
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

it('rehearses a job once for all of its shape, where twice its memory is free', async () => {
  const rehearsals = vi.spyOn(melody.engine, 'planBytes');
  const play = async (options: object) => {
    rehearsals.mockClear();
    for await (const _ of melody.stream({ prompt: 'calm piano', steps: 1, ...options })) break;
    return rehearsals.mock.calls.length;
  };
  expect(await play({ seed: 1 })).toBe(1);
  expect(await play({ seed: 2, prompt: 'loud drums, 140 bpm' })).toBe(0);
  expect(await play({ seed: 2, lmGuidanceScale: 2 })).toBe(1);
  expect(await play({ seed: 2, durationSeconds: 3 })).toBe(1);
  const make = async (options: object) => {
    rehearsals.mockClear();
    await melody.generate({ prompt: 'calm piano', durationSeconds: 0.8, steps: 1, ...options });
    return rehearsals.mock.calls.length;
  };
  expect(await make({ seed: 1 })).toBe(1);
  expect(await make({ seed: 3 })).toBe(0);
  expect(await make({ seed: 3, durationSeconds: 1.6 })).toBe(1);
  vi.spyOn(melody.engine, 'room', 'get').mockReturnValue(1e6); // all that it takes is there already, which only a rehearsal knows
  expect(await make({ seed: 3 })).toBe(1);
  vi.restoreAllMocks();
});
