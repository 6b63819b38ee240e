// Stable Audio in diffusers' layout against diffusers itself: folders and goldens of tools/stable_audio_goldens.py, computed in f32.
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Cpu } from '../../src/cpu/runner.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { readFloats } from '../../src/graph/stock.ts';
import { reshape, type Tensor } from '../../src/graph/tensor.ts';
import { oobleckContext, oobleckDecoder, oobleckEncoder, oobleckHop } from '../../src/models/oobleck.ts';
import { contextStates, fourierFeatures, globalTokens, readContext, stableAudioDit } from '../../src/models/stable_audio_dit.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { Progress } from '../../src/pipeline/progress.ts';
import { systemMisfits } from '../../src/systems/inspect.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { loadSystem } from '../../src/systems/load.ts';
import { openSystemFolder } from '../../src/systems/place.ts';
import { openStableAudio, type StableAudioModel } from '../../src/systems/stable_audio/model.ts';
import type { FlowSchedule } from '../../src/systems/stable_audio/schedule.ts';
import { StableAudio } from '../../src/systems/stable_audio/stable_audio.ts';
import { decodeLatents, drawLatents, type Request } from '../../src/systems/stable_audio/stages.ts';
import { scheduleOf } from '../../src/systems/stable_audio/tools_layout.ts';
import type { SystemOptions } from '../../src/systems/system.ts';
import { nmse } from '../helpers/data.ts';
import { golden } from '../helpers/goldens.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const LIMIT = 1e-9;
const PROMPT = 'slow piano ballad with warm strings';
const CPU: SystemOptions = { device: 'cpu', threads: 1, precision: 'f32' };
const GPU: SystemOptions = { device: 'gpu', untested: true, precision: 'f32' };

const adapter = useGpu();
let cpu: Cpu;
let root: string;
const folder = (name: string) => fileURLToPath(new URL(`../goldens/systems/${name}/`, import.meta.url));

beforeAll(async () => {
  cpu = await Cpu.open(platform.threads, { threads: 1 });
});
afterAll(() => cpu.dispose());

/** The folder as it was saved: its tokenizer is that of the tiny MusicGen. */
function whole(name: string, tokenizer = 'tokenizer'): string {
  root ??= mkdtempSync(join(tmpdir(), 'melody-stable-audio-'));
  const to = join(root, name);
  if (existsSync(to)) return to;
  cpSync(folder(name), to, { recursive: true });
  cpSync(join(folder('musicgen_mono'), 'tokenizer.json'), join(to, tokenizer, 'tokenizer.json'));
  return to;
}
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function openModel(name: string): Promise<StableAudioModel> {
  const place = openSystemFolder(whole(name), {});
  return openStableAudio(place, (await systemOf(place)).config);
}

function expectEqual(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  expect(nmse(got, expected)).toBeLessThanOrEqual(LIMIT);
}

describe('WebGPU', () => compareAll(adapter, GPU));
describe('CPU', () => compareAll(() => cpu as unknown as Gpu, CPU));

