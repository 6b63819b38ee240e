// What goes wrong while the CPU executor makes music: stopping, a thread that dies, loading again and again.
import { readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { Cpu } from '../../src/cpu/runner.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { GenerateOptions, MelodyEvent } from '../../src/pipeline/options.ts';

vi.setConfig({ testTimeout: 180_000 });
const folder = new URL('../../weights/melody-tiny/', import.meta.url);
const load = () => MeLoDy.load(folder, { device: 'cpu', threads: 2 });
const options = { prompt: 'calm piano', durationSeconds: 0.8, steps: 4, seed: 5 } satisfies GenerateOptions;
const cpuOf = (melody: MeLoDy): Cpu => {
  const { device } = melody.engine;
  if (device instanceof Cpu) return device;
  throw new Error('not on the CPU');
};
/** A copy from far behind the memory, which traps as a wrong kernel would: the thread that meets it ends. */
const kill = (melody: MeLoDy) => cpuOf(melody).pool.post(2, [2 ** 31, 0, 4]);
const sameSamples = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((v, i) => v === b[i]);

describe('on the CPU executor', () => {
  it.each(['tokens', 'diffusion', 'decoding'])('a thread that dies at %s: recovered once, to the same samples', async (stage) => {
    const melody = await load();
    const [plain] = (await melody.generate(options)).channels;
    let killed = false;
    const warnings: string[] = [];
    const onEvent = (event: MelodyEvent) => {
      if (event.type === 'warning') warnings.push(event.code);
      if (killed || event.type !== 'progress' || event.stage !== stage) return;
      killed = true;
      kill(melody);
    };
    const { channels } = await melody.generate({ ...options, onEvent });
    expect(killed).toBe(true);
    expect(sameSamples(channels[0], plain)).toBe(true);
    expect(melody.engine.recoveries).toBe(1);
    expect(warnings).toContain('gpu_recovered');
    melody.dispose();
  });

  it('threads that die again and again: `device_lost`', async () => {
    const melody = await load();
    const job = melody.generate({
      ...options,
      onEvent: (event) => event.type === 'progress' && event.stage === 'diffusion' && kill(melody),
    });
    await expect(job).rejects.toMatchObject({ code: 'device_lost' });
    melody.dispose();
  });

  it.each(['tokens', 'diffusion', 'decoding'])('stopped at %s: `aborted`, and the next clip is as it should be', async (stage) => {
    const melody = await load();
    const [plain] = (await melody.generate(options)).channels;
    const before = { ...melody.engine.device.memory };
    const stop = new AbortController();
    const onEvent = (event: MelodyEvent) => event.type === 'progress' && event.stage === stage && stop.abort();
    await expect(melody.generate({ ...options, signal: stop.signal, onEvent })).rejects.toMatchObject({ code: 'aborted' });
    expect(melody.engine.device.memory).toMatchObject({ buffers: before.buffers, bytes: before.bytes });
    expect(sameSamples((await melody.generate(options)).channels[0], plain)).toBe(true);
    melody.dispose();
  });

  it.runIf(process.platform === 'linux')('twenty rounds of load, generate, dispose leave no thread and no file open', async () => {
    const inUse = () => ({ threads: readdirSync('/proc/self/task').length, files: readdirSync('/proc/self/fd').length });
    const round = async () => {
      const melody = await load();
      await melody.generate(options);
      melody.dispose();
    };
    await round();
    // A thread that was told to stop needs a moment to be gone, and its four files (pipes, eventfd, epoll) with it: wait until nothing changes.
    let first = inUse();
    for (let same = 0; same < 5; ) {
      await new Promise((go) => setTimeout(go, 100));
      const now = inUse();
      same = now.threads === first.threads && now.files === first.files ? same + 1 : 0;
      first = now;
    }
    for (let i = 0; i < 20; i++) await round();
    await vi.waitFor(
      () => {
        const last = inUse();
        expect(last.threads).toBeLessThanOrEqual(first.threads);
        expect(last.files).toBeLessThanOrEqual(first.files + 2);
      },
      { timeout: 20_000 },
    );
  });
});
