// What goes wrong while music is made (docs/requirements.md §2.5–2.7): stopping, a lost GPU, NaN, a second job, loading again and again.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { platform } from '#platform';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { openModel } from '../../src/pipeline/model.ts';
import type { GenerateOptions, MelodyEvent } from '../../src/pipeline/options.ts';
import { embedText } from '../../src/pipeline/stages/networks.ts';
import type { WeightSource } from '../../src/weights/weights.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { poisoned } from '../helpers/poison.ts';
import { refuseBuffers } from '../helpers/short_memory.ts';

const folder = new URL('../../weights/melody-tiny/', import.meta.url);
const load = () => MeLoDy.load(folder, TEST_GPU);
/** A lost GPU means that every pipeline is compiled again, which takes seconds where a software adapter shares its cores. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const options = { prompt: 'calm piano', durationSeconds: 0.8, steps: 4, seed: 5 } satisfies GenerateOptions;
const STAGES = ['style', 'tokens', 'diffusion', 'decoding'] as const;

/** Calls `act` at each progress event of a stage that is at least this far within the job. */
const at = (stage: string, act: () => void, from = 0) => ({
  onEvent: (event: MelodyEvent) => {
    if (event.type === 'progress' && event.stage === stage && event.fraction >= from) act();
  },
});

let melody: MeLoDy;
let plain: Float32Array; // what `options` make when nothing goes wrong
beforeAll(async () => {
  melody = await load();
  plain = (await melody.generate(options)).channels[0];
});
afterAll(() => melody.dispose());

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);
const lose = (m: MeLoDy) => m.engine.gpu.device.destroy();

describe('stopping', () => {
  test.each(STAGES)('at %s: `aborted`, no buffer more than before, no event after, and the next clip is as it should be', async (stage) => {
    const { gpu } = melody.engine;
    const before = { buffers: gpu.memory.buffers, bytes: gpu.memory.bytes };
    const stop = new AbortController();
    let late = 0;
    const job = melody.generate({
      ...options,
      signal: stop.signal,
      onEvent: (event) => {
        if (stop.signal.aborted) late += 1;
        if (event.type === 'progress' && event.stage === stage) stop.abort();
      },
    });
    await expect(job).rejects.toMatchObject({ code: 'aborted' });
    await new Promise((later) => setTimeout(later, 20));
    expect(late).toBe(0);
    expect({ buffers: gpu.memory.buffers, bytes: gpu.memory.bytes }).toEqual(before);
    expect((await melody.generate(options)).channels[0]).toEqual(plain);
  });

  it('before the start: nothing is done', async () => {
    let events = 0;
    const job = melody.generate({ ...options, signal: AbortSignal.abort(), onEvent: () => events++ });
    await expect(job).rejects.toMatchObject({ code: 'aborted' });
    expect(events).toBe(0);
  });

  it('while weights load for the first time; disposing then frees every buffer', async () => {
    const fresh = await load();
    const stop = new AbortController();
    const job = fresh.generate({ ...options, signal: stop.signal, ...at('tokens', () => stop.abort()) });
    await expect(job).rejects.toMatchObject({ code: 'aborted' });
    expect(fresh.engine.device.memory.buffers).toBeGreaterThan(0);
    fresh.dispose();
    expect(fresh.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });

  it('a stream: the loop ends with `aborted` and the melody is free again', async () => {
    const stop = new AbortController();
    const heard: number[] = [];
    const listen = async () => {
      for await (const { startSample } of melody.stream({ prompt: 'piano', steps: 1, seed: 1, signal: stop.signal })) {
        heard.push(startSample);
        stop.abort();
      }
    };
    await expect(listen()).rejects.toMatchObject({ code: 'aborted' });
    expect(heard).toEqual([0]);
    expect((await melody.generate(options)).channels[0]).toEqual(plain);
  });
});

describe('a second job', () => {
  it('is refused as `busy` while a clip or a stream is made, and harms neither', async () => {
    const job = melody.generate(options);
    await expect(melody.generate(options)).rejects.toMatchObject({ code: 'busy' });
    await expect(melody.stream({ prompt: 'piano' })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'busy' });
    expect((await job).channels[0]).toEqual(plain);
  });
});

