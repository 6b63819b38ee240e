// The whole pipeline on melody-tiny: PyTorch's generation, determinism, streaming, continuing, looping, inpainting, steering.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { seams } from '../../src/audio/measures/joins.ts';
import type { EngineOptions } from '../../src/engine/engine.ts';
import { readFloats } from '../../src/graph/stock.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { denoise } from '../../src/pipeline/stages/denoise.ts';
import { embedAudio } from '../../src/pipeline/stages/given.ts';
import { extendTokens } from '../../src/pipeline/stages/language.ts';
import { decode, embedText, quantiseStyle } from '../../src/pipeline/stages/networks.ts';
import { rotations } from '../../src/pipeline/stages/schedule.ts';
import { withRandom } from '../helpers/controls.ts';
import { expectParity, golden } from '../helpers/goldens.ts';
import { TEST_CPU, TEST_GPU } from '../helpers/gpu.ts';

const prompt = 'calm piano waltz in A minor, 96 bpm';
const folder = new URL('../../weights/melody-tiny/', import.meta.url);
let melody: MeLoDy;
/** Opens the model anew for the tests of a describe. */
const on = (options: EngineOptions) => {
  beforeAll(async () => {
    melody = await MeLoDy.load(folder, options);
  });
  afterAll(() => melody.dispose());
};

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);

/** What the goldens ask for (CONTROLS of goldens.py), for models with controls: a bar begins with token 0. */
const guide = { tempo: 96, key: 9 + 12, clockAt: (seconds: number) => ({ beat: (seconds * 96) / 60, beatsPerBar: 3 }) };

describe('on the adapter, against PyTorch', () => {
  on(TEST_GPU);

  it('prompt → embedding → codes → likeliest tokens', async () => {
    const gold = await golden('generation');
    const e = await embedText(melody.engine, gold.ids('in.ids'));
    expectParity(e, gold.get('embedding'), 1e-3);
    expect(await quantiseStyle(melody.engine, e)).toEqual([...gold.ids('style')]);
    const tokens = gold.ids('tokens');
    const made = await extendTokens(melody.engine, 0, new Uint32Array(0), tokens.length, {
      style: [...gold.ids('style')],
      guidance: 1,
      sampling: { temperature: 0, topK: 0, topP: 1 },
      seed: 1,
      guide,
    });
    expect(made).toEqual(tokens);
  });

  it('the likeliest tokens under guidance', async () => {
    const gold = await golden('semantic_lm');
    const tokens = gold.ids('out.greedy_guided');
    const made = await extendTokens(melody.engine, 0, new Uint32Array(0), tokens.length, {
      style: [...gold.ids('in.style')],
      guidance: 2,
      sampling: { temperature: 0, topK: 0, topP: 1 },
      seed: 1,
      guide,
    });
    expect(made).toEqual(tokens);
  });
  const step = (extra: object) => ({
    seed: 0,
    firstFrame: 0,
    steps: 5,
    guidance: 2.5,
    schedule: 'linear' as const,
    sampler: 'rotation' as const,
    ...extra,
  });

  it('fixed noise → latents → audio', async () => {
    const gold = await golden('generation');
    const noise = gold.get('in.noise');
    const frames = noise.length / melody.model.config.latent_dim;
    const [latents] = await denoise(melody.engine, [
      step({ tokens: gold.ids('tokens'), latents: noise, noise, fresh: new Array<boolean>(frames).fill(true) }) as never,
    ]);
    expectParity(latents, gold.get('latents'), 2e-2); // five guided steps of a network that is within 1e-2
    // A decoder whose phase runs on leaves much to chance: test/models/goldens.test.ts compares it.
    if (melody.model.config.vae_decoder.kind === 'istft_running') return;
    const [audio] = await decode(melody.engine, latents, 0, frames);
    expectParity(audio, gold.get('out.audio'));
  });

  it('uniform schedule without guidance', async () => {
    const gold = await golden('generation');
    const noise = gold.get('in.noise');
    const fresh = new Array<boolean>(noise.length / melody.model.config.latent_dim).fill(true);
    const [latents] = await denoise(melody.engine, [
      step({ tokens: gold.ids('tokens'), latents: noise, noise, fresh, steps: 3, guidance: 1, schedule: 'uniform' }) as never,
    ]);
    // The golden is not clamped, the engine's result is (docs/system.md §7).
    const limit = await readFloats(melody.model.weights.at('dual_path').get('latent_limit', [melody.model.config.latent_dim]));
    const clamped = gold
      .get('uniform_3_steps_unguided')
      .map((v, i) => Math.max(-limit[i % limit.length], Math.min(limit[i % limit.length], v)));
    expectParity(latents, clamped);
  });

  it('continuing: context frames come back bit-identical', async () => {
    const gold = await golden('generation');
    const noise = gold.get('continue.in.noise');
    const context = gold.get('continue.in.context');
    const d = melody.model.config.latent_dim;
    const fresh = Array.from({ length: noise.length / d }, (_, f) => f >= context.length / d);
    const [latents] = await denoise(melody.engine, [
      step({ tokens: gold.ids('continue.in.tokens'), latents: context, noise, fresh }) as never,
    ]);
    expect(latents.slice(0, context.length)).toEqual(context);
    expectParity(latents, gold.get('continue.latents'), 2e-2);
  });

  it('a batch of two windows equals two single runs', async () => {
    const gold = await golden('generation');
    const d = melody.model.config.latent_dim;
    const fresh = new Array<boolean>(40).fill(true).fill(false, 0, 10);
    const latents = gold.get('latents');
    const one = step({ tokens: gold.ids('tokens').slice(0, 20), latents: latents.slice(0, 40 * d), fresh, seed: 5, steps: 2 }) as never;
    const two = step({
      tokens: gold.ids('tokens').slice(20, 40),
      latents: latents.slice(40 * d, 80 * d),
      fresh,
      seed: 5,
      steps: 2,
      firstFrame: 40,
    }) as never;
    const both = await denoise(melody.engine, [one, two]);
    const [[first], [second]] = [await denoise(melody.engine, [one]), await denoise(melody.engine, [two])];
    expect(worst(both[0], first)).toBeLessThan(1e-5);
    expect(worst(both[1], second)).toBeLessThan(1e-5);
  });

  it('a clip is exact to the sample, and the same twice; a stream of it is the same too', async () => {
    await exactTwice();
    await streamEqualsClip();
  });
});