function compareAll(gpu: () => Gpu, options: SystemOptions): void {
  for (const name of ['stable_audio', 'stable_audio_ode'])
    describe(name, async () => {
      const model = await openModel(name);
      const gold = await golden(`systems/${name}.golden`);
      const { dit, vae } = model.config;
      const run = <N extends string>(body: (g: Graph) => Record<N, Tensor>, inputs: Record<string, Float32Array>) =>
        runGraph(
          gpu(),
          (g) => {
            const out = body(g);
            model.weights.check();
            return out;
          },
          inputs,
          {},
          { guard: false },
        );

      it('transformer, with tokens and without', async () => {
        const w = model.weights.at('transformer');
        const [length, width] = gold.shape('tokens');
        const times = fourierFeatures([gold.get('time')[0]], await readFloats(w.get('time_proj.weight', [dit.time_proj_dim / 2])), [
          'cos',
          'sin',
        ]);
        const context = contextStates(dit, 1, length);
        const { v } = await run(
          (g) => {
            readContext(g, w, reshape(g.input('tokens', [length, width]), [1, length, width]), dit, context);
            const token = globalTokens(
              g,
              w,
              g.input('times', [1, dit.time_proj_dim]),
              g.input('durations', [1, dit.global_states_input_dim]),
              dit,
            );
            return { v: stableAudioDit(g, w, g.input('x', gold.shape('x')), token, context, dit, 2) };
          },
          { x: gold.get('x'), tokens: gold.get('tokens'), durations: gold.get('durations'), times },
        );
        expectEqual(v, gold.get('v'));
      });

      it('codec: latents → audio, audio → latents', async () => {
        const w = model.weights.at('vae');
        const { decoded } = await run((g) => ({ decoded: oobleckDecoder(g, w.at('decoder'), g.input('z', gold.shape('latents')), vae) }), {
          z: gold.get('latents'),
        });
        expectEqual(decoded, gold.get('decoded'));
        const { moments } = await run(
          (g) => ({ moments: oobleckEncoder(g, w.at('encoder'), g.input('audio', gold.shape('audio')), vae) }),
          {
            audio: gold.get('audio'),
          },
        );
        const channels = vae.decoder_input_channels;
        expectEqual(
          moments.filter((_, i) => i % (2 * channels) < channels),
          gold.get('mean'),
        );
      });

      describe('pieces from the same noise', () => {
        let system: StableAudio;
        beforeAll(async () => {
          system = await StableAudio.over(model, options);
        });
        afterAll(() => system.dispose());
        // plain, away from other words, from given sound
        for (const key of options.device === 'cpu' || name === 'stable_audio' ? ['plain', 'negative', 'init'] : ['negative'])
          it(key, async () => {
            const { engine } = system;
            const progress = new Progress(undefined, undefined, engine);
            const [audioChannels, samples] = gold.shape(`${key}.audio`);
            const [frames, channels] = gold.shape(`${key}.start`);
            const one = frames * channels;
            const noise = gold.has(`${key}.noise`) ? gold.get(`${key}.noise`) : new Float32Array();
            const drawn = Array.from({ length: noise.length / one }, (_, i) => noise.subarray(i * one, (i + 1) * one));
            const init = key === 'init' ? drawn.shift() : undefined;
            const sound = key === 'init' ? gold.get('init.sound') : undefined;
            const given =
              sound &&
              Array.from({ length: audioChannels }, (_, c) =>
                sound.subarray((c * sound.length) / audioChannels, ((c + 1) * sound.length) / audioChannels),
              );
            const request: Request = {
              ids: model.tokenizer.encode(PROMPT).ids,
              ...(key === 'negative' && { negative: model.tokenizer.encode('heavy drums').ids }),
              endSeconds: samples / system.sampleRate,
              frames,
              steps: 4,
              guidanceScale: 3,
              seed: 1,
              precision: 'f32' as const,
              ...(given && { init: { sound: given, strength: 1 } }),
              draws: { start: gold.get(`${key}.start`), ...(drawn.length > 0 && { steps: drawn }), ...(init && { init }) },
            };
            const latents = await drawLatents(engine, request, progress, undefined);
            const audio = await decodeLatents(engine, latents, progress, undefined);
            expect(audio.length).toBe(audioChannels);
            for (const [c, channel] of audio.entries())
              expectEqual(channel.subarray(0, samples), gold.get(`${key}.audio`).subarray(c * samples, (c + 1) * samples));
          });
      });
    });
}

