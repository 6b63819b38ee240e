import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { specialisationKey } from '../../src/gpu/kernel.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { TEST_GPU } from '../helpers/gpu.ts';

let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_GPU);
});
afterAll(() => melody.dispose());

it('after warmup no prompt compiles a pipeline', async () => {
  const asked = vi.spyOn(Gpu.prototype, 'pipeline');
  const keys = () => new Set(asked.mock.calls.map(([kernel, how]) => specialisationKey(kernel, how)));
  await melody.warmup();
  const warm = keys();
  expect(warm.size).toBeGreaterThan(20);
  asked.mockClear();
  const words = 'slow calm piano ballad with soft strings and a deep warm bass'.split(' ');
  for (const count of [2, 3, 5, 7, 12])
    await melody.generate({ prompt: words.slice(0, count).join(' '), durationSeconds: melody.model.config.window_seconds, seed: 3 });
  expect(keys().size).toBeGreaterThan(0); // plans of new lengths
  expect([...keys()].filter((key) => !warm.has(key))).toEqual([]);
  asked.mockRestore();
});

it('warmup stops at its signal', async () => {
  await expect(melody.warmup({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
});