async function exactTwice(): Promise<void> {
  const options = { prompt, durationSeconds: 1.2345, seed: 7, steps: 2 };
  const [a, b] = [await melody.generate(options), await melody.generate(options)];
  expect(a.channels[0].length).toBe(Math.round(1.2345 * 24000));
  expect(a.channels[0]).toEqual(b.channels[0]);
  expect(worst(a.channels[0], (await melody.generate({ ...options, seed: 8 })).channels[0])).toBeGreaterThan(0.01);
}

describe('generate', () => {
  on(TEST_CPU);

  it('is exact to the sample, and the same twice, byte for byte', exactTwice);

  it('draws and reports a seed, and its recipe makes the clip again', async () => {
    const a = await melody.generate({ prompt, durationSeconds: 0.8, steps: 1 });
    expect(a.recipe.seed).toBeGreaterThanOrEqual(0);
    const { model: _m, ...again } = a.recipe;
    expect((await melody.generate(again)).channels[0]).toEqual(a.channels[0]);
  });

  it('variation i equals the single run with seed + i', async () => {
    const options = { prompt, durationSeconds: 0.8, steps: 1, seed: 40 };
    const clips = await melody.variations(options, 2);
    expect(clips[1].channels[0]).toEqual((await melody.generate({ ...options, seed: 41 })).channels[0]);
    expect(clips[1].recipe.seed).toBe(41);
  });

  it('makes pieces longer than a window, and samples with both samplers, both schedules and language guidance', async () => {
    const long = await melody.generate({ prompt, durationSeconds: 7, seed: 1, steps: 1 });
    expect(long.channels[0].length).toBe(7 * 24000);
    const plain = { prompt, durationSeconds: 0.8, seed: 1, steps: 3 };
    const base = (await melody.generate(plain)).channels[0];
    for (const other of [
      { sampler: 'ddpm' as const },
      { schedule: 'uniform' as const },
      { lmGuidanceScale: 3 },
      { negativePrompt: 'drums', lmGuidanceScale: 3 },
      { guidanceScale: 1 },
      { topK: 1 },
    ]) {
      const clip = (await melody.generate({ ...plain, ...other })).channels[0];
      expect(clip).toHaveLength(base.length);
      expect(worst(clip, base)).toBeGreaterThan(1e-4);
    }
    const ddpm = { ...plain, sampler: 'ddpm' as const };
    expect((await melody.generate(ddpm)).channels[0]).toEqual((await melody.generate(ddpm)).channels[0]);
  });

  it('denoises windows of a long piece in parallel', async () => {
    const options = { prompt, durationSeconds: 12, seed: 1, steps: 1, parallelWindows: 3, loudness: null };
    const clip = (await melody.generate(options)).channels[0];
    expect(clip.length).toBe(12 * 24000);
    expect((await melody.generate(options)).channels[0]).toEqual(clip);
    // The first window knows nothing of the others, so it is the one that a single run makes.
    const alone = (await melody.generate({ ...options, parallelWindows: 1 })).channels[0];
    const window = melody.model.config.window_seconds * 24000;
    expect(worst(clip.slice(0, window / 2), alone.slice(0, window / 2))).toBeLessThan(1e-3);
  });

  it('reports rising progress of every stage, warns of unknown words, and is busy meanwhile', async () => {
    const events: { type: string; stage?: string; fraction?: number; code?: string }[] = [];
    const job = melody.generate({ prompt: `${prompt} zxqv`, durationSeconds: 0.8, steps: 2, seed: 1, onEvent: (e) => events.push(e) });
    await expect(melody.generate({ prompt })).rejects.toMatchObject({ code: 'busy' });
    await job;
    const progress = events.filter((e) => e.type === 'progress');
    expect(new Set(progress.map((e) => e.stage))).toEqual(new Set(['style', 'tokens', 'diffusion', 'decoding']));
    progress.forEach((e, i) => {
      expect(e.fraction).toBeGreaterThanOrEqual(i ? (progress[i - 1].fraction as number) : 0);
    });
    expect(progress.at(-1)?.fraction).toBe(1);
    expect(events.some((e) => e.code === 'unknown_words')).toBe(true);
    expect(events.at(-1)?.type).toBe('done');
  });

  it('counts its passes: tokens one by one, then the steps', async () => {
    const { tokens, steps } = await passes(2);
    expect(tokens).toBe(2 * melody.model.config.token_rate);
    expect(steps).toBe(3);
  });

  it('refuses what it cannot do before it starts', async () => {
    const bad: [object, RegExp][] = [
      [{}, /nothing says what to play/],
      [{ prompt: '' }, /holds no word/],
      [{ prompt: '  \n' }, /the prompt holds no word/],
      [{ prompt, blend: { text: ' ', weight: 0.5 } }, /the second prompt holds no word/],
      [
        {
          prompt,
          blend: [
            { text: 'a', weight: 0.1 },
            { text: ' ', weight: 0.5 },
          ],
        },
        /the second prompt holds no word/,
      ],
      [{ prompt, blend: [] }, /blend must be \{ text, weight \}, or a list of them/],
      [{ prompt, blend: [{ text: 'a', weight: 0.1 }, 7] }, /blend must be \{ text, weight \}, or a list of them/],
      [
        {
          prompt,
          blend: [
            { text: 'a', weight: 0.6 },
            { text: 'b', weight: 0.7 },
          ],
        },
        /blend must be of weights that sum to 1 at most/,
      ],
      [{ prompt, negativePrompt: '' }, /the negative prompt holds no word/],
      [{ prompt: '\ud800\u0000' }, /holds no word/],
      [{ prompt: 'x'.repeat(1 << 20) }, /65536 characters/],
      [{ prompt: 7 }, /must be text/],
      [{ prompt, durationSeconds: 0 }, /durationSeconds must be a number from 0.1/],
      [{ prompt, durationSeconds: Number.NaN }, /durationSeconds/],
      [{ prompt, durationSeconds: 1e6 }, /durationSeconds/],
      [{ prompt, seed: -1 }, /seed must be a whole number/],
      [{ prompt, seed: 1.5 }, /seed must be/],
      [{ prompt, steps: 0 }, /steps must be/],
      [{ prompt, guidanceScale: -1 }, /guidanceScale/],
      [{ prompt, temperature: -1 }, /temperature/],
      [{ prompt, topP: 2 }, /topP/],
      [{ prompt, sampler: 'euler' }, /sampler must be/],
      [{ prompt, schedule: 'cosine' }, /schedule must be/],
      [{ prompt, loop: true, durationSeconds: 1.7 }, /a loop lasts whole chunks/],
      [{ prompt, inpaint: [{ start: 0, end: 1 }] }, /inpaint needs initAudio/],
      [
        { prompt, inpaint: [{ start: 0, end: 1 }], continueFrom: { channels: [new Float32Array(48000)], sampleRate: 24000 } },
        /inpaint cannot be combined with continueFrom/,
      ],
      [{ prompt, continueFrom: { channels: [], sampleRate: 24000 } }, /audio must have channels/],
      [{ prompt, continueFrom: { channels: [new Float32Array(10)], sampleRate: 24000 } }, /the audio to continue has/],
      [
        { prompt, initAudio: { channels: [new Float32Array(24000)], sampleRate: 24000 }, inpaint: [{ start: 0.5, end: 3 }] },
        /inpaint region/,
      ],
    ];
    for (const [options, message] of bad) await expect(melody.generate(options as never)).rejects.toThrow(message);
    expect((await melody.generate({ prompt, durationSeconds: 0.8, steps: 1, seed: 1 })).channels[0].length).toBe(19200); // and is not busy afterwards
  });

  it('takes prompts of all kinds as text', async () => {
    for (const odd of [
      'a',
      '🎹👨‍👩‍👧 piano',
      'موسيقى',
      '<|endoftext|><script>alert(1)</script>',
      '\u001b[31mred\u0000',
      'e\u0301'.repeat(2000),
    ]) {
      const clip = await melody.generate({ prompt: odd, durationSeconds: 0.4, steps: 1, seed: 1 });
      expect(clip.channels[0].length).toBe(9600);
    }
    const seeds = [0, 2 ** 32 - 1, 2 ** 53 - 1];
    for (const seed of seeds) expect((await melody.generate({ prompt, durationSeconds: 0.4, steps: 1, seed })).recipe.seed).toBe(seed);
  });
});