describe('the layout of stable-audio-tools', async () => {
  const from = whole('stable_audio_small', 't5-base');
  const place = openSystemFolder(from, {});
  const model = await openStableAudio(place, (await systemOf(place)).config);
  const gold = await golden('systems/stable_audio_small.golden');

  it('codec, and pieces by pingpong, Euler, DPM-Solver++ and its third order from the same noise, anew and over given latents', async () => {
    const { vae } = model.config;
    const w = model.weights.at('vae');
    const { decoded, moments } = await runGraph(
      cpu as unknown as Gpu,
      (g) => ({
        decoded: oobleckDecoder(g, w.at('decoder'), g.input('z', gold.shape('latents')), vae),
        moments: oobleckEncoder(g, w.at('encoder'), g.input('audio', gold.shape('audio')), vae),
      }),
      { z: gold.get('latents'), audio: gold.get('audio') },
      {},
      { guard: false },
    );
    expectEqual(decoded, gold.get('decoded'));
    expectEqual(moments, gold.get('moments'));
    const flow = (solver: FlowSchedule['solver']) => ({ kind: 'flow', solver }) as const;
    const latents = gold.get('given');
    for (const { name, schedule, guidanceScale = 3, count = 5, noiseLevel } of [
      { name: 'pingpong', schedule: flow('pingpong'), guidanceScale: 1 },
      { name: 'euler', schedule: flow('euler') },
      { name: 'dpmpp', schedule: flow('dpmpp') },
      { name: 'changed', schedule: flow('euler'), noiseLevel: 0.6 },
      { name: 'third', schedule: scheduleOf('v'), count: 7 },
      { name: 'third_changed', schedule: scheduleOf('v'), count: 7, noiseLevel: 4 },
    ]) {
      const own = { ...model, config: { ...model.config, schedule } };
      const system = await StableAudio.over(own, CPU);
      const progress = new Progress(undefined, undefined, system.engine);
      const start = gold.get('start');
      const noise = gold.has(`${name}.noise`) ? gold.get(`${name}.noise`) : new Float32Array();
      const drawn = noise.length / start.length;
      const none = new Float32Array(start.length); // the last step of some draws nothing
      const steps = Array.from({ length: drawn && count }, (_, i) =>
        i < drawn ? noise.subarray(i * start.length, (i + 1) * start.length) : none,
      );
      const request: Request = {
        ids: [...gold.ids('ids')],
        endSeconds: 0.096,
        frames: 13,
        steps: count,
        guidanceScale,
        seed: 1,
        precision: 'f32' as const,
        ...(noiseLevel !== undefined && { init: { sound: [], noiseLevel } }),
        draws: { start, latents, ...(steps.length > 0 && { steps }) },
      };
      const made = await drawLatents(system.engine, request, progress, undefined);
      expectEqual(made, gold.get(`${name}.latents`));
      if (gold.has(`${name}.audio`)) {
        const audio = await decodeLatents(system.engine, made, progress, undefined);
        expectEqual(Float32Array.from(audio.flatMap((channel) => [...channel])), gold.get(`${name}.audio`));
      }
      system.dispose();
    }
  });

  it('plays by its own presets, and leaves no tensor unused but tables', async () => {
    const system = (await loadSystem(from, CPU)) as StableAudio;
    const clip = await system.generate({ prompt: PROMPT, durationSeconds: 0.1, seed: 3 });
    expect(clip.recipe).toMatchObject({ steps: 8, guidanceScale: 1, model: 'stable_audio_small' });
    expect(clip.channels.map(({ length }) => length)).toEqual([100, 100]);
    system.dispose();
    const { faults, unused } = await systemMisfits(place, 'stable_audio', (await systemOf(place)).config);
    expect([faults, unused]).toEqual([[], []]);
  });

  it('says that T5 is not in the file', async () => {
    const alone = openSystemFolder(folder('stable_audio_small'), {});
    const bare = { ...alone, part: () => alone.part('nowhere') };
    await expect(openStableAudio(bare, (await systemOf(alone)).config)).rejects.toThrow('t5-base/config.json is missing');
  });
});