describe('a lost GPU is opened again once, and the clip is the same', () => {
  const recovered = async (m: MeLoDy, more: Partial<GenerateOptions>) => {
    const before = m.engine.recoveries;
    const warnings: string[] = [];
    const { onEvent } = more;
    const clip = await m.generate({
      ...options,
      ...more,
      onEvent: (event) => {
        if (event.type === 'warning') warnings.push(event.code);
        onEvent?.(event);
      },
    });
    expect(clip.channels[0]).toEqual(plain);
    expect(m.engine.recoveries).toBe(before + 1);
    return warnings;
  };

  test('lost right after loading, before the first clip', async () => {
    const m = await load();
    lose(m);
    expect(await recovered(m, {})).toContain('gpu_recovered');
    m.dispose();
  });

  test('lost while weights are uploaded', async () => {
    const m = await load();
    let once = false;
    const upload = at('tokens', () => {
      if (!once) lose(m); // the language model's weights come next
      once = true;
    });
    expect(await recovered(m, upload)).toContain('gpu_recovered');
    m.dispose();
  });

  // Between diffusion steps: the job is at 15 % when that stage starts and at 93 % when it ends.
  test.each([
    ['style', 0],
    ['tokens', 0],
    ['diffusion', 0.4],
    ['decoding', 0],
  ])('lost during %s', async (stage, from) => {
    let once = false;
    const act = () => {
      if (!once) lose(melody);
      once = true;
    };
    expect(await recovered(melody, at(stage, act, from))).toEqual(['gpu_recovered']);
  });

  test('lost while idle', async () => {
    lose(melody);
    await melody.engine.gpu.lost;
    expect(await recovered(melody, {})).toEqual(['gpu_recovered']);
  });

  test('lost in a stream', async () => {
    const wanted: Float32Array[] = [];
    const streamed: Float32Array[] = [];
    const request = { prompt: 'piano', steps: 1, seed: 1, durationSeconds: 1.6, loudness: null }; // each chunk as soon as it is made
    for await (const { channels } of melody.stream(request)) wanted.push(channels[0]);
    const before = melody.engine.recoveries;
    for await (const { channels } of melody.stream(request)) {
      streamed.push(channels[0]);
      if (streamed.length === 1) lose(melody);
    }
    expect(melody.engine.recoveries).toBe(before + 1);
    expect(streamed).toEqual(wanted);
  });
});

describe('a GPU that stays lost', () => {
  test('lost twice in one stage: `device_lost`, and no endless trying', async () => {
    const m = await load();
    await expect(m.generate({ ...options, ...at('diffusion', () => lose(m), 0.2) })).rejects.toMatchObject({ code: 'device_lost' });
    expect(m.engine.recoveries).toBe(1);
    expect((await m.generate(options)).channels[0]).toEqual(plain); // and a later job finds its way
    m.dispose();
  });

  test('lost while it is opened again: `device_lost`, and a later job finds its way', async () => {
    const real = await platform.openGpu();
    let devices = 0;
    const frail = {
      requestAdapter: async (wanted?: GPURequestAdapterOptions) => {
        const adapter = await real.requestAdapter(wanted);
        if (!adapter) return null;
        const request = adapter.requestDevice.bind(adapter);
        adapter.requestDevice = async (descriptor) => {
          const device = await request(descriptor);
          if (++devices === 2) device.destroy();
          return device;
        };
        return adapter;
      },
    } as unknown as GPU;
    const m = await MeLoDy.over(await openModel(platform.openFolder(folder)), async () => frail, TEST_GPU);
    lose(m);
    await expect(m.generate(options)).rejects.toMatchObject({ code: 'device_lost' });
    expect((await m.generate(options)).channels[0]).toEqual(plain);
    expect(devices).toBe(3);
    m.dispose();
  });

  test('the old device has no say any more: its late news is not taken for the new one’s', async () => {
    const m = await load();
    const old = m.engine.gpu;
    lose(m);
    await m.generate(options);
    await old.lost;
    expect(() => old.check()).toThrow(/device was lost/);
    expect(m.engine.gpu).not.toBe(old);
    m.engine.gpu.check();
    expect(old.memory).toMatchObject({ buffers: 0, bytes: 0 });
    m.dispose();
  });

  test('no adapter left: `no_adapter`', async () => {
    const real = await platform.openGpu();
    const gone = { requestAdapter: async () => null } as unknown as GPU;
    let opened = 0;
    const m = await MeLoDy.over(await openModel(platform.openFolder(folder)), async () => (opened++ === 0 ? real : gone), TEST_GPU);
    lose(m);
    await expect(m.generate(options)).rejects.toMatchObject({ code: 'no_adapter' });
    m.dispose();
  });
});