async function passes(seconds: number): Promise<{ tokens: number; steps: number }> {
  let [tokens, steps] = [0, 0];
  await extendTokens(melody.engine, 0, new Uint32Array(0), seconds * melody.model.config.token_rate, {
    style: undefined,
    guidance: 1,
    sampling: { temperature: 1, topK: 0, topP: 1 },
    seed: 1,
    onToken: (done) => {
      tokens = done;
    },
  });
  const d = melody.model.config.latent_dim;
  await denoise(melody.engine, [
    {
      tokens: new Uint32Array(50),
      latents: new Float32Array(100 * d),
      fresh: new Array<boolean>(100).fill(true),
      seed: 1,
      firstFrame: 0,
      steps: rotations(3).length,
      guidance: 1,
      schedule: 'linear',
      sampler: 'rotation',
      onStep: (done) => {
        steps = done;
      },
    },
  ]);
  return { tokens, steps };
}

/** Its chunks, one behind the other. */
async function collect(stream: AsyncIterable<{ channels: Float32Array[]; startSample: number }>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let length = 0;
  for await (const { channels, startSample } of stream) {
    expect(startSample).toBe(length);
    parts.push(channels[0]);
    length += channels[0].length;
  }
  const whole = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function streamEqualsClip(): Promise<void> {
  const options = { prompt, seed: 3, steps: 1, durationSeconds: 5 };
  const streamed = await collect(melody.stream(options));
  const whole = await melody.generate({ ...options, firstWindowSeconds: 0.8, runningLevel: true });
  expect(streamed.length).toBe(5 * 24000);
  expect(worst(streamed, whole.channels[0])).toBeLessThanOrEqual(1e-4);
}

describe('stream', () => {
  on(TEST_CPU);
  const options = { prompt, seed: 3, steps: 1, durationSeconds: 5 };

  it('equals generate with the same windows, in exactly as many samples', streamEqualsClip);

  it('lets the opening come back as the clip of the same length does, and not where it is to be through-composed', async () => {
    const long = { ...options, durationSeconds: 34, tempo: 180, metre: '4/4' }; // the opening lasts 8 bars, 10.7 s, and closes the piece from 21.3 s on
    const streamed = await collect(melody.stream(long));
    const whole = await melody.generate({ ...long, firstWindowSeconds: 0.8, runningLevel: true });
    expect(worst(streamed, whole.channels[0])).toBeLessThanOrEqual(1e-4);
    expect(whole.recipe.form).toBe('rondo');
    const through = await collect(melody.stream({ ...long, form: 'through-composed' }));
    expect(worst(through.slice(0, 18 * 24000), streamed.slice(0, 18 * 24000))).toBe(0);
    expect(worst(through.slice(22 * 24000), streamed.slice(22 * 24000))).toBeGreaterThan(0.01);
  });

  it('follows a change of prompt from the next window on', async () => {
    const chunks: Float32Array[] = [];
    const stream = melody.stream(options);
    for await (const { channels } of stream) {
      chunks.push(channels[0]);
      if (chunks.length === 1) stream.steer({ prompt: 'fast rock drums and loud guitars, 170 bpm' });
    }
    const steered = Float32Array.from(chunks.flatMap((c) => [...c]));
    const plain = await collect(melody.stream(options));
    const kept = chunks[0].length;
    expect(steered.slice(0, kept)).toEqual(plain.slice(0, kept));
    expect(worst(steered.slice(kept), plain.slice(kept))).toBeGreaterThan(1e-4);
  });

  it('made again as a clip of whole windows, an endless one that was stopped is as it was', async () => {
    const { durationSeconds: _, ...endless } = options;
    const parts: Float32Array[] = [];
    for await (const { channels } of melody.stream(endless)) if (parts.push(channels[0]) === 4) break;
    const heard = Float32Array.from(parts.flatMap((part) => [...part]));
    const seconds = 5.3; // within the last window, which lasts from 4.8 to 7.2 s
    expect(heard.length / 24_000).toBeGreaterThan(6);
    const again = { ...endless, durationSeconds: seconds, firstWindowSeconds: 0.8, runningLevel: true };
    const clip = await melody.generate({ ...again, wholeWindows: true });
    expect(worst(clip.channels[0], heard.slice(0, clip.channels[0].length))).toBeLessThanOrEqual(1e-4);
    const cut = await melody.generate(again);
    expect(worst(cut.channels[0], heard.slice(0, clip.channels[0].length))).toBeGreaterThan(1e-4);
  });

  it('frees the melody when left early, and plays once', async () => {
    const stream = melody.stream({ prompt, seed: 1, steps: 1 });
    for await (const chunk of stream) {
      expect(chunk.channels[0].length).toBeGreaterThan(0);
      break;
    }
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'busy' });
    await melody.generate({ prompt, durationSeconds: 0.4, steps: 1, seed: 1 });
  });

  it('keeps GPU buffers flat', async () => {
    let flat = 0;
    let n = 0;
    for await (const _ of melody.stream({ prompt, seed: 1, steps: 1 })) {
      n += 1;
      if (n === 6) flat = melody.engine.device.memory.bytes;
      if (n === 14) break;
    }
    expect(melody.engine.device.memory.bytes).toBe(flat);
  });
});