describe('a tiny Stable Audio on the CPU', async () => {
  const system = (await loadSystem(whole('stable_audio'), CPU)) as StableAudio;
  const small = { prompt: PROMPT, steps: 3, durationSeconds: 0.06, seed: 7 };

  it('makes the same piece of the same seed, exactly as long as asked, and another of another', async () => {
    const events: MelodyEvent[] = [];
    const clip = await system.generate({ ...small, durationSeconds: 0.08026, onEvent: (event) => events.push(event) });
    expect(clip.channels.map(({ length }) => length)).toEqual([321, 321]);
    expect(clip.sampleRate).toBe(4000);
    const again = await system.generate(clip.recipe);
    expect(again.channels).toEqual(clip.channels);
    const other = await system.generate({ ...clip.recipe, seed: 8 });
    expect(nmse(other.channels[0], clip.channels[0])).toBeGreaterThan(0.01);
    const fractions = events.flatMap((event) => (event.type === 'progress' ? [event.fraction] : []));
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions[fractions.length - 1]).toBe(1);
    expect(clip.recipe).toMatchObject({ system: 'stable_audio', model: 'stable_audio', guidanceScale: 7, steps: 3, seed: 7 });
  });

  it('every setting changes the piece: guidance, other words, steps, window, given sound and how much of it', async () => {
    const tone = Float32Array.from({ length: 400 }, (_, i) => 0.4 * Math.sin(i / 9));
    const initAudio = { channels: [tone], sampleRate: 4000 };
    const plain = await system.generate(small);
    for (const change of [
      { guidanceScale: 1 },
      { negativePrompt: 'heavy drums' },
      { steps: 4 },
      { windowSeconds: 0.09 },
      { initAudio, strength: 0.5 },
    ]) {
      const clip = await system.generate({ ...small, ...change });
      expect(clip.channels[0].length).toBe(240);
      expect(nmse(clip.channels[0], plain.channels[0]), JSON.stringify(change)).toBeGreaterThan(1e-6);
    }
  });

  it('makes regions of given sound anew, and keeps the rest to the sample', async () => {
    const tone = Float32Array.from({ length: 440 }, (_, i) => 0.4 * Math.sin(i / 9));
    const initAudio = { channels: [tone, tone.map((x) => -x)], sampleRate: 4000 };
    const inpaint = [{ start: 0.02, end: 0.05 }];
    const asked = { prompt: PROMPT, steps: 3, seed: 7, initAudio, inpaint };
    const clip = await system.generate(asked);
    const [start, end] = [80, 200];
    for (const [c, channel] of clip.channels.entries()) {
      expect(channel.length).toBe(440);
      const given = initAudio.channels[c] as Float32Array;
      expect(channel.subarray(0, start)).toEqual(given.subarray(0, start));
      expect(channel.subarray(end)).toEqual(given.subarray(end));
      expect(nmse(channel.subarray(start, end), given.subarray(start, end))).toBeGreaterThan(0.01);
    }
    expect(clip.recipe).toMatchObject({ inpaint, durationSeconds: 0.11, keepGiven: true });
    expect((await system.generate({ ...clip.recipe, initAudio })).channels).toEqual(clip.channels);
    const other = await system.generate({ ...asked, seed: 8 });
    expect(nmse(other.channels[0].subarray(start, end), clip.channels[0].subarray(start, end))).toBeGreaterThan(1e-4);
    const mono = { channels: [Float32Array.from({ length: 880 }, (_, i) => 0.4 * Math.sin(i / 18))], sampleRate: 8000 };
    const kept = await system.generate({ ...asked, initAudio: mono });
    expect([kept.sampleRate, kept.channels.map(({ length }) => length)]).toEqual([8000, [880]]);
    expect(kept.channels[0].subarray(400)).toEqual(mono.channels[0].subarray(400));
    const own = await system.generate({ ...asked, initAudio: mono, keepGiven: false });
    expect([own.sampleRate, own.channels.map(({ length }) => length)]).toEqual([4000, [440, 440]]);
  });

  it('leaves latents outside the regions what the codec made of the sound, whatever the sampler', async () => {
    for (const name of ['stable_audio', 'stable_audio_ode', 'stable_audio_small']) {
      const one = (await loadSystem(name === 'stable_audio_small' ? whole(name, 't5-base') : whole(name), CPU)) as StableAudio;
      const { engine } = one;
      const { config, tokenizer } = engine.model;
      const frames = Math.min(12, config.frames);
      const hop = oobleckHop(config.vae);
      const sound = Array.from({ length: config.vae.audio_channels }, (_, c) =>
        Float32Array.from({ length: frames * hop }, (_, i) => 0.3 * Math.sin(i / (5 + c))),
      );
      const { ids } = tokenizer.encode(PROMPT);
      const request = { ids, endSeconds: 0.1, frames, steps: 4, guidanceScale: 1, seed: 5, precision: 'f32' as const };
      const latents = (fresh: boolean[], seed: number) =>
        drawLatents(
          engine,
          { ...request, seed, init: { sound, strength: 1, fresh } },
          new Progress(undefined, undefined, engine),
          undefined,
        );
      const kept = await latents(new Array(frames).fill(false), 5);
      const some = await latents(
        Array.from({ length: frames }, (_, f) => f >= 4 && f < 7),
        5,
      );
      const width = config.dit.in_channels;
      const part = (all: Float32Array, from: number, to: number) => all.subarray(from * width, to * width);
      expect(part(some, 0, 4)).toEqual(part(kept, 0, 4));
      expect(part(some, 7, frames)).toEqual(part(kept, 7, frames));
      expect(nmse(part(some, 4, 7), part(kept, 4, 7))).toBeGreaterThan(0.01);
      one.dispose();
    }
  });

  it('refuses regions that do not fit, in a sentence', async () => {
    const initAudio = { channels: [new Float32Array(400).fill(0.1)], sampleRate: 4000 };
    const refused = (options: object) => expect(system.generate({ prompt: PROMPT, seed: 1, ...options } as never)).rejects;
    await refused({ inpaint: [{ start: 0, end: 0.1 }] }).toThrow('inpaint needs initAudio');
    await refused({ initAudio, inpaint: [] }).toThrow('a list of regions');
    await refused({ initAudio, inpaint: [{ start: 0.05, end: 0.02 }] }).toThrow('{ start, end } in seconds');
    await refused({ initAudio, inpaint: [{ start: 0.05, end: 0.2 }] }).toThrow('initAudio lasts 0.100 s');
    await refused({ initAudio, inpaint: [{ start: 0, end: 0.05 }], durationSeconds: 0.05 }).toThrow('the clip lasts as long as initAudio');
    const long = { channels: [new Float32Array(8000)], sampleRate: 4000 };
    await refused({ initAudio: long, inpaint: [{ start: 0, end: 0.05 }] }).toThrow('of which the model hears');
  });

  it('decodes in tiles what it decodes at once, odd strides too', async () => {
    const { engine } = system;
    const latents = Float32Array.from({ length: 6 * 130 }, (_, i) => Math.sin(i * i));
    const progress = new Progress(undefined, undefined, engine);
    const whole = await decodeLatents(engine, latents, progress, undefined, 130);
    const context = oobleckContext(engine.model.config.vae);
    for (const tile of [2 * context + 1, 100]) {
      const tiled = await decodeLatents(engine, latents, progress, undefined, tile);
      for (const [c, channel] of tiled.entries()) {
        expect(channel.length).toBe(whole[c].length);
        expect(nmse(channel, whole[c])).toBeLessThanOrEqual(1e-12);
      }
    }
  });

  it('predicts its memory, and says what its weights allow', async () => {
    const { peak } = await system.predictMemory(small);
    const { timings } = await system.generate(small);
    expect(peak).toBeGreaterThanOrEqual(timings.peakBytes);
    expect(system.licence).toMatch(/Stability AI Community License/);
  });

  it('refuses what it cannot do, in a sentence', async () => {
    const refused = (options: object) => expect(system.generate({ ...small, ...options } as never)).rejects;
    await refused({ topK: 10 }).toThrow('Stable Audio has no setting topK; it has prompt, negativePrompt');
    await refused({ loop: true }).toThrow('Stable Audio has no setting loop');
    await refused({ durationSeconds: 0.2 }).toThrow('durationSeconds must be a number from 0 to 0.12');
    await refused({ steps: 1 }).toThrow("steps must be at least 2 with this model's scheduler; got 1");
    await refused({ negativePrompt: 'drums', guidanceScale: 1 }).toThrow('negativePrompt needs guidance');
    await refused({ strength: 0.5 }).toThrow('strength needs initAudio');
    await refused({ windowSeconds: 0.04 }).toThrow('expected a window that holds the clip');
    await refused({ prompt: 'piano '.repeat(30) }).toThrow(/prompt: it has \d+ tokens, expected at most 24/);
    await refused({ prompt: 3 }).toThrow('prompt must be a text; got number');
    await refused({ system: 'musicgen' }).toThrow('the recipe is of the system musicgen');
  });
});