describe('disposing', () => {
  const gone = { code: 'aborted', message: 'this Melody was disposed' };

  test.each(STAGES)('at %s: the job ends with `aborted`, the GPU does not come back, and nothing is left', async (stage) => {
    const m = await load();
    const { onEvent } = at(stage, () => m.dispose());
    await expect(m.generate({ ...options, onEvent })).rejects.toMatchObject(gone);
    await new Promise((later) => setTimeout(later, 20));
    expect(m.engine.recoveries).toBe(0);
    expect(m.engine.gpu.open).toBe(false);
    expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });

  test('a stream, and every call after it', async () => {
    const m = await load();
    const stream = m.stream({ prompt: 'piano', steps: 1, seed: 1 });
    const listen = async () => {
      for await (const _ of stream) m.dispose();
    };
    await expect(listen()).rejects.toMatchObject(gone);
    await expect(m.generate(options)).rejects.toMatchObject(gone);
    await expect(m.stream({ prompt: 'piano' })[Symbol.asyncIterator]().next()).rejects.toMatchObject(gone);
    m.dispose(); // again: nothing to do
    expect(m.engine.gpu.open).toBe(false);
    expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });

  test('while a lost GPU is opened again', async () => {
    const m = await load();
    lose(m);
    const job = m.generate(options);
    await new Promise((soon) => setTimeout(soon, 5));
    m.dispose();
    await expect(job).rejects.toMatchObject(gone);
    await vi.waitFor(() => expect(m.engine.gpu.open).toBe(false));
    expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });
});

describe('a GPU without memory for a buffer', () => {
  const warned = () => {
    const codes: string[] = [];
    const onEvent = (event: MelodyEvent) => event.type === 'warning' && codes.push(event.code);
    return { codes, onEvent };
  };

  test('once: plans of other jobs are freed, the stage is repeated, and the clip is as it should be', async () => {
    const m = await load();
    await m.generate({ ...options, durationSeconds: 2.4 });
    const decoder = [...(await m.engine.plans()).keys()].find((name) => name.startsWith('decoder'));
    let slots = 0;
    refuseBuffers(m.engine.gpu, ({ label }) => label?.startsWith('slot') === true && slots++ === 0);
    expect((await m.generate(options)).channels[0]).toEqual(plain);
    expect(slots).toBeGreaterThan(1);
    const left = [...(await m.engine.plans()).keys()];
    expect(left.some((name) => name.startsWith('decoder'))).toBe(true);
    expect(left).not.toContain(decoder);
    m.dispose();
    expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });

  test.each(['vae_decoder.', 'params', 'readback', 'z'])(
    'once for “%s”: the stage is repeated, and the clip is as it should be',
    async (label) => {
      const m = await load();
      let failed = false;
      refuseBuffers(m.engine.gpu, (buffer) => {
        if (failed || !buffer.label?.startsWith(label)) return false;
        failed = true;
        return true;
      });
      expect((await m.generate(options)).channels[0]).toEqual(plain);
      expect(failed).toBe(true);
      m.dispose();
      expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
    },
  );

  test('for many frames at a time: fewer are decoded together, the music is the same, and it is said', async () => {
    const long = { ...options, durationSeconds: 11, steps: 1 };
    const rich = await load();
    let largest = 0;
    refuseBuffers(rich.engine.gpu, ({ label, size }) => {
      if (label?.startsWith('slot')) largest = Math.max(largest, size);
      return false;
    });
    const whole = await rich.generate(long);
    rich.dispose();
    const poor = await load();
    let refused = 0;
    refuseBuffers(poor.engine.gpu, ({ label, size }) => label?.startsWith('slot') === true && size > largest / 2.5 && ++refused > 0);
    const { codes, onEvent } = warned();
    const clip = await poor.generate({ ...long, onEvent });
    expect(refused).toBeGreaterThan(0);
    expect(codes).toEqual(['low_memory', 'low_memory']); // 500 frames, 250, 125
    expect(worst(clip.channels[0], whole.channels[0])).toBeLessThanOrEqual(1e-4);
    poor.dispose();
  });

  test('for windows in a batch: smaller batches make the same music', async () => {
    const wide = { ...options, durationSeconds: 12, steps: 1, parallelWindows: 2 };
    const m = await load();
    const pooled: number[] = []; // bytes of a state that grows with the batch
    const limit = 4 * m.model.config.dual_path.dim;
    refuseBuffers(m.engine.gpu, ({ label, size }) => label === 'pooled' && pooled.push(size) > 0 && size > limit);
    const { codes, onEvent } = warned();
    const clip = await m.generate({ ...wide, onEvent });
    expect(pooled.slice(0, 3)).toEqual([2 * limit, 2 * limit, limit]);
    expect(codes).toEqual(['low_memory']);
    expect(worst(clip.channels[0], (await melody.generate(wide)).channels[0])).toBeLessThanOrEqual(1e-4);
    m.dispose();
  });

  test('at every try: `out_of_memory` names buffer and bytes; nothing is left behind, and the next clip is as it should be', async () => {
    const m = await load();
    let short = true;
    refuseBuffers(m.engine.gpu, ({ label }) => short && label?.startsWith('vae_decoder') === true);
    await expect(m.generate(options)).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/^vae_decoder.*no GPU memory for \d+ bytes beside \d+ in use/),
    });
    short = false;
    expect((await m.generate(options)).channels[0]).toEqual(plain);
    m.dispose();
    expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
  });
});