describe('given audio', () => {
  on(TEST_CPU);

  const tone = (seconds: number, hz: number, rate = 24000) =>
    Float32Array.from({ length: seconds * rate }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * i) / rate));

  it('continues a WAV: the first sample joins its last', async () => {
    const given = tone(2.5, 220);
    const clip = await melody.generate({
      prompt,
      continueFrom: { channels: [given], sampleRate: 24000 },
      durationSeconds: 2,
      steps: 1,
      seed: 1,
    });
    expect(clip.channels[0].length).toBe(48000);
    expect(Math.abs(clip.channels[0][0] - given[given.length - 1])).toBeLessThan(1e-3);
  });

  it('takes its style from music, at any rate and in stereo', async () => {
    const options = { durationSeconds: 0.8, steps: 1, seed: 1 };
    const low = await melody.generate({
      ...options,
      promptAudio: { channels: [tone(3, 110, 44100), tone(3, 165, 44100)], sampleRate: 44100 },
    });
    expect(low.channels[0].length).toBe(19200);
    const mixed = await melody.generate({
      ...options,
      prompt,
      promptAudio: { channels: [tone(3, 110)], sampleRate: 24000 },
      promptAudioWeight: 0,
    });
    expect(mixed.channels[0]).toEqual((await melody.generate({ ...options, prompt })).channels[0]);
  });

  it('hears it through a spectrogram transformer too, where the model has that tower', async () => {
    const { model } = melody;
    const audio_tower = {
      kind: 'ast',
      dim: 32,
      layers: 1,
      heads: 2,
      ffn: 64,
      embedding_dim: model.config.text_tower.embedding_dim,
    } as const;
    const weights = withRandom(model.weights, /^audio_tower\./);
    const other = await MeLoDy.over({ ...model, config: { ...model.config, audio_tower }, weights }, () => platform.openGpu(), TEST_CPU);
    const [low, high] = [await embedAudio(other.engine, tone(3, 110)), await embedAudio(other.engine, tone(3, 1760))];
    expect(Math.hypot(...low)).toBeCloseTo(1, 5);
    expect(worst(low, high)).toBeGreaterThan(1e-3);
    other.dispose();
  });

  it('blends two prompts; the ends are the prompts themselves', async () => {
    const options = { durationSeconds: 0.8, steps: 1, seed: 1 };
    const other = 'fast rock drums';
    const at = async (weight: number) => (await melody.generate({ ...options, prompt, blend: { text: other, weight } })).channels[0];
    expect(await at(0)).toEqual((await melody.generate({ ...options, prompt })).channels[0]);
    expect(await at(1)).toEqual((await melody.generate({ ...options, prompt: other })).channels[0]);
  });

  it('blends several prompts by their weights, which are shares where a change has no prompt', async () => {
    const options = { durationSeconds: 0.8, steps: 1, seed: 1 };
    const of = async (style: object) => (await melody.generate({ ...options, ...style })).channels[0];
    const [rock, harp] = ['fast rock drums', 'calm harp'];
    const two = [
      { text: rock, weight: 0.5 },
      { text: harp, weight: 0.25 },
    ];
    const mixed = await of({ prompt, blend: two });
    expect(mixed).toEqual(await of({ prompt: rock, blend: [{ text: prompt, weight: 0.25 }, two[1]] }));
    for (const style of [{ prompt }, { prompt, blend: two[0] }, { prompt, blend: two[1] }, { prompt: rock, blend: two[1] }])
      expect(mixed).not.toEqual(await of(style));
    expect(await of({ prompt, blend: [two[0]] })).toEqual(await of({ prompt, blend: two[0] }));
    expect(
      await of({
        prompt,
        blend: [
          { text: rock, weight: 0 },
          { text: harp, weight: 1 },
        ],
      }),
    ).toEqual(await of({ prompt: harp }));
    const shares = [
      { text: rock, weight: 0.2 },
      { text: harp, weight: 0.2 },
    ];
    const changed = (style: object) => of({ prompt, steered: [{ atSeconds: 0, ...style }] });
    expect(await changed({ blend: shares })).toEqual(await changed({ prompt: rock, blend: { text: harp, weight: 0.5 } }));
    const { recipe } = await melody.generate({ ...options, prompt, blend: two.map((one) => ({ ...one, more: 1 })) });
    expect(recipe.blend).toEqual(two);
  });

  it('inpaints: outside the region every sample is as it was, inside it is new', async () => {
    const given = tone(4, 330);
    const clip = await melody.generate({
      prompt,
      initAudio: { channels: [given], sampleRate: 24000 },
      inpaint: [{ start: 1.2, end: 2 }],
      steps: 1,
      seed: 1,
    });
    const out = clip.channels[0];
    expect(out.length).toBe(given.length);
    expect(out.slice(0, 28800)).toEqual(given.slice(0, 28800));
    expect(out.slice(48000)).toEqual(given.slice(48000));
    expect(worst(out.slice(28800, 48000), given.slice(28800, 48000))).toBeGreaterThan(0.05);
  });

  it('inpaints regions that lie between tokens, to the sample', async () => {
    const given = tone(4, 330);
    const initAudio = { channels: [given], sampleRate: 24000 };
    const { channels } = await melody.generate({ prompt, initAudio, inpaint: [{ start: 1.213, end: 1.987 }], steps: 1, seed: 1 });
    const changed = [...channels[0].keys()].filter((i) => channels[0][i] !== given[i]);
    expect(changed[0]).toBeGreaterThanOrEqual(29112);
    expect(changed[0]).toBeLessThan(1.213 * 24000 + 50);
    expect(changed.at(-1)).toBeLessThan(1.987 * 24000);
    expect(changed.at(-1)).toBeGreaterThan(1.987 * 24000 - 50);
  });

  it('inpaints a long file for the price of what surrounds the regions', async () => {
    const given = Float32Array.from({ length: 40 * 24000 }, (_, i) => 0.3 * Math.sin(i / 20) * Math.cos(i / 9000));
    const made = (seconds: number, ...inpaint: { start: number; end: number }[]) => ({
      prompt,
      initAudio: { channels: [given.slice(0, seconds * 24000)], sampleRate: 24000 },
      inpaint,
      steps: 1,
      seed: 1,
    });
    const [near, far] = [
      { start: 3, end: 4.5 },
      { start: 30, end: 31 },
    ];
    const { buffers } = await melody.predictMemory(made(12, near));
    expect((await melody.predictMemory(made(40, near, far))).buffers).toBeLessThan(2.2 * buffers); // plans for two lengths, none for forty seconds
    const chunks: number[] = [];
    const onEvent = (event: MelodyEvent) => event.type === 'chunk' && chunks.push(event.startSample / 24000);
    const both = (await melody.generate({ ...made(40, far, near), onEvent })).channels[0];
    expect(chunks.map(Math.round)).toEqual([3, 30]); // where they are in the file
    const first = (await melody.generate(made(12, near))).channels[0];
    expect(both.slice(0, 12 * 24000)).toEqual(first); // regions far apart know nothing of each other
    for (const { start, end } of [near, far]) {
      const [from, to] = [start * 24000, end * 24000];
      expect(worst(both.slice(from, to), given.slice(from, to))).toBeGreaterThan(0.02);
    }
    expect(both.slice(4.5 * 24000, 30 * 24000)).toEqual(given.slice(4.5 * 24000, 30 * 24000));
  }, 180_000);
});

describe('loop', () => {
  on(TEST_CPU);

  it('leads its end into its start: no larger a step at the seam than at other places of the music', async () => {
    const clip = await melody.generate({ prompt, loop: true, durationSeconds: 3.2, steps: 2, seed: 2 });
    const [audio] = clip.channels;
    expect(audio.length).toBe(3.2 * 24000);
    expect(clip.report.seams).toHaveLength(1);
    // A loop begins on a beat, and a beat is a step: so it is held against the largest of 40 places, not against 1.
    const places = Array.from({ length: 40 }, (_, i) => Math.round(((i + 0.5) / 40) * audio.length));
    const others = seams(audio, 24000, places).map(({ jump }) => jump);
    expect(clip.report.seams[0].jump).toBeLessThanOrEqual(Math.max(...others));
    // The same music cut where it lies farthest from its start has a click, and the measure hears it.
    const farthest = audio.reduce((best, v, n) => (Math.abs(v - audio[0]) > Math.abs(audio[best] - audio[0]) ? n : best), 0);
    expect(seams(audio.subarray(0, farthest + 1), 24000, [0])[0].jump).toBeGreaterThan(Math.max(...others));
  });
});