describe('NaN is caught at the stage that made it', () => {
  const nan = (weights: WeightSource, name: string) =>
    poisoned(weights, new RegExp(`^${name.replaceAll('.', '\\.')}$`), (data, dtype) => data.fill(dtype === 'f16' ? 0x7e00 : Number.NaN));

  test.each([
    ['text_tower.encoder.proj.weight', 'the text embedding'],
    ['semantic_lm.head.weight', 'the logits of the semantic language model'],
    ['dual_path.head.weight', 'the latents at diffusion step 1 of 4'],
    ['vae_decoder.head.weight', 'the decoded audio'],
  ])('%s → %s', async (name, stage) => {
    const model = await openModel(platform.openFolder(folder));
    const m = await MeLoDy.over({ ...model, weights: nan(model.weights, name) }, () => platform.openGpu(), TEST_GPU);
    await expect(m.generate(options)).rejects.toMatchObject({ code: 'non_finite', message: `NaN or infinity in ${stage}` });
    m.dispose();
  });

  it('a latent that turns NaN at step 3', async () => {
    const m = await load();
    const { device } = m.engine.gpu;
    const latents: GPUBuffer[] = [];
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      if (descriptor.label === 'z' && descriptor.usage & 4) latents.push(buffer); // COPY_SRC: the state, not a plan's input
      return buffer;
    };
    let steps = 0;
    const strike = at('diffusion', () => {
      steps += 1; // the first event says that the stage starts
      if (steps === 3) for (const z of latents) device.queue.writeBuffer(z, 0, new Float32Array([Number.NaN]));
    });
    await expect(m.generate({ ...options, ...strike })).rejects.toThrow('NaN or infinity in the latents at diffusion step 3 of 4');
    expect(latents.length).toBeGreaterThan(0);
    m.dispose();
  });

  it('given audio', async () => {
    const audio = { channels: [new Float32Array(48000).fill(Number.NaN, 100, 101)], sampleRate: 24000 };
    for (const given of [{ promptAudio: audio }, { continueFrom: audio }, { initAudio: audio, inpaint: [{ start: 0, end: 1 }] }])
      await expect(melody.generate({ ...options, ...given })).rejects.toMatchObject({ code: 'non_finite' });
  });
});

describe('seeds', () => {
  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53, '7'])('%s is refused before any work', async (seed) => {
    let events = 0;
    const job = melody.generate({ ...options, seed: seed as number, onEvent: () => events++ });
    await expect(job).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('seed') });
    expect(events).toBe(0);
  });
});

describe('noise', () => {
  it('depends on the seed, and not on the number of steps', async () => {
    const { engine } = melody;
    const noises: Float32Array[] = [];
    const plan = engine.plan.bind(engine);
    engine.plan = async (name, record, signal) => {
      const made = await plan(name, record, signal);
      if (!name.startsWith('noise')) return made;
      const read = async (output: string) => {
        noises.push((await made.read(output)).slice());
        return noises[noises.length - 1];
      };
      return { run: made.run.bind(made), read } as unknown as typeof made;
    };
    try {
      for (const more of [{}, { steps: 2 }, { seed: 6 }]) await melody.generate({ ...options, ...more });
    } finally {
      engine.plan = plan;
    }
    expect(noises.length).toBe(3);
    expect(noises[1]).toEqual(noises[0]);
    expect(noises[2]).not.toEqual(noises[0]);
  });
});

describe('loading again and again', () => {
  it('20 times: every buffer is freed, and what JavaScript holds stays flat', async () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    const held: number[] = [];
    for (let i = 0; i < 20; i++) {
      const m = await load();
      await embedText(m.engine, m.model.tokenizer.encode('calm piano').ids);
      expect(m.engine.device.memory.buffers).toBeGreaterThan(0);
      m.dispose();
      expect(m.engine.device.memory).toMatchObject({ buffers: 0, bytes: 0 });
      await m.engine.gpu.lost;
      collect();
      const { heapUsed, external } = process.memoryUsage();
      held.push((heapUsed + external) / 2 ** 20);
    }
    // The text tower's weights alone would add 0.3 MB of buffers a time, the tokenizer and headers as much again.
    expect(Math.min(...held.slice(15)) - Math.min(...held.slice(5, 10))).toBeLessThan(2);
  });
});
